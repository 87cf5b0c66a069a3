// People met before, ranked for suggestions while an address is typed.

import type { MessageItem } from "../api/message_schema.ts";
import { fold } from "../wire/fold.ts";
import { addressKey } from "./addresses.ts";

export interface Person {
  readonly address: string;
  readonly key: string;
  /** Messages written to them, and by them. */
  readonly written: number;
  readonly received: number;
  /** POSIX seconds of the latest of either. */
  readonly last: number;
}

/** Of a message to hundreds only the first recipients count as people met: the others were hardly meant. */
const COUNTED = 20;

/** Those most written to first; being written to counts three times as much as getting something from somebody. */
export function peopleMet(messages: Iterable<MessageItem>, me: string): Person[] {
  const found = new Map<string, { -readonly [Key in keyof Person]: Person[Key] }>();
  const meet = (address: string, by: "written" | "received", at: number): void => {
    const key = addressKey(address);
    if (key === me) return;
    const person = found.get(key);
    if (person === undefined) {
      found.set(key, { address, key, written: 0, received: 0, last: at, [by]: 1 });
      return;
    }
    person[by]++;
    // The spelling met last is the one that they use now.
    if (at >= person.last) [person.last, person.address] = [at, address];
  };
  for (const { from, to, add_to, time } of messages) {
    const own = addressKey(from) === me;
    const at = time ?? 0;
    if (!own) meet(from, "received", at);
    if (own) to.slice(0, COUNTED).forEach((address) => meet(address, "written", at));
    for (const batch of add_to.slice(0, COUNTED)) {
      if (addressKey(batch.add_to_from) !== me) continue;
      batch.to.slice(0, COUNTED).forEach((address) => meet(address, "written", at));
    }
  }
  return [...found.values()].sort((a, b) =>
    weight(b) - weight(a) || b.last - a.last || (a.key < b.key ? -1 : 1)
  );
}

/** Those whose address, or domain, begins as `typed` does, then those who have it inside; not who is in `without`. */
export function suggestions(
  people: readonly Person[],
  typed: string,
  { without = [], limit = 6 }: { readonly without?: readonly string[]; readonly limit?: number } =
    {},
): Person[] {
  const wanted = fold(typed.trim().replace(/^@/, ""));
  const left = new Set(without.map(addressKey));
  const begin: Person[] = [];
  const inside: Person[] = [];
  for (const person of people) {
    if (left.has(person.key)) continue;
    const at = person.key.indexOf(wanted, 1);
    if (at < 0) continue;
    const before = person.key[at - 1] ?? "";
    if (/[@._-]/.test(before)) begin.push(person);
    // One letter is somewhere inside of nearly all.
    else if (wanted.length > 1) inside.push(person);
    if (begin.length >= limit) break;
  }
  return [...begin, ...inside].slice(0, limit);
}

function weight({ written, received }: Person): number {
  return written * 3 + received;
}
