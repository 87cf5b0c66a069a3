// T5: when a certificate is asked for. Properties of decisions on values, with simulated years.

import assert from "node:assert/strict";
import fc from "fast-check";
import { challengeEndpoints } from "../../src/certificate/acme/mod.ts";
import {
  allowedFrom,
  type Attempt,
  failuresOf,
  nextAttempt,
  type RenewalFacts,
  type Validity,
} from "../../src/certificate/acme/renewal.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 0, 1);

function attempt(at: number, change: Partial<Attempt> = {}): Attempt {
  return {
    at,
    ended: at + 1000,
    directory: "https://ca.test/",
    name: "fmsg.a.test",
    outcome: "failed",
    challenged: true,
    issued: false,
    error: "no",
    retryAfter: null,
    lifetime: null,
    ...change,
  };
}

function issued(at: number, lifetime: number): Attempt {
  return attempt(at, { outcome: "done", issued: true, error: null, lifetime });
}

function facts(change: Partial<RenewalFacts> = {}): RenewalFacts {
  return {
    certificate: null,
    attempts: [],
    now: START,
    random: 0.5,
    urgency: "usual",
    ...change,
  };
}

const random = fc.double({ min: 0, max: 0.999999, noNaN: true });
/** From the minutes of tests to the years of private authorities. */
const lifetime = fc.oneof(
  fc.integer({ min: 5 * MINUTE, max: 10 * DAY }),
  fc.integer({ min: DAY, max: 400 * DAY }),
);

/**
 * A host in its world: `fails` says for each try whether it goes wrong. Gives the tries, and the time without a valid
 * certificate, until `end`.
 */
function simulate(
  { fails, life, end, rolls }: {
    readonly fails: (at: number, count: number) => boolean;
    readonly life: number;
    readonly end: number;
    readonly rolls: () => number;
  },
): { readonly tries: Attempt[]; readonly gaps: number } {
  const tries: Attempt[] = [];
  let certificate: Validity | null = null;
  let now = START;
  let gaps = 0;
  for (let count = 0; tries.length < 20_000; count++) {
    const at = Math.max(
      now,
      nextAttempt(
        facts({ certificate, attempts: tries.slice(-64), now, random: rolls() }),
      ),
    );
    if (at >= end) break;
    if (certificate !== null) gaps += Math.max(0, at - Math.max(now, certificate.notAfter));
    now = at;
    if (fails(at, count)) {
      tries.push(attempt(at));
    } else {
      tries.push(issued(at, life));
      certificate = { notBefore: at, notAfter: at + life };
    }
    now = at + 1000;
  }
  return { tries, gaps };
}

function most(times: readonly number[], window: number): number {
  return Math.max(
    0,
    ...times.map((from) => times.filter((t) => t >= from && t < from + window).length),
  );
}

Deno.test("T5 without a certificate it is asked for at once", () => {
  assert.ok(nextAttempt(facts()) <= START);
});

Deno.test("T5 a certificate is renewed when two thirds of its lifetime are over, or a little before", () => {
  fc.assert(fc.property(lifetime, random, (life, random) => {
    const certificate = { notBefore: START, notAfter: START + life };
    const at = nextAttempt(facts({ certificate, random }));
    assert.ok(at <= START + life * 2 / 3);
    assert.ok(at >= START + life * 0.6);
  }));
});

Deno.test("T5 hosts that got their certificates together do not come back together", () => {
  const certificate = { notBefore: START, notAfter: START + 90 * DAY };
  const at = [0, 0.25, 0.5, 0.75].map((random) => nextAttempt(facts({ certificate, random })));
  assert.equal(new Set(at.map((time) => Math.floor(time / DAY))).size, 4);
});

Deno.test("T5 the pause after failures doubles from five minutes to a day, and jitters", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 60 }), random, (failures, random) => {
    // Long enough ago for no limit to matter.
    const attempts = Array.from({ length: failures }, (_, i) => attempt(START + i * DAY));
    const last = attempts.at(-1);
    assert.ok(last?.ended);
    const pause = nextAttempt(facts({ attempts, now: last.ended, random })) - last.ended;
    const usual = 5 * MINUTE * 2 ** (failures - 1);
    assert.ok(pause <= DAY);
    assert.ok(pause <= usual * 1.2 + 1);
    assert.ok(pause >= Math.min(DAY, usual * 0.8) - 1);
  }));
});

Deno.test("T5 after a start the pause is the shortest, and there is none for who asks", () => {
  const attempts = Array.from({ length: 9 }, (_, i) => attempt(START + i * DAY));
  const now = (attempts.at(-1)?.ended ?? 0) + 1;
  const started = nextAttempt(facts({ attempts, now, urgency: "started" })) - now;
  assert.ok(started > 3 * MINUTE && started < 7 * MINUTE);
  assert.ok(nextAttempt(facts({ attempts, now, urgency: "asked" })) <= now);
});

/** What happens to a host between two looks at the plan. */
const event = fc.record({
  fails: fc.boolean(),
  loses: fc.boolean(),
  urgency: fc.constantFrom("usual", "started", "asked"),
  random,
});

