// The kinds of values that fmsg.yaml has, as schemas with our own words for what is wrong.
import * as v from "valibot";
import { parseDuration, parseNumber, parseSize, shown } from "./quantities.ts";
import { parseHostName, parseIp } from "./network.ts";
import { Address } from "../wire/mod.ts";

type Leaf<T> = v.GenericSchema<unknown, T>;

/** A value that one parser knows all about; its RangeError becomes the problem. */
export function leaf<T>(parse: (value: unknown) => T): Leaf<T> {
  return v.pipe(
    v.unknown(),
    v.rawTransform<unknown, T>(({ dataset, addIssue, NEVER }) => {
      const result = attempt(() => parse(dataset.value));
      if ("value" in result) return result.value;
      addIssue({ message: result.what });
      return NEVER;
    }),
  );
}

/** A list, or one value alone. */
export function listOf<T>(parse: (value: unknown) => T): Leaf<T[]> {
  return v.pipe(
    v.unknown(),
    v.transform((value): unknown[] => Array.isArray(value) ? value : [value]),
    v.array(leaf(parse)),
  );
}

export function size(min: number, max: number): Leaf<number> {
  return leaf((value) => {
    const bytes = parseSize(value);
    if (bytes >= min && bytes <= max) return bytes;
    throw new RangeError(`${shown(value)} does not fit; write ${min} to ${max} bytes`);
  });
}

/** More than nothing. The upper bound is written as in the file, for the message. */
export function duration(max: string): Leaf<number> {
  const most = parseDuration(max);
  return leaf((value) => {
    const seconds = parseDuration(value);
    if (seconds > 0 && seconds <= most) return seconds;
    throw new RangeError(`${shown(value)} does not fit; write more than 0 and at most ${max}`);
  });
}

export function count(min: number, max: number): Leaf<number> {
  return leaf((value) => parseNumber(value, { min, max, whole: true }));
}

/** FMSG-002 says -1 where this file says null, and people will know it from there. */
export function quota(amount: Leaf<number>): Leaf<number> {
  return v.pipe(
    v.unknown(),
    v.check((value) => value !== -1, "-1 is no amount; write null for no limit"),
    amount,
  );
}

export function flag(): Leaf<boolean> {
  return v.boolean((issue) => `${shown(issue.input)} is no answer; write true or false`);
}

export function oneOf<const C extends readonly string[]>(choices: C): Leaf<C[number]> {
  const wanted = `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
  return v.picklist(choices, (issue) => `${shown(issue.input)} is no choice here; write ${wanted}`);
}

export function parseText(value: unknown): string {
  if (typeof value === "string" && value.trim() !== "") return value;
  throw new RangeError(`${shown(value)} is no text; write some, in quotes if it is a number`);
}

/** A path as written; who reads the file knows what it is relative to. */
export function parsePath(value: unknown): string {
  if (typeof value !== "string" || value.trim() === "" || value.includes("\0")) {
    throw new RangeError(`${shown(value)} is no path; write one as in /etc/fmsg/key.pem`);
  }
  if (!value.startsWith("~")) return value;
  throw new RangeError(
    `${shown(value)} begins with ~, which only a shell knows; write the whole path`,
  );
}

/** So many a second. */
export function parseRate(value: unknown): number {
  return parseNumber(value, { min: 0.001, max: 1_000_000, whole: false });
}

/** Host names with a list of addresses each. */
export function hosts(): Leaf<Record<string, string[]>> {
  return table("of names; write {fmsg.b.test: [192.0.2.1]}", parseHostName, listOf(parseIp));
}

/** A value, or null, for users by their folded addresses. */
export function byAddress<T>(value: Leaf<T>): Leaf<Record<string, T | null>> {
  return table('of users; write {"@bob@example.com": 30d}', parseKey, v.nullable(value));
}

function parseKey(text: string): string {
  const address = Address.parse(text);
  if (address !== null) return address.key;
  throw new RangeError(`${shown(text)} is no address; write one as in "@bob@example.com"`);
}

/** A mapping whose names are no keys of ours; every name has its own problem at its own line. */
function table<T>(
  what: string,
  parseName: (name: string) => string,
  value: Leaf<T>,
): Leaf<Record<string, T>> {
  const mapping = v.custom<Record<string, unknown>>(
    (value) => typeof value === "object" && value !== null && !Array.isArray(value),
    (issue) => `${shown(issue.input)} is no table ${what}`,
  );
  return v.pipe(
    mapping,
    v.record(v.string(), value),
    v.rawTransform(({ dataset, addIssue }) => {
      const input = dataset.value;
      const found: Record<string, T> = {};
      for (const [key, value] of Object.entries(input)) {
        const name = attempt(() => {
          const name = parseName(key);
          if (!Object.hasOwn(found, name)) return name;
          throw new RangeError(
            `${shown(key)} is another spelling of a name above; write one of them`,
          );
        });
        if ("value" in name) found[name.value] = value;
        else {
          const path = [{ type: "object", origin: "key", input, key, value } as const] as const;
          addIssue({ message: name.what, path: [...path] });
        }
      }
      return found;
    }),
  );
}

/** What must hold between the keys of a section: null, or the key to look at and what is wrong with it. */
export function consistent<S extends Record<string, unknown>>(
  complaint: (section: S) => readonly [key: Extract<keyof S, string>, what: string] | null,
): v.RawCheckAction<S> {
  return v.rawCheck(({ dataset, addIssue }) => {
    const found = dataset.typed ? complaint(dataset.value) : null;
    if (!dataset.typed || found === null) return;
    const [key, message] = found;
    const input = dataset.value;
    addIssue({
      message,
      path: [{ type: "object", origin: "value", input, key, value: input[key] }],
    });
  });
}

function attempt<T>(action: () => T): { value: T } | { what: string } {
  try {
    return { value: action() };
  } catch (error) {
    if (error instanceof RangeError) return { what: error.message };
    throw error;
  }
}
