// fmsg.yaml: finding it, reading it, and saying in one line what is wrong with it.
// The keys and their defaults are in config/schema.ts.
import { dirname, resolve } from "node:path";
import * as v from "valibot";
import { type Path, type Problem, readDocument, type Reading } from "./config/document.ts";
import { dottedKeys } from "./config/keys.ts";
import { KEYS, SCHEMA, type Tls } from "./config/schema.ts";

export type { Endpoint } from "./config/network.ts";
export { parseCidr, parseDomain, parseIp } from "./config/network.ts";
export type { Acme, Tls } from "./config/schema.ts";
export { parseDuration, parseSize } from "./config/quantities.ts";

/**
 * The configuration under the file's own names, everything resolved: durations are seconds, sizes
 * bytes, endpoints `{ip, port}`, paths absolute, ranges of addresses `address/bits`; null is "none".
 */
export type Config = DeepReadonly<v.InferOutput<typeof SCHEMA>>;

/** Every key that fmsg.yaml may have, dotted. */
export const KNOWN_KEYS: readonly string[] = dottedKeys(KEYS);

/** Something is wrong with fmsg.yaml. The message is one line that names file, line and key. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly file: string;
  /** 1-based; null when it is about something that is not in the file. */
  readonly line: number | null;
  /** Dotted; null when it is about the file itself. */
  readonly key: string | null;

  constructor(
    at: { file: string; line?: number | null; key?: string | null },
    what: string,
    options?: ErrorOptions,
  ) {
    const { file, line = null, key = null } = at;
    const place = line === null ? file : `${file}:${line}`;
    const message = key === null ? `${place}: ${what}` : `${place}: ${key}: ${what}`;
    // A key in quotes can hold a line break, and the message is one line.
    super(message.replace(/\p{Cc}+/gu, " "), options);
    this.file = file;
    this.line = line;
    this.key = key;
  }
}

/**
 * The file to read: the one named by `--config`, else by `$FMSG_CONFIG`, else the first of the usual
 * places that exists; undefined when there is none. Throws ConfigError when a named one is not there.
 */
export function findConfig(
  explicit: string | undefined,
  env: { get(name: string): string | undefined },
  exists: (path: string) => boolean,
): string | undefined {
  const fromEnv = env.get("FMSG_CONFIG") || undefined;
  const named = explicit ?? fromEnv;
  if (named === undefined) return ["fmsg.yaml", "/etc/fmsg/fmsg.yaml"].find(exists);
  if (exists(named)) return named;
  const by = explicit === undefined ? "$FMSG_CONFIG" : "--config";
  throw new ConfigError(
    { file: named || '""' },
    `there is no such file, but ${by} names it; correct the name, or make it with fmsg host init`,
  );
}

/** Reads a file. Throws ConfigError, also when the file cannot be read. */
export function loadConfig(path: string): Config {
  return parseConfig(readText(path), path);
}

/** Reads the text of a file; `file` is for messages, and its folder is what paths are relative to. */
export function parseConfig(text: string, file: string): Config {
  // `domain: @example.com` is no YAML; the domain's own complaint helps more than YAML's.
  const source = readDocument(text.replace(/^(domain:[ \t]*)(@\S*)/m, '$1"$2"'), KEYS);
  if (source.values === null) throw problemsError(source.problems, source, file);

  const checked = v.safeParse(SCHEMA, source.values);
  const problems = [...source.problems];
  for (const issue of checked.issues ?? []) {
    const path = issue.path?.map((item) => item.key).filter(isName) ?? [];
    const offset = source.offsetOf(path);
    // What seems to be missing may be there under a name that is not known.
    const maybeThere = issue.type === "raw_check" || offset === null;
    if (maybeThere && source.problems.length > 0) continue;
    if (source.problems.some((problem) => problem.offset === offset)) continue;
    problems.push({ path, offset, what: issue.message });
  }
  if (problems.length > 0 || !checked.success) throw problemsError(problems, source, file);

  const { data_dir, tls, ...rest } = checked.output;
  const folder = dirname(resolve(file));
  return {
    ...rest,
    data_dir: resolve(folder, data_dir),
    tls: tls === null ? null : withAbsolutePaths(tls, folder),
  };
}

/** One error for all problems: the first in the order of the file, and how many more there are. */
function problemsError(problems: readonly Problem[], source: Reading, file: string): ConfigError {
  const place = (problem: Problem) => problem.offset ?? Infinity;
  const [first, ...more] = problems.toSorted((a, b) => place(a) - place(b));
  if (first === undefined) throw new Error(`${file} is wrong, but nothing says in which way`);
  const rest = more.length === 0 ? "" : ` (and ${more.length} more problem${more[1] ? "s" : ""})`;
  const line = first.offset === null ? null : source.lineOf(first.offset);
  return new ConfigError({ file, line, key: dotted(first.path) }, first.what + rest);
}

function withAbsolutePaths(tls: Tls, folder: string): Tls {
  const ca = tls.ca === undefined ? {} : { ca: resolve(folder, tls.ca) };
  switch (tls.kind) {
    case "files":
      return { ...tls, cert: resolve(folder, tls.cert), key: resolve(folder, tls.key), ...ca };
    case "acme":
      return { ...tls, ...ca };
  }
}

function readText(file: string): string {
  try {
    return Deno.readTextFileSync(file);
  } catch (cause) {
    const missing = cause instanceof Deno.errors.NotFound;
    const what = missing
      ? "there is no such file; correct the name, or make it with fmsg host init"
      : `cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new ConfigError({ file }, what, { cause });
  }
}

/** Places in a list are left out: the line says which one, and the message shows it. */
function dotted(path: Path): string | null {
  return path.filter((part) => typeof part === "string").join(".") || null;
}

function isName(key: unknown): key is string | number {
  return typeof key === "string" || typeof key === "number";
}

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;