Deno.test("T5 an authority's limits are kept to, however often it fails, crashes, is asked or loses its certificate", () => {
  fc.assert(fc.property(fc.array(event, { minLength: 100, maxLength: 300 }), (events) => {
    const tries: Attempt[] = [];
    let certificate: Validity | null = null;
    let now = START;
    for (const { fails, loses, urgency, random } of events) {
      if (loses) certificate = null;
      const plan = facts({ certificate, attempts: tries.slice(-64), now, random, urgency });
      now = Math.max(now, nextAttempt(plan));
      tries.push(fails ? attempt(now) : issued(now, 90 * DAY));
      if (!fails) certificate = { notBefore: now, notAfter: now + 90 * DAY };
      now += 1000;
    }
    const failed = tries.filter(({ outcome }) => outcome === "failed").map(({ at }) => at);
    assert.ok(most(failed, HOUR) <= 4);
    assert.ok(most(tries.filter((t) => t.issued).map(({ at }) => at), 7 * DAY) <= 4);
  }));
});

Deno.test("T5 a host that loses its certificate each time asks four times a week", () => {
  const tries: Attempt[] = [];
  let now = START;
  while (now < START + 70 * DAY) {
    const at = Math.max(now, nextAttempt(facts({ attempts: tries, now, urgency: "asked" })));
    tries.push(issued(at, 90 * DAY));
    now = at + 1000;
  }
  assert.equal(most(tries.map(({ at }) => at), 7 * DAY), 4);
});

Deno.test("T5 an authority that always fails is asked once a day in the end", () => {
  const { tries } = simulate({
    fails: () => true,
    life: 90 * DAY,
    end: START + 60 * DAY,
    rolls: () => 0.5,
  });
  assert.ok(tries.length > 60 && tries.length < 75, `${tries.length} tries in 60 days`);
});

Deno.test("T5 a certificate is renewed before it expires wherever the authority is well for a part of the time", () => {
  fc.assert(
    fc.property(lifetime, fc.infiniteStream(random), (life, stream) => {
      const rolls = (): number => stream.next().value ?? 0;
      // Of each twelfth of the lifetime, the authority is away for the first half.
      const away = (at: number): boolean => (at - START) % (life / 12) < life / 24;
      const { tries, gaps } = simulate({
        fails: (at, count) => count > 0 && away(at),
        life,
        end: START + 10 * life,
        rolls,
      });
      assert.equal(gaps, 0);
      assert.ok(tries.length < 400);
    }),
    { numRuns: 200 },
  );
});

Deno.test("T5 certificates of six days and of five minutes are renewed as they need it", () => {
  for (const life of [6 * DAY, 5 * MINUTE]) {
    const { tries, gaps } = simulate({
      fails: () => false,
      life,
      end: START + 20 * life,
      rolls: () => 0.99,
    });
    assert.equal(gaps, 0);
    assert.ok(tries.length > 25 && tries.length < 40, `${tries.length} tries`);
  }
});

Deno.test("T5 nothing is asked before the Retry-After of the authority, but one in a year is not believed", () => {
  const now = START + HOUR;
  const within = attempt(START, { retryAfter: START + 3 * DAY });
  assert.equal(nextAttempt(facts({ attempts: [within], now })), START + 3 * DAY);
  assert.equal(allowedFrom(facts({ attempts: [within], now })), START + 3 * DAY);
  const beyond = attempt(START, { retryAfter: START + 365 * DAY });
  assert.equal(nextAttempt(facts({ attempts: [beyond], now })), START + 7 * DAY);
});

Deno.test("T5 attempts that a wrong clock wrote into the future hold up nothing", () => {
  const future = Array.from({ length: 8 }, (_, i) => issued(START + (100 + i) * DAY, 90 * DAY));
  assert.ok(nextAttempt(facts({ attempts: future })) <= START);
});

Deno.test("T5 a clock that is set back while a try is under way does not stop the next ones for years", () => {
  const attempts = [attempt(START, { ended: START + 3650 * DAY })];
  const now = START + 1000;
  for (const urgency of ["usual", "started"] as const) {
    const next = nextAttempt(facts({ attempts, now, urgency }));
    assert.ok(next > now && next < now + 10 * MINUTE);
  }
});

Deno.test("T5 limits count by time, in whatever order a wrong clock had the attempts written down", () => {
  const day = (n: number): Attempt => issued(START + n * DAY, 90 * DAY);
  const attempts = [day(2), day(6), day(3), day(4)];
  const now = START + 7 * DAY;
  assert.equal(allowedFrom(facts({ attempts, now })), START + 9 * DAY);
});

Deno.test("T5 failures are counted from the last certificate on, and a try that was killed is one", () => {
  assert.equal(failuresOf([]), 0);
  assert.equal(failuresOf([attempt(1), issued(2, DAY)]), 0);
  assert.equal(failuresOf([attempt(1), issued(2, DAY), attempt(3)]), 1);
  assert.equal(failuresOf([attempt(1), attempt(2, { outcome: "begun" })]), 2);
});

Deno.test("T5 HTTP-01 is answered on port 80 of the host's addresses, or where tls.acme.listen says", () => {
  const host = [
    { ip: "192.0.2.1", port: 4930 },
    { ip: "192.0.2.1", port: 4931 },
    { ip: "::", port: 4930 },
  ];
  assert.deepEqual(challengeEndpoints({ listen: null }, host), [
    { ip: "192.0.2.1", port: 80 },
    { ip: "::", port: 80 },
  ]);
  const listen = [{ ip: "127.0.0.1", port: 8080 }];
  assert.deepEqual(challengeEndpoints({ listen }, host), listen);
});
