// Step 1.4 for first messages and replies: each check, its boundary, and its place in the order.

import assert from "node:assert/strict";
import fc from "fast-check";
import { judge, type Judgement, type StoredMessage, Terminate } from "../../src/protocol/mod.ts";
import type { Header } from "../../src/wire/mod.ts";
import {
  alice,
  attachment,
  batchOn,
  bob,
  carol,
  FactualHost,
  firstMessage,
  type HostFacts,
  LIMITS,
  NOW,
  replyTo,
  SENDER_IP,
  someHash,
  storedAs,
} from "./facts.ts";

const PID = someHash(1);
const PARENT = firstMessage({ from: bob, to: [alice], time: NOW - 100 });

/** A judgement in short: its code, how it proceeds, or why it terminates. */
async function judged(header: Header, facts: Partial<HostFacts> = {}): Promise<string> {
  return inShort(await judge(header, SENDER_IP, new FactualHost(facts)));
}

function inShort(judgement: Judgement): string {
  switch (judgement.kind) {
    case "terminate":
      return judgement.reason;
    case "reject":
      return `${judgement.code}`;
    case "proceed":
      return `${judgement.delivery}${judgement.challenge ? " challenged" : ""}`;
  }
}

Deno.test("a first message that breaks no rule may go on, without a look for a parent", async () => {
  const host = new FactualHost();
  assert.equal(inShort(await judge(firstMessage(), SENDER_IP, host)), "64");
  assert.deepEqual(host.asked, [`authorised a.test ${SENDER_IP}`, "room"]);
});

// Each defect of a reply with what it is answered, in the order of the specification's steps.
const DEFECTS: readonly (readonly [string, string])[] = [
  ["the recipients are not distinct", "1"],
  ["the address is not authorised", "sender not authorised"],
  ["there is no room", "5"],
  ["it is too big", "4"],
  ["it expands to too much", "4"],
  ["it is too old", "7"],
  ["the parent is not here", "6"],
  ["it is older than its parent", "9"],
  ["its sender is no participant", "1"],
];

async function judgeWith(defects: readonly string[]): Promise<string> {
  const has = (defect: string): boolean => defects.includes(defect);
  const time = has("it is too old") ? NOW - LIMITS.maxMessageAge - 1 : NOW;
  const parent = {
    ...PARENT,
    from: has("its sender is no participant") ? carol : bob,
    to: has("its sender is no participant") ? [bob] : [alice],
    time: has("it is older than its parent") ? time + LIMITS.maxTimeSkew : time - 1,
  };
  const header = replyTo(PID, {
    to: has("the recipients are not distinct") ? [bob, bob] : [bob],
    size: has("it is too big") ? LIMITS.maxSize + 1 : 1,
    expandedSize: has("it expands to too much") ? LIMITS.maxExpandedSize + 1 : 1,
    time,
  });
  return await judged(header, {
    authorisation: has("the address is not authorised") ? { kind: "no" } : { kind: "yes" },
    room: !has("there is no room"),
    stored: has("the parent is not here") ? new Map() : storedAs(PID, parent),
  });
}

Deno.test("every check alone has its answer", async () => {
  assert.equal(await judgeWith([]), "64");
  for (const [defect, answer] of DEFECTS) assert.equal(await judgeWith([defect]), answer, defect);
});

Deno.test("of several checks that fail, the first of the specification's steps answers", async () => {
  await fc.assert(
    fc.asyncProperty(fc.subarray([...DEFECTS], { minLength: 2 }), async (defects) => {
      assert.equal(await judgeWith(defects.map(([defect]) => defect)), defects[0]?.[1]);
    }),
    { numRuns: 200 },
  );
});

Deno.test("R8 an invalid header is answered with 1 before any look-up", async () => {
  const host = new FactualHost();
  assert.equal(inShort(await judge(firstMessage({ to: [] }), SENDER_IP, host)), "1");
  assert.deepEqual(host.asked, []);
});

Deno.test("R8 each outcome of the look-up but yes terminates with its own reason", async () => {
  const cases: [HostFacts["authorisation"], string, string][] = [
    [{ kind: "no" }, "sender not authorised", "fmsg.a.test does not list this address"],
    [{ kind: "failed", reason: "SERVFAIL" }, "sender look-up failed", "SERVFAIL"],
    [{ kind: "bogus", reason: "bad signature" }, "dnssec validation failed", "bad signature"],
  ];
  for (const [authorisation, reason, detail] of cases) {
    const judgement = await judge(firstMessage(), SENDER_IP, new FactualHost({ authorisation }));
    assert.deepEqual(judgement, { kind: "terminate", reason, detail });
  }
});

