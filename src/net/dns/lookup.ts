// The addresses of one family for one name, CNAMEs followed.
import { type Answer, type AnswerRecord, type Family, type Question, Rcode } from "./message.ts";
import { canonicalName, isWithin } from "./name.ts";
import type { QueryResult } from "./query.ts";

export type Resolution =
  /** In the order answered; canonical text, an IPv4-mapped IPv6 address as its IPv4. */
  | { kind: "addresses"; addresses: string[] }
  /** The name, or such records of it, do not exist. */
  | { kind: "none" }
  /** Not known now: time-out, SERVFAIL, a malformed answer, … */
  | { kind: "failed"; reason: string }
  /** DNSSEC: there is an answer that must not be believed. */
  | { kind: "bogus"; reason: string };

export interface LookedUp {
  readonly resolution: Resolution;
  /** What the clock shows when the resolution is to be forgotten. */
  readonly expires: number;
}

const MAX_LINKS = 8;
// Rows R8 and D2: the operator of a domain can move its host and is heard within this time.
const MAX_KEPT_SECONDS = 60;
const MAX_DENIAL_KEPT_SECONDS = 30;
// A stranger chooses how long his answers are; long ones must not fill the cache.
const MAX_KEPT_ADDRESSES = 64;

/** `query` asks the servers; `now` is the cache's clock, in milliseconds. */
export async function lookUp(
  question: Question,
  query: (question: Question) => Promise<QueryResult>,
  now: () => number,
): Promise<LookedUp> {
  const { type } = question;
  const trail = [question.name];
  let expires = now() + MAX_KEPT_SECONDS * 1000;
  let name = question.name;
  while (true) {
    const asked = name;
    const result = await query({ name, type });
    if (result.kind !== "answer") return { resolution: result, expires: NOT_KEPT };
    const { answer } = result;
    const received = now();
    const keep = (seconds: number): void => {
      expires = Math.min(expires, received + seconds * 1000);
    };

    // Only what is said of the name in question counts; anything else may have been slipped in.
    while (true) {
      const addresses = addressesOf(answer, name, type);
      if (addresses.length > 0) {
        addresses.forEach(({ ttl }) => keep(ttl));
        return {
          resolution: { kind: "addresses", addresses: addresses.map(({ address }) => address) },
          expires: addresses.length > MAX_KEPT_ADDRESSES ? NOT_KEPT : expires,
        };
      }
      const alias = aliasOf(answer, name);
      if (alias === null) break;
      if (trail.includes(alias.target)) return failed("its aliases go round in a circle");
      if (trail.length > MAX_LINKS) return failed(`more than ${MAX_LINKS} aliases in a row`);
      keep(alias.ttl);
      name = alias.target;
      trail.push(name);
    }

    // NXDOMAIN and the SOA record are about the last name of the chain (RFC 6604, 3; RFC 2308, 2).
    const denial = answer.denial !== null && isWithin(name, answer.denial.zone)
      ? answer.denial
      : null;
    if (answer.rcode === Rcode.nameError || denial !== null || name === asked) {
      if (denial !== null) keep(Math.min(denial.ttl, MAX_DENIAL_KEPT_SECONDS));
      return { resolution: { kind: "none" }, expires: denial === null ? NOT_KEPT : expires };
    }
    const target = canonicalName(name);
    if (target === null) return failed("an alias leads to a name that cannot be looked up");
    name = target;
  }
}

const NOT_KEPT = -Infinity;

function failed(reason: string): LookedUp {
  return { resolution: { kind: "failed", reason }, expires: NOT_KEPT };
}

type AddressRecord = Extract<AnswerRecord, { type: Family }>;
type AliasRecord = Extract<AnswerRecord, { type: "CNAME" }>;

function addressesOf(answer: Answer, name: string, type: Family): AddressRecord[] {
  return answer.answers.filter((record): record is AddressRecord =>
    record.name === name && record.type === type
  );
}

function aliasOf(answer: Answer, name: string): AliasRecord | null {
  const isAlias = (record: AnswerRecord): record is AliasRecord =>
    record.name === name && record.type === "CNAME";
  return answer.answers.find(isAlias) ?? null;
}
