// Repeat offenders: points, and what comes of them.
import assert from "node:assert/strict";
import fc from "fast-check";
import { type BanSettings, Offenders } from "../../src/host/offenders.ts";

const IP = "192.0.2.1";
const OTHER = "192.0.2.2";
const REASON = "malformed header";

const SETTINGS: BanSettings = { points: 100, within: 600, for: 3600, allow: [] };

interface Court {
  readonly offenders: Offenders;
  readonly clock: { now: number };
  settings: BanSettings;
}

function court(changes: Partial<BanSettings> = {}): Court {
  const clock = { now: 1000 };
  const made: Court = {
    clock,
    settings: { ...SETTINGS, ...changes },
    offenders: new Offenders(() => made.settings, () => clock.now),
  };
  return made;
}

Deno.test("S6 an address is banned exactly from the sum on, and slowed from half of it on", () => {
  const points = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 100 });
  fc.assert(fc.property(fc.integer({ min: 1, max: 200 }), points, (limit, offences) => {
    const { offenders } = court({ points: limit });
    let sum = 0;
    for (const points of offences) {
      const ban = offenders.offended(IP, points, REASON);
      const before = sum;
      sum += points;
      assert.equal(ban !== null, before < limit && sum >= limit);
      const expected = sum >= limit ? "banned" : sum * 2 >= limit ? "slowed" : "free";
      assert.equal(offenders.standing(IP), expected);
    }
    assert.equal(offenders.bans().length, sum >= limit ? 1 : 0);
  }));
});

Deno.test("S6 points count for so long from the first of them on, and then none do", () => {
  const { offenders, clock } = court();
  offenders.offended(IP, 60, REASON);
  clock.now += 599;
  offenders.offended(IP, 39, REASON);
  assert.equal(offenders.standing(IP), "slowed");
  clock.now += 1;
  assert.equal(offenders.standing(IP), "free");
  assert.equal(offenders.offended(IP, 99, REASON), null);
  clock.now += 599;
  assert.notEqual(offenders.offended(IP, 1, REASON), null);
});

Deno.test("S6 a ban ends by itself, to the second, and leaves no points behind", () => {
  const { offenders, clock } = court();
  const before = Date.now() / 1000;
  const ban = offenders.offended(IP, 100, REASON);
  assert.deepEqual(ban, { address: IP, until: ban?.until, reason: REASON });
  assert.ok(Math.abs(ban.until - before - 3600) < 60);
  clock.now += 3599;
  assert.equal(offenders.standing(IP), "banned");
  assert.deepEqual(offenders.bans(), [ban]);
  clock.now += 1;
  assert.deepEqual(offenders.bans(), []);
  assert.equal(offenders.standing(IP), "free");
  assert.equal(offenders.offended(IP, 99, REASON), null);
});

Deno.test("S6 whoever is banned collects nothing: what was under way does not prolong the ban", () => {
  const { offenders, clock } = court();
  offenders.offended(IP, 100, REASON);
  clock.now += 3000;
  assert.equal(offenders.offended(IP, 1000, REASON), null);
  clock.now += 600;
  assert.equal(offenders.standing(IP), "free");
  assert.equal(offenders.offended(IP, 99, REASON), null);
});

Deno.test("S6 nothing happens to other addresses", () => {
  const { offenders } = court();
  offenders.offended(IP, 100, REASON);
  offenders.offended("2001:db8::1", 100, REASON);
  for (const other of [OTHER, "2001:db8:0:1::1", "::ffff:0:c000:201", "::192.0.2.1"]) {
    assert.equal(offenders.standing(other), "free", other);
  }
});

Deno.test("S6 an IPv6 network of 64 bits is one offender", () => {
  const { offenders } = court();
  for (let host = 1; host < 10; host++) {
    assert.equal(offenders.offended(`2001:db8::${host}`, 10, REASON), null);
  }
  assert.equal(offenders.standing("2001:db8::abcd"), "slowed");
  const ban = offenders.offended("2001:db8::ffff:1", 10, REASON);
  assert.equal(ban?.address, "2001:db8::/64");
  assert.equal(offenders.standing("2001:db8:0:0:ffff::"), "banned");
  assert.ok(offenders.lift("2001:db8::"));
  assert.equal(offenders.standing("2001:db8::1"), "free");
});