Deno.test("R8 the domain that is looked up is that of from, and of add to from in a batch", async () => {
  const original = firstMessage({ from: alice, to: [bob, carol] });
  const cases: [Header, string][] = [
    [firstMessage(), "a.test"],
    [batchOn(original, PID, carol, [bob]), "c.test"],
  ];
  for (const [header, domain] of cases) {
    const host = new FactualHost();
    await judge(header, "2001:db8::1", host);
    assert.equal(host.asked[0], `authorised ${domain} 2001:db8::1`);
  }
});

Deno.test("P8 a host without room answers 5 to every message whose sender is authorised", async () => {
  const headers = [
    firstMessage(),
    replyTo(PID),
    replyTo(someHash(9)),
    firstMessage({ size: 0xffff_ffff }),
    batchOn(PARENT, PID, bob, [carol]),
  ];
  for (const header of headers) {
    assert.equal(await judged(header, { room: false, stored: storedAs(PID, PARENT) }), "5");
  }
});

Deno.test("R9 a size equal to the limit is taken, one byte more is too big", async () => {
  const { maxSize } = LIMITS;
  const limits = { ...LIMITS, maxExpandedSize: Infinity };
  assert.equal(await judged(firstMessage({ size: maxSize }), { limits }), "64");
  assert.equal(await judged(firstMessage({ size: maxSize + 1 }), { limits }), "4");
  const split = (last: number): Header =>
    firstMessage({
      size: maxSize - 300,
      attachments: [attachment("a", 100), attachment("b", last, 0)],
    });
  assert.equal(await judged(split(200), { limits }), "64");
  assert.equal(await judged(split(201), { limits }), "4");
});

Deno.test("R9 what counts is the size on the wire, whatever it expands to", async () => {
  const header = firstMessage({ size: LIMITS.maxSize + 1, expandedSize: 1 });
  assert.equal(await judged(header), "4");
});

Deno.test("R9 sums beyond 32 bits do not wrap around", async () => {
  const attachments = Array.from({ length: 255 }, (_, i) => attachment(`f${i}`, 0xffff_ffff));
  const limits = { ...LIMITS, maxSize: 0xffff_ffff, maxExpandedSize: Infinity };
  assert.equal(await judged(firstMessage({ size: 1, attachments }), { limits }), "4");
  const two = [attachment("a", 0xffff_ffff), attachment("b", 1)];
  assert.equal(await judged(firstMessage({ size: 0, attachments: two }), { limits }), "4");
});

Deno.test("R10 the expanded total counts expanded sizes where there are any, else sizes", async () => {
  const { maxExpandedSize } = LIMITS;
  const header = (data: number, file: number): Header =>
    firstMessage({
      size: 1,
      expandedSize: data,
      attachments: [attachment("packed", 1, file), attachment("plain", 100)],
    });
  assert.equal(await judged(header(maxExpandedSize - 300, 200)), "64");
  assert.equal(await judged(header(maxExpandedSize - 300, 201)), "4");
  assert.equal(await judged(header(maxExpandedSize - 299, 200)), "4");
  const wide = Array.from({ length: 3 }, (_, i) => attachment(`f${i}`, 1, 0xffff_ffff));
  const limits = { ...LIMITS, maxExpandedSize: 0xffff_ffff };
  assert.equal(await judged(firstMessage({ attachments: wide }), { limits }), "4");
});

Deno.test("R11 an age equal to the limit is taken, and the smallest bit more is too old", async () => {
  const oldest = NOW - LIMITS.maxMessageAge;
  assert.equal(await judged(firstMessage({ time: oldest })), "64");
  assert.equal(await judged(firstMessage({ time: oldest - 2 ** -21 })), "7");
});

Deno.test("R11 a time ahead by the skew is taken, and the smallest bit more is in the future", async () => {
  const latest = NOW + LIMITS.maxTimeSkew;
  assert.equal(await judged(firstMessage({ time: latest })), "64");
  assert.equal(await judged(firstMessage({ time: latest + 2 ** -21 })), "8");
});

Deno.test("R11 a time that is no number or infinite never passes, a negative zero is a time", async () => {
  const limits = { ...LIMITS, maxMessageAge: Number.MAX_VALUE, maxTimeSkew: Number.MAX_VALUE };
  assert.equal(await judged(firstMessage({ time: NaN }), { limits }), "7");
  assert.equal(await judged(firstMessage({ time: -Infinity }), { limits }), "7");
  assert.equal(await judged(firstMessage({ time: Infinity }), { limits }), "8");
  assert.equal(await judged(firstMessage({ time: -0 }), { limits }), "64");
  assert.equal(await judged(firstMessage({ time: -0 })), "7");
  assert.equal(await judged(firstMessage({ time: -0 }), { now: 0 }), "64");
  assert.equal(await judged(firstMessage({ time: Number.MIN_VALUE }), { now: 0 }), "64");
});

