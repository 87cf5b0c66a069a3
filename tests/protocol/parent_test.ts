// Row D10: which hash a reply names as its pid.

import assert from "node:assert/strict";
import { type Candidate, chooseParent, replyProblem } from "../../src/protocol/mod.ts";
import { type Address, hex } from "../../src/wire/mod.ts";
import { addressOf } from "../support/arbitraries.ts";
import { alice, batchOn, ben, bob, carol, dave, firstMessage, someHash } from "./facts.ts";

const ORIGINAL_HASH = someHash(1);
const HEADER = firstMessage({ from: alice, to: [bob] });
const ORIGINAL: Candidate = { header: HEADER, hash: ORIGINAL_HASH, undelivered: new Set() };
const erin = addressOf("@erin@e.test");

/** The n-th batch on the original. */
function batch(
  n: number,
  adder: Address,
  added: readonly Address[],
  undelivered: readonly string[] = [],
): Candidate {
  return {
    header: batchOn(HEADER, ORIGINAL_HASH, adder, added),
    hash: someHash(n),
    undelivered: new Set(undelivered),
  };
}

/** The first byte of the chosen hash, which is its number, or why the reply is refused. */
function chosen(
  sender: Address,
  recipients: readonly Address[],
  original: Candidate | null,
  batches: readonly Candidate[],
): string {
  const parent = chooseParent(sender, recipients, original, batches);
  return parent instanceof Uint8Array ? hex(parent).slice(0, 2) : parent.reason;
}

const CAROL = batch(2, bob, [carol]);
const DAVE = batch(3, alice, [dave]);
/** Newest first, as chooseParent takes them. */
const BOTH = [DAVE, CAROL];

Deno.test("D10 without batches, from and to reply to the original, and others not at all", () => {
  assert.equal(chosen(bob, [alice], ORIGINAL, []), "01");
  assert.equal(chosen(alice, [bob], ORIGINAL, []), "01");
  assert.equal(chosen(addressOf("@BOB@B.test"), [alice], ORIGINAL, []), "01");
  assert.equal(chosen(carol, [alice], ORIGINAL, []), "not a participant");
  assert.equal(chosen(ben, [alice], ORIGINAL, []), "not a participant");
});

Deno.test("D10 the original is named although there are batches, while no recipient came by one", () => {
  assert.equal(chosen(bob, [alice], ORIGINAL, BOTH), "01");
  assert.equal(chosen(alice, [bob, ben], ORIGINAL, BOTH), "01");
});

Deno.test("D10 a domain that is in from or to and in a batch did not come by the batch only", () => {
  const again = batch(2, alice, [ben]);
  assert.equal(chosen(alice, [ben], ORIGINAL, [again]), "01");
});

Deno.test("D10 a domain that nobody told of the thread does not keep from naming the original", () => {
  assert.equal(chosen(bob, [alice, erin], ORIGINAL, BOTH), "01");
});

Deno.test("D10 for a domain that came by a batch, that batch is named", () => {
  assert.equal(chosen(alice, [carol], ORIGINAL, BOTH), "02");
  assert.equal(chosen(alice, [bob, carol], ORIGINAL, BOTH), "02");
  assert.equal(chosen(bob, [dave], ORIGINAL, BOTH), "03");
});

Deno.test("D10 of several batches that all recipients' domains hold, the newest is named", () => {
  const newer = batch(4, alice, [addressOf("@cy@c.test")]);
  assert.equal(chosen(alice, [carol], ORIGINAL, [newer, ...BOTH]), "04");
  const third = batch(5, alice, [dave, carol]);
  assert.equal(chosen(alice, [carol, dave], ORIGINAL, [third, ...BOTH]), "05");
});

Deno.test("D10 who was added replies to a batch that has them, not to the original", () => {
  assert.equal(chosen(carol, [alice], ORIGINAL, BOTH), "02");
  assert.equal(chosen(carol, [alice], null, [CAROL]), "02");
  assert.equal(chosen(dave, [alice, bob], ORIGINAL, BOTH), "03");
  const colleague = addressOf("@cy@c.test");
  assert.equal(chosen(colleague, [alice], ORIGINAL, BOTH), "not a participant");
});

Deno.test("D10 no one message is held by recipients that came by different batches", () => {
  assert.equal(chosen(alice, [carol, dave], ORIGINAL, BOTH), "cannot be delivered");
  assert.equal(chosen(carol, [dave], ORIGINAL, BOTH), "cannot be delivered");
});

Deno.test("D10 a recipient of no batch and of no original cannot be reached together with an added one", () => {
  assert.equal(chosen(alice, [carol, erin], ORIGINAL, BOTH), "cannot be delivered");
  assert.equal(chosen(carol, [erin], null, [CAROL]), "cannot be delivered");
});

Deno.test("D10 a batch that could not be delivered to a recipient's domain is passed over", () => {
  const failed = batch(4, alice, [carol], ["c.test"]);
  assert.equal(chosen(alice, [carol], ORIGINAL, [failed, ...BOTH]), "02");
  assert.equal(chosen(alice, [carol], ORIGINAL, [failed]), "cannot be delivered");
  // For other domains it will do.
  assert.equal(chosen(carol, [bob], ORIGINAL, [failed]), "04");
});

Deno.test("D10 where the original is not here, everybody replies to a batch", () => {
  assert.equal(chosen(bob, [alice], null, [CAROL]), "02");
  assert.equal(chosen(alice, [bob], null, []), "not a participant");
});

Deno.test("D10 a refusal tells what to do", () => {
  const stranger = chooseParent(erin, [alice], ORIGINAL, BOTH);
  const torn = chooseParent(alice, [carol, dave], ORIGINAL, BOTH);
  assert.ok("message" in stranger && "message" in torn);
  assert.match(stranger.message, /^@erin@e\.test is no participant/);
  assert.match(torn.message, /reply to fewer of them, or add the missing ones/);
});

Deno.test("D10 a domain that got the original by a batch alone is answered by the batch", () => {
  const failed: Candidate = { ...ORIGINAL, undelivered: new Set(["b.test"]) };
  assert.equal(chosen(alice, [bob], failed, []), "01", "there is no other");
  assert.equal(chosen(alice, [bob], failed, BOTH), "03", "every batch goes to b.test too");
  assert.equal(chosen(alice, [bob], failed, [batch(2, bob, [carol], ["b.test"])]), NOWHERE);
  const again = batch(4, alice, [bob]);
  assert.equal(chosen(alice, [bob], failed, [again]), "04");
});

const NOWHERE = "cannot be delivered";

Deno.test("N4 a reply is refused for domains that never were on its parent, or could not be given it", () => {
  const problem = (parent: Candidate, ...to: Address[]) =>
    replyProblem(alice, to, parent)?.message ?? null;
  assert.equal(problem(ORIGINAL, bob, ben), null);
  assert.match(
    problem(ORIGINAL, bob, carol, erin) ?? "",
    /^c\.test, e\.test do not have .*: add these recipients to that message first, or start a new thread$/,
  );
  const failed: Candidate = { ...ORIGINAL, undelivered: new Set(["b.test"]) };
  assert.match(problem(failed, bob) ?? "", /^b\.test does not have /);
  assert.equal(problem(CAROL, carol), null);
  assert.match(problem(CAROL, dave) ?? "", /^d\.test does not have /);
});

Deno.test("N4 of the sender's own domain everybody can be answered", () => {
  const colleague = addressOf("@anybody@a.test");
  assert.equal(replyProblem(alice, [colleague], ORIGINAL), null);
  assert.equal(replyProblem(bob, [alice, ben], ORIGINAL), null);
});
