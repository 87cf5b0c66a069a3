// Step 1.4.6.3 and 3.1: what becomes of a batch of added recipients.

import assert from "node:assert/strict";
import { answerCode, judge, type Proceeding, repeats } from "../../src/protocol/mod.ts";
import type { Address, Header } from "../../src/wire/mod.ts";
import { addressOf } from "../support/arbitraries.ts";
import {
  alice,
  attachment,
  batchOn,
  ben,
  bob,
  carol,
  dave,
  FactualHost,
  firstMessage,
  type HostFacts,
  LIMITS,
  NOW,
  SENDER_IP,
  someHash,
  storedAs,
} from "./facts.ts";

const PID = someHash(1);
const ORIGINAL = firstMessage({
  from: alice,
  to: [bob, carol],
  time: NOW - 100,
  size: 10,
  expandedSize: 40,
  attachments: [attachment("one.pdf", 7), attachment("two.pdf", 5, 30)],
});

async function judged(header: Header, facts: Partial<HostFacts> = {}): Promise<string | number> {
  const judgement = await judge(header, SENDER_IP, new FactualHost(facts));
  if (judgement.kind === "terminate") return judgement.reason;
  return judgement.kind === "reject" ? `rejected ${judgement.code}` : judgement.delivery;
}

const STORED = { stored: storedAs(PID, ORIGINAL) };

Deno.test("B2 on an original that is here, with someone added here: 65", async () => {
  assert.equal(await judged(batchOn(ORIGINAL, PID, carol, [ben]), STORED), 65);
  assert.equal(await judged(batchOn(ORIGINAL, PID, carol, [dave, ben]), STORED), 65);
});

Deno.test("B3 on an original that is here, with nobody added here: 11, also where a recipient is here", async () => {
  assert.equal(await judged(batchOn(ORIGINAL, PID, carol, [dave]), STORED), 11);
  const facts = { ...STORED, domain: "a.test" };
  assert.equal(await judged(batchOn(ORIGINAL, PID, carol, [dave]), facts), 11);
});

Deno.test("B2 someone who is in to and is added again counts as added", async () => {
  assert.equal(await judged(batchOn(ORIGINAL, PID, alice, [bob]), STORED), 65);
});

Deno.test("R13 on an original that is not here: the whole message for a recipient in to or add to", async () => {
  assert.equal(await judged(batchOn(ORIGINAL, PID, carol, [dave])), 64);
  assert.equal(await judged(batchOn(ORIGINAL, PID, carol, [dave]), { domain: "d.test" }), 64);
});

Deno.test("R13 on an original that is not here: 6 where only from or add to from is", async () => {
  const original = { ...ORIGINAL, to: [carol] };
  assert.equal(
    await judged(batchOn(original, PID, carol, [dave]), { domain: "a.test" }),
    "rejected 6",
  );
  const byAlice = batchOn(original, PID, alice, [dave]);
  assert.equal(await judged(byAlice, { domain: "a.test" }), "rejected 6");
});

Deno.test("R5 a batch without pid is invalid, which is found after everything in the header alone", async () => {
  const batch: Header = { ...ORIGINAL, time: NOW, addTo: { from: carol, to: [ben] } };
  assert.equal(await judged(batch, STORED), "rejected 1");
  assert.equal(await judged({ ...batch, time: 0 }, STORED), "rejected 7");
  assert.equal(await judged({ ...batch, size: LIMITS.maxSize + 1 }, STORED), "rejected 4");
  const facts = { ...STORED, authorisation: { kind: "no" } } as const;
  assert.equal(await judged(batch, facts), "sender not authorised");
});

Deno.test("R13 the original's time minus the skew has to lie before the batch's", async () => {
  const stored = storedAs(PID, { ...ORIGINAL, time: NOW });
  const batch = (time: number): Header => batchOn(ORIGINAL, PID, carol, [ben], { time });
  assert.equal(await judged(batch(NOW - LIMITS.maxTimeSkew), { stored }), "rejected 9");
  assert.equal(await judged(batch(NOW - LIMITS.maxTimeSkew + 2 ** -21), { stored }), 65);
  // Nothing is known of the time of an original that is not here.
  assert.equal(await judged(batch(NOW - LIMITS.maxTimeSkew)), 64);
});

Deno.test("R14 a batch on a batch is invalid, whoever is added and whatever the times", async () => {
  const first = batchOn(ORIGINAL, PID, carol, [ben], { time: NOW - 50 });
  const hash = someHash(2);
  const stored = new Map([...storedAs(PID, ORIGINAL), ...storedAs(hash, first)]);
  for (const added of [ben, dave]) {
    const second = batchOn(ORIGINAL, hash, carol, [added]);
    assert.equal(await judged(second, { stored }), "rejected 1");
    assert.equal(await judged({ ...second, time: NOW - 99 }, { stored }), "rejected 1");
  }
  const another = batchOn(ORIGINAL, PID, bob, [ben]);
  assert.equal(await judged(another, { stored }), 65);
});