Deno.test("R12 the parent's time minus the skew has to lie before the reply's time", async () => {
  const parent = { ...PARENT, time: NOW };
  const reply = (time: number): Promise<string> =>
    judged(replyTo(PID, { time }), { stored: storedAs(PID, parent) });
  assert.equal(await reply(NOW - LIMITS.maxTimeSkew), "9");
  assert.equal(await reply(NOW - LIMITS.maxTimeSkew + 2 ** -21), "64");
});

Deno.test("R12 only a participant of the parent can reply to it", async () => {
  const parent = firstMessage({ from: bob, to: [alice], time: NOW - 1 });
  const stored = storedAs(PID, parent);
  assert.equal(await judged(replyTo(PID, { from: alice }), { stored }), "64");
  assert.equal(await judged(replyTo(PID, { from: bob, to: [bob] }), { stored }), "64");
  assert.equal(await judged(replyTo(PID, { from: carol }), { stored }), "1");
});

Deno.test("R12 someone who was added is a participant of the batch and not of the original", async () => {
  const original = firstMessage({ from: bob, to: [alice], time: NOW - 2 });
  const batch = batchOn(original, PID, alice, [carol], { time: NOW - 1 });
  const batchHash = someHash(2);
  const stored = new Map([...storedAs(PID, original), ...storedAs(batchHash, batch)]);
  assert.equal(await judged(replyTo(batchHash, { from: carol }), { stored }), "64");
  assert.equal(await judged(replyTo(PID, { from: carol }), { stored }), "1");
  for (const from of [alice, bob]) {
    assert.equal(await judged(replyTo(batchHash, { from }), { stored }), "64");
  }
});

Deno.test("C1 never: no message is challenged, always: every one that may go on", async () => {
  const stored = storedAs(PID, PARENT, true);
  const headers = [
    firstMessage(),
    replyTo(PID),
    batchOn(PARENT, PID, alice, [carol]),
    batchOn(PARENT, PID, alice, [bob]),
    batchOn(PARENT, someHash(8), alice, [bob]),
  ];
  for (const header of headers) {
    assert.match(await judged(header, { stored, challenge: "never" }), /^\d+$/);
    assert.match(await judged(header, { stored, challenge: "always" }), /challenged$/);
  }
});

Deno.test("C1 has-not-participated: challenged unless the thread that is here has a message from here", async () => {
  const challenge = "has_not_participated";
  const modes: [StoredMessage["participated"], string][] = [[true, ""], [false, " challenged"]];
  assert.equal(await judged(firstMessage(), { challenge }), "64 challenged");
  for (const [participated, challenged] of modes) {
    const stored = storedAs(PID, PARENT, participated);
    assert.equal(await judged(replyTo(PID), { challenge, stored }), `64${challenged}`);
    const added = batchOn(PARENT, PID, alice, [bob]);
    assert.equal(await judged(added, { challenge, stored }), `65${challenged}`);
    const informed = batchOn(PARENT, PID, alice, [carol]);
    assert.equal(await judged(informed, { challenge, stored }), `11${challenged}`);
  }
  const unknown = batchOn(PARENT, PID, alice, [bob]);
  assert.equal(await judged(unknown, { challenge }), "64 challenged");
});

Deno.test("C1 different-domain: the sender's domain decides, which is that of add to from in a batch", async () => {
  const challenge = "different_domain";
  const own = firstMessage({ from: bob, to: [alice, bob] });
  assert.equal(await judged(firstMessage(), { challenge }), "64 challenged");
  assert.equal(await judged(own, { challenge }), "64");
  const stored = storedAs(PID, { ...own, time: NOW - 1 });
  assert.equal(await judged(batchOn(own, PID, bob, [bob]), { challenge, stored }), "65");
  assert.equal(
    await judged(batchOn(own, PID, alice, [bob]), { challenge, stored }),
    "65 challenged",
  );
});

Deno.test("a message that is rejected or terminated is never challenged", async () => {
  const host = new FactualHost({ challenge: "always", answer: new Terminate("internal error") });
  for (const header of [firstMessage({ to: [] }), firstMessage({ time: 0 }), replyTo(PID)]) {
    assert.equal((await judge(header, SENDER_IP, host)).kind, "reject");
  }
});