Deno.test("S6 nothing counts against an address on the allow list", () => {
  const { offenders } = court({ allow: ["127.0.0.0/8", "::1/128", "2001:db8::7/128"] });
  for (const ip of ["127.0.0.1", "127.255.1.2", "::1", "2001:db8::7"]) {
    assert.equal(offenders.offended(ip, 1000, REASON), null);
    assert.equal(offenders.standing(ip), "free");
  }
  assert.deepEqual(offenders.bans(), []);
  // The rest of its network may be banned without it.
  assert.notEqual(offenders.offended("2001:db8::8", 100, REASON), null);
  assert.equal(offenders.standing("2001:db8::8"), "banned");
  assert.equal(offenders.standing("2001:db8::7"), "free");
});

Deno.test("S6 an allow list that is changed holds at once, for bans and for points", () => {
  const made = court();
  const { offenders } = made;
  offenders.offended(IP, 100, REASON);
  offenders.offended(OTHER, 50, REASON);
  made.settings = { ...SETTINGS, allow: ["192.0.2.0/24"] };
  assert.deepEqual([IP, OTHER].map((ip) => offenders.standing(ip)), ["free", "free"]);
  assert.deepEqual(offenders.bans(), []);
  assert.ok(offenders.isAllowed(IP));
  made.settings = SETTINGS;
  assert.deepEqual([IP, OTHER].map((ip) => offenders.standing(ip)), ["banned", "slowed"]);
});

Deno.test("S6 other settings hold from the next offence on", () => {
  const made = court();
  const { offenders, clock } = made;
  offenders.offended(IP, 40, REASON);
  made.settings = { ...SETTINGS, points: 30, for: 60 };
  assert.equal(offenders.standing(IP), "slowed");
  assert.notEqual(offenders.offended(IP, 1, REASON), null);
  clock.now += 60;
  assert.equal(offenders.standing(IP), "free");
  offenders.offended(OTHER, 29, REASON);
  clock.now += 10;
  made.settings = { ...SETTINGS, within: 10 };
  assert.equal(offenders.offended(OTHER, 99, REASON), null);
});

Deno.test("S6 a ban that is lifted is over, and what led to it is forgotten", () => {
  const { offenders } = court();
  offenders.offended(IP, 100, REASON);
  assert.equal(offenders.lift(IP), true);
  assert.equal(offenders.lift(IP), false);
  assert.equal(offenders.standing(IP), "free");
  offenders.offended(OTHER, 99, REASON);
  assert.equal(offenders.lift(OTHER), false);
  assert.equal(offenders.offended(OTHER, 99, REASON), null);
});

Deno.test("S6 a ban that was over by itself cannot be lifted", () => {
  const { offenders, clock } = court();
  offenders.ban(IP, 10, REASON);
  clock.now += 10;
  assert.equal(offenders.lift(IP), false);
});

Deno.test("S6 a ban is replaced by another, and the next to end stands first", () => {
  const { offenders, clock } = court();
  offenders.ban(IP, 1000, "first");
  offenders.ban(OTHER, 500, "second");
  offenders.ban(IP, 10, "third");
  assert.deepEqual(offenders.bans().map(({ reason }) => reason), ["third", "second"]);
  clock.now += 10;
  assert.deepEqual(offenders.bans().map(({ reason }) => reason), ["second"]);
});

/** The n-th address of a range that is large enough. */
function address(n: number): string {
  return `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`;
}

Deno.test("S3 however many addresses offend, only so many have points: those that did last", () => {
  const { offenders } = court();
  offenders.offended(IP, 50, REASON);
  offenders.offended(OTHER, 50, REASON);
  for (let n = 0; n < 9_998; n++) offenders.offended(address(n), 50, REASON);
  offenders.offended(IP, 1, REASON);
  for (let n = 0; n < 5_000; n++) offenders.offended(address(20_000 + n), 50, REASON);
  assert.equal(offenders.standing(IP), "slowed");
  assert.equal(offenders.standing(OTHER), "free");
  const slowed = Array.from({ length: 25_000 }, (_, n) => offenders.standing(address(n)))
    .filter((standing) => standing === "slowed");
  assert.equal(slowed.length, 9_999);
});

