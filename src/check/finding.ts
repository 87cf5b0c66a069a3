// What an examination finds: a sentence on what was seen and, unless all is well, what to do.

export type Topic =
  | "configuration"
  | "data"
  | "host"
  | "dns"
  | "addresses"
  | "port"
  | "certificate"
  | "tls"
  | "interface"
  | "clock";

/** `fail`: something does not work, or others will not talk to the host. `warning`: it works, or cannot be told. */
export type Level = "ok" | "warning" | "fail";

export interface Finding {
  /** What was examined, as in `dns-a`: stable, for scripts. Several findings on different things may share one. */
  readonly id: string;
  readonly topic: Topic;
  readonly level: Level;
  /** The address, file or server that it is about, where there are several; otherwise null. */
  readonly about: string | null;
  readonly seen: string;
  /** What to type or change; null when all is well. */
  readonly remedy: string | null;
}

/** The findings on one topic; `about` as in Finding. */
export interface Findings {
  ok(id: string, seen: string, about?: string): Finding;
  warning(id: string, seen: string, remedy: string, about?: string): Finding;
  fail(id: string, seen: string, remedy: string, about?: string): Finding;
}

export function findingsOn(topic: Topic): Findings {
  const finding = (level: Level) =>
  (
    id: string,
    seen: string,
    remedy: string | null,
    about: string | null = null,
  ): Finding => ({ id, topic, level, about, seen, remedy });
  return {
    ok: (id, seen, about) => finding("ok")(id, seen, null, about),
    warning: finding("warning"),
    fail: finding("fail"),
  };
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(items: readonly string[]): string {
  const last = items.at(-1) ?? "";
  return items.length < 2 ? last : `${items.slice(0, -1).join(", ")} and ${last}`;
}

/** At most `max` of a stranger's words, and how many more there are. */
export function some(items: readonly string[], max = 4): string {
  const more = items.length - max;
  return more > 0 ? `${items.slice(0, max).join(", ")} and ${more} more` : listed(items);
}

/** `1 user`, `2 users`. */
export function counted(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** An error in one line. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
