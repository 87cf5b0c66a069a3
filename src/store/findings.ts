// What an audit finds, collected up to a bound, and which errors mean that the store's file is damaged.

/** Findings that are kept; of the others only their number is. */
const KEPT = 100;

/** Something that is wrong, and what can be done about it. Together they are one sentence. */
export interface Finding {
  readonly what: string;
  readonly remedy: string;
}

export const RESTORE = "restore a backup";

/** The finding for a file that SQLite cannot read. */
export function damaged(why: string): Finding {
  return { what: `The store's file is damaged (${why})`, remedy: RESTORE };
}

export class Findings {
  /** The remedies, by what is wrong: nothing is found twice. */
  readonly #kept = new Map<string, string>();
  #more = 0;

  add(what: string, remedy = RESTORE): void {
    if (this.#kept.size < KEPT) this.#kept.set(what, remedy);
    else if (!this.#kept.has(what)) this.#more++;
  }

  addAll(findings: readonly Finding[]): void {
    for (const { what, remedy } of findings) this.add(what, remedy);
  }

  /** The findings, and at the end how many more there are. */
  list(): Finding[] {
    const kept = [...this.#kept].map(([what, remedy]) => ({ what, remedy }));
    if (this.#more === 0) return kept;
    return [...kept, { what: `${this.#more} more are not listed`, remedy: RESTORE }];
  }
}

/** An error in the words of what caused it. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : wordsOf(error.cause);
}

/** Does this error, or one that caused it, say that the store's file is damaged? */
export function isDamage(error: unknown): boolean {
  // What was written does not come back: SQLITE_IOERR_READ, _SHORT_READ and _CORRUPTFS.
  return some(error, (words, code) => DAMAGE.test(words) || [266, 522, 8458].includes(code));
}

/** Does it say nothing of the store, but that the machine lacks room or memory? */
export function isOfTheMachine(error: unknown): boolean {
  return some(error, (words) => MACHINE.test(words)) && !isDamage(error);
}

/** SQLite's words: not all of its errors come with their numbers. */
const DAMAGE = /file is not a database|database disk image is malformed/;
const MACHINE = /disk is full|disk I\/O error|out of memory|database is locked|unable to open/;

/** Do the words and SQLite's number (0 where there is none) of an error, or of a cause of it, fulfil `test`? */
function some(error: unknown, test: (words: string, code: number) => boolean): boolean {
  if (!(error instanceof Error)) return false;
  const code: unknown = Reflect.get(error, "errcode");
  return test(error.message, typeof code === "number" ? code : 0) || some(error.cause, test);
}
