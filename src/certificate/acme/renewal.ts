// When to ask for a certificate: from how long the present one lasts, and what was tried so far. Decisions on values.
// Times are milliseconds since 1970, durations milliseconds.

import * as v from "valibot";

const DAY = 24 * 3600_000;
const WEEK = 7 * DAY;

/** A part of the lifetime by which a renewal is earlier at most, so that not all hosts come at once. */
const JITTER = 1 / 20;

/** Let's Encrypt allows 5 failed validations of a name an hour, and 5 certificates for it a week; one is left to people. */
const MAX_FAILED = 4;
const MAX_ISSUED = 4;

/** The lifetime that is expected of a certificate before there was one. */
const USUAL_LIFETIME = 90 * DAY;

/** Attempts that are remembered: more than the limits look at. */
export const MAX_ATTEMPTS = 64;

export const ATTEMPT = v.object({
  /** When it began. */
  at: v.number(),
  /** When it ended; null: nobody wrote that down. */
  ended: v.nullable(v.number()),
  directory: v.string(),
  name: v.string(),
  /** `begun`: nobody wrote down how it ended, since the program was ended or killed. */
  outcome: v.picklist(["begun", "failed", "done"]),
  /** Was the authority asked to validate the name? */
  challenged: v.boolean(),
  /** Did it make a certificate, whatever became of that? */
  issued: v.boolean(),
  error: v.nullable(v.string()),
  /** The authority wants nothing before this. */
  retryAfter: v.nullable(v.number()),
  /** Of the certificate. */
  lifetime: v.nullable(v.number()),
});

/** One try to get a certificate. */
export type Attempt = v.InferOutput<typeof ATTEMPT>;

export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

/**
 * What the pause after failures is: the `usual` one; the shortest when the program has just `started`, since what failed
 * may have been seen to, although a program that starts again and again still has to keep to it; none when a person `asked`.
 */
export type Urgency = "usual" | "started" | "asked";

export interface RenewalFacts {
  /** Of the certificate that is there; null: there is none of this authority for this name. */
  readonly certificate: Validity | null;
  /** With this authority for this name, the oldest first. */
  readonly attempts: readonly Attempt[];
  readonly now: number;
  /** In [0, 1); the same for the same certificate and attempts. */
  readonly random: number;
  readonly urgency: Urgency;
}

/** When the next attempt is due; a time that is over means now. */
export function nextAttempt(facts: RenewalFacts): number {
  const attempts = past(facts);
  return Math.max(
    renewalTime(facts),
    pauseEnd(facts, attempts),
    limitsEnd(attempts, facts.certificate, facts.now),
  );
}

/**
 * The earliest time that the authority's limits allow, also when a person asks: at most 4 failed validations in an hour, 4
 * certificates in a week, and nothing before its Retry-After. Both are shorter for certificates that last less than six hours
 * or four days.
 */
export function allowedFrom(
  { certificate, attempts, now }: Pick<RenewalFacts, "certificate" | "attempts" | "now">,
): number {
  return limitsEnd(past({ attempts, now }), certificate, now);
}

/** Attempts that failed since the last certificate. */
export function failuresOf(attempts: readonly Attempt[]): number {
  return attempts.length - 1 - attempts.findLastIndex(({ outcome }) => outcome === "done");
}

/** At two thirds of the lifetime, or a little earlier. */
function renewalTime({ certificate, random }: RenewalFacts): number {
  if (certificate === null) return -Infinity;
  const { notBefore, notAfter } = certificate;
  return notBefore + (notAfter - notBefore) * (2 / 3 - JITTER * random);
}

/** After failures: five minutes, twice as long each time, up to a day; never past what is left of the certificate. */
function pauseEnd(facts: RenewalFacts, attempts: readonly Attempt[]): number {
  const { certificate, now, random, urgency } = facts;
  const failures = failuresOf(attempts);
  const last = attempts.at(-1);
  if (last === undefined || failures === 0 || urgency === "asked") return -Infinity;
  const shortest = failureWindow(lifetimeOf(attempts, certificate)) / 12;
  const doubled = shortest * 2 ** (urgency === "started" ? 0 : Math.min(failures - 1, 20)) *
    (0.8 + 0.4 * random);
  const left = certificate === null ? Infinity : certificate.notAfter - now;
  // Close to the end it is tried more often again; when it is over there is nothing to hurry for.
  const longest = left > 0 ? Math.max(shortest, left / 4) : Infinity;
  return (last.ended ?? last.at) + Math.min(doubled, longest, DAY);
}

function limitsEnd(
  attempts: readonly Attempt[],
  certificate: Validity | null,
  now: number,
): number {
  const lifetime = lifetimeOf(attempts, certificate);
  const failed = attempts.filter(({ outcome, challenged }) => outcome !== "done" && challenged);
  const issued = attempts.filter((attempt) => attempt.issued);
  return Math.max(
    leavesRoom(failed, MAX_FAILED, failureWindow(lifetime), now),
    leavesRoom(issued, MAX_ISSUED, Math.min(WEEK, 2 * lifetime), now),
    // An authority that says "in a year" is not believed.
    ...attempts.map(({ at, retryAfter }) => Math.min(retryAfter ?? -Infinity, at + WEEK)),
  );
}

/** When fewer than `max` of the attempts are within `window`. */
function leavesRoom(
  attempts: readonly Attempt[],
  max: number,
  window: number,
  now: number,
): number {
  const oldest = attempts.at(-max);
  return oldest !== undefined && oldest.at + window > now ? oldest.at + window : -Infinity;
}

/** An hour; less for certificates that live for less than six, as in tests. */
function failureWindow(lifetime: number): number {
  return Math.min(3600_000, lifetime / 6);
}

function lifetimeOf(attempts: readonly Attempt[], certificate: Validity | null): number {
  if (certificate !== null) return certificate.notAfter - certificate.notBefore;
  return attempts.findLast(({ lifetime }) => lifetime !== null)?.lifetime ?? USUAL_LIFETIME;
}

/**
 * By their time. What is of the future was written when the clock was wrong, and says nothing: neither an attempt, nor the
 * end of one during which the clock was set back.
 */
function past({ attempts, now }: Pick<RenewalFacts, "attempts" | "now">): readonly Attempt[] {
  return attempts.filter(({ at }) => at <= now)
    .map((attempt) => (attempt.ended ?? now) > now ? { ...attempt, ended: null } : attempt)
    .sort((a, b) => a.at - b.at);
}