const FORGED: readonly (readonly [string, Partial<Header>])[] = [
  ["from", { from: dave }],
  ["a recipient more", { to: [bob, carol, dave] }],
  ["a recipient less", { to: [carol] }],
  ["another recipient", { to: [dave, carol] }],
  ["the recipients' order", { to: [carol, bob] }],
  ["the type", { type: { kind: "common", number: 51 } }],
  ["the type's parameters", { type: { kind: "text", text: "text/plain" } }],
  ["the expanded size", { expandedSize: 41 }],
  ["no compression, with another size", { expandedSize: null }],
  ["an attachment less", { attachments: ORIGINAL.attachments.slice(1) }],
  ["an attachment more", { attachments: [...ORIGINAL.attachments, attachment("3", 0)] }],
  ["the attachments' order", { attachments: ORIGINAL.attachments.toReversed() }],
  ["an attachment's name", { attachments: files({ filename: "One.pdf" }) }],
  ["an attachment's type", { attachments: files({ type: { kind: "common", number: 38 } }) }],
  ["an attachment's size", { attachments: files({ size: 8 }) }],
  ["an attachment's expanded size", { attachments: files({ size: 7, expandedSize: 8 }) }],
];

/** The original's attachments with something else about the first. */
function files(change: Partial<Header["attachments"][number]>): Header["attachments"] {
  return ORIGINAL.attachments.map((file, i) => i === 0 ? { ...file, ...change } : file);
}

Deno.test("R5 a batch that claims something else of the original than what is here is invalid", async () => {
  for (const [field, change] of FORGED) {
    const batch: Header = { ...batchOn(ORIGINAL, PID, carol, [ben]), ...pidOnly(change) };
    assert.equal(repeats(batch, ORIGINAL), false, field);
    assert.equal(await judged(batch, STORED), "rejected 1", field);
  }
});

/** The change, which touches neither pid nor topic. */
function pidOnly(change: Partial<Header>): Partial<Omit<Header, "pid" | "topic">> {
  const { pid: _pid, topic: _topic, ...fields } = change;
  return fields;
}

Deno.test("R5 whoever is in neither from nor to of the original cannot add to it", async () => {
  const stranger = batchOn({ ...ORIGINAL, to: [bob, dave] }, PID, dave, [ben]);
  assert.equal(await judged(stranger, STORED), "rejected 1");
  const addedOnly = batchOn(ORIGINAL, PID, dave, [dave, ben]);
  assert.equal(await judged(addedOnly, STORED), "rejected 1");
});

Deno.test("R5 another spelling, compression or form of type is the same original", async () => {
  const batch = batchOn(ORIGINAL, PID, carol, [ben], {
    from: addressOf("@ALICE@A.test"),
    to: [addressOf("@Bob@b.TEST"), carol],
    type: { kind: "text", text: "text/plain;charset=UTF-8" },
    size: 40,
    expandedSize: null,
    attachments: [attachment("one.pdf", 5, 7), attachment("two.pdf", 9, 30)],
  });
  assert.equal(repeats(batch, ORIGINAL), true);
  assert.equal(await judged(batch, STORED), 65);
});

Deno.test("3.1: a batch that is recorded is a duplicate, otherwise it goes on as it was judged", () => {
  const batches: Proceeding[] = [65, 11];
  for (const delivery of batches) {
    for (const heldByAll of [false, true]) {
      assert.equal(answerCode(delivery, { batchRecorded: true, heldByAll }), 10);
      assert.equal(answerCode(delivery, { batchRecorded: false, heldByAll }), delivery);
    }
  }
});

Deno.test("3.2: a whole message is a duplicate when all here hold it, 3.3: else it continues", () => {
  for (const batchRecorded of [false, true]) {
    assert.equal(answerCode(64, { batchRecorded, heldByAll: true }), 10);
    assert.equal(answerCode(64, { batchRecorded, heldByAll: false }), 64);
  }
});

Deno.test("R5 add to from is in from or to, whoever is added", async () => {
  const by = (adder: Address): Promise<string | number> =>
    judged(batchOn(ORIGINAL, PID, adder, [ben]), STORED);
  assert.equal(await by(alice), 65);
  assert.equal(await by(bob), 65);
  assert.equal(await by(carol), 65);
  assert.equal(await by(ben), "rejected 1");
  assert.equal(await by(dave), "rejected 1");
});