Deno.test("S3 however many addresses are banned, only so many bans are kept: those that last longest", () => {
  const { offenders, clock } = court();
  offenders.ban(IP, 86_400, "banned by the operator");
  for (let n = 0; n < 12_000; n++) {
    clock.now += 0.01;
    offenders.offended(address(n), 100, REASON);
  }
  assert.equal(offenders.bans().length, 10_000);
  assert.equal(offenders.standing(IP), "banned");
  assert.equal(offenders.standing(address(2_000)), "free");
  assert.equal(offenders.standing(address(2_001)), "banned");
  assert.equal(offenders.standing(address(11_999)), "banned");
});

type Event =
  | { readonly kind: "offence"; readonly ip: string; readonly points: number }
  | { readonly kind: "ban"; readonly ip: string; readonly seconds: number }
  | { readonly kind: "lift"; readonly ip: string }
  | { readonly kind: "pause"; readonly seconds: number };

function events(): fc.Arbitrary<Event[]> {
  const ip = fc.constantFrom(IP, OTHER, "2001:db8::1", "2001:db8::2");
  return fc.array(
    fc.oneof(
      { weight: 6, arbitrary: offence(ip) },
      fc.record({
        kind: fc.constant("ban" as const),
        ip,
        seconds: fc.integer({ min: 1, max: 9000 }),
      }),
      fc.record({ kind: fc.constant("lift" as const), ip }),
      { weight: 3, arbitrary: pause() },
    ),
    { maxLength: 80 },
  );
}

function offence(ip: fc.Arbitrary<string>): fc.Arbitrary<Event> {
  const points = fc.integer({ min: 0, max: 60 });
  return fc.record({ kind: fc.constant("offence" as const), ip, points });
}

function pause(): fc.Arbitrary<Event> {
  return fc.record({
    kind: fc.constant("pause" as const),
    seconds: fc.integer({ max: 2000 }).map(Math.abs),
  });
}

Deno.test("S6 whatever happens in whatever order, an address stands as its history says", () => {
  fc.assert(fc.property(events(), (events) => {
    const { offenders, clock } = court();
    /** All that is known of an address, kept in the plainest way. */
    const histories = new Map<
      string,
      { offences: [at: number, points: number][]; until: number }
    >();
    const historyOf = (ip: string) => {
      const source = ip.includes(":") ? "network" : ip;
      const history = histories.get(source) ?? { offences: [], until: -1 };
      histories.set(source, history);
      const [first] = history.offences;
      if (first !== undefined && clock.now - first[0] >= 600) history.offences = [];
      return history;
    };
    const sum = (ip: string) => historyOf(ip).offences.reduce((sum, [, points]) => sum + points, 0);
    for (const event of events) {
      switch (event.kind) {
        case "pause":
          clock.now += event.seconds;
          break;
        case "offence": {
          offenders.offended(event.ip, event.points, REASON);
          const history = historyOf(event.ip);
          if (clock.now < history.until || event.points === 0) break;
          history.offences.push([clock.now, event.points]);
          if (sum(event.ip) >= 100) {
            Object.assign(history, { offences: [], until: clock.now + 3600 });
          }
          break;
        }
        case "ban":
          offenders.ban(event.ip, event.seconds, REASON);
          Object.assign(historyOf(event.ip), { offences: [], until: clock.now + event.seconds });
          break;
        case "lift":
          assert.equal(offenders.lift(event.ip), clock.now < historyOf(event.ip).until);
          Object.assign(historyOf(event.ip), { offences: [], until: -1 });
          break;
      }
      for (const ip of [IP, OTHER, "2001:db8::3"]) {
        const expected = clock.now < historyOf(ip).until
          ? "banned"
          : sum(ip) * 2 >= 100
          ? "slowed"
          : "free";
        assert.equal(offenders.standing(ip), expected);
      }
    }
  }));
});
