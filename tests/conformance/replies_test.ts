// Replies, and batches of added recipients, judged by what is stored here (1.4.6).

import assert from "node:assert/strict";
import { addTo, draft, type Fields, type Message, noise, replyTo } from "../support/message.ts";
import type { Peer } from "../support/peer.ts";
import { settled } from "./outcome.ts";
import { Stage } from "./stage.ts";

const TAKEN = { codes: [64, 200] };
const INVALID = { codes: [1] };
const NO_PARENT = { codes: [6] };
const TIME_TRAVEL = { codes: [9] };
const SKEW = 20;

/** The least number above `x`, which is positive. */
function above(x: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  view.setBigUint64(0, view.getBigUint64(0) + 1n);
  return view.getFloat64(0);
}

Deno.test("a reply needs its parent here, and a participant of it", async (t) => {
  await using stage = await Stage.set({ users: ["bob"] });
  const { world, host, peer, ann, alice } = stage;
  const carl = await world.peer({ domain: "carl.test" });
  const dave = await world.peer({ domain: "dave.test" });
  const from = (sender: Peer, user: string, parent: Message, changes: Partial<Fields> = {}) =>
    replyTo(parent, { from: sender.address(user), to: [alice], ...changes });
  const time = Math.floor(Date.now() / 1000) + 0.123_456;
  const parent = stage.letter({ to: [alice, carl.address("carl"), host.address("nobody")], time });

  await t.step("R12 nothing is known of the parent, and then it is here", async () => {
    await stage.expect(from(peer, "ann", parent), NO_PARENT);
    await stage.expect(parent, { codes: [64, 200, 100] });
    await stage.expect(from(peer, "ann", parent), TAKEN);
  });
  await t.step("R12 a hash that is almost the parent's", async () => {
    const hash = parent.hash.slice();
    hash[31] = (hash[31] ?? 0) ^ 1;
    await stage.expect(stage.letter({ pid: hash }), NO_PARENT);
    await stage.expect(stage.letter({ pid: parent.headerHash }), NO_PARENT);
  });
  await t.step("R12 a message that nobody here took is no parent", async () => {
    const refused = stage.letter({ to: [host.address("nobody")] });
    await stage.expect(refused, { codes: [64, 100] });
    await stage.expect(from(peer, "ann", refused), NO_PARENT);
  });
  await t.step("R12 the parent was compressed: its hash is over what it expands to", async () => {
    const compressed = stage.letter({
      body: "a".repeat(5000),
      compress: true,
      attachments: [{ filename: "b.txt", body: "b".repeat(5000), compress: true }],
    });
    await stage.expect(compressed, TAKEN);
    await stage.expect(from(peer, "ann", compressed), TAKEN);
  });

  await t.step("R12 the parent's time less the skew is not before this time: 9", async () => {
    await stage.expect(from(peer, "ann", parent, { time: time - SKEW }), TIME_TRAVEL);
    await stage.expect(from(peer, "ann", parent, { time: time - SKEW - 1 }), TIME_TRAVEL);
    await stage.expect(from(peer, "ann", parent, { time: above(time - SKEW) }), TAKEN);
    await stage.expect(from(peer, "ann", parent, { time }), TAKEN);
  });

  await t.step("R12 a reply by someone in the parent's to", async () => {
    await stage.expect(from(carl, "carl", parent), TAKEN, {}, carl);
    await stage.expect(from(carl, "CARL", parent), TAKEN, {}, carl);
  });
  await t.step("R12 a reply by whoever is no participant of the parent: 1", async () => {
    await stage.expect(from(carl, "other", parent), INVALID, {}, carl);
    await stage.expect(from(dave, "dave", parent), INVALID, {}, dave);
    // Also when they write to a participant of it, and name one.
    await stage.expect(from(dave, "ann", parent, { to: [alice, ann] }), INVALID, {}, dave);
  });
  await t.step("R12 a participant of a message is none of the reply to it", async () => {
    const reply = from(peer, "ann", parent);
    await stage.expect(reply, TAKEN);
    await stage.expect(from(carl, "carl", reply), INVALID, {}, carl);
  });

  await t.step("R12 the parent is a batch, and found by the batch's own hash", async () => {
    const batch = addTo(parent, { from: ann, to: [dave.address("dave"), host.address("bob")] });
    await stage.expect(batch, { codes: [65, 103, 100, 200] });
    await stage.expect(from(peer, "ann", batch), TAKEN);
    await stage.expect(from(carl, "carl", batch), TAKEN, {}, carl);
    await stage.expect(from(dave, "dave", batch), TAKEN, {}, dave);
    await stage.expect(from(dave, "dave", parent), INVALID, {}, dave);
    await stage.expect(from(dave, "other", batch), INVALID, {}, dave);
    const time = Number(batch.fields.time);
    await stage.expect(from(dave, "dave", batch, { time: time - SKEW }), TIME_TRAVEL, {}, dave);
    await stage.expect(from(dave, "dave", batch, { time: above(time - SKEW) }), TAKEN, {}, dave);
  });
  await t.step("R12 someone of another batch is no participant of this one", async () => {
    const one = addTo(parent, { from: ann, to: ["@x@elsewhere.test"] });
    const other = addTo(parent, { from: ann, to: [dave.address("ben")] });
    await stage.expect(one, { codes: [11] });
    await stage.expect(other, { codes: [11] });
    await stage.expect(from(dave, "ben", one), INVALID, {}, dave);
    await stage.expect(from(dave, "ben", other), TAKEN, {}, dave);
  });
  await t.step("R12 a batch that came before its original is a parent too", async () => {
    const original = stage.letter();
    const batch = addTo(original, { from: ann, to: [dave.address("dave")] });
    await stage.expect(batch, TAKEN);
    await stage.expect(from(peer, "ann", original), NO_PARENT);
    await stage.expect(from(dave, "dave", batch), TAKEN, {}, dave);
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

Deno.test("what was sent from here is a parent from then on", async (t) => {
  await using stage = await Stage.set({ users: ["bob"] });
  const { world, host, peer, ann, alice } = stage;
  const deaf = await world.peer({ domain: "deaf.test", listen: false });
  const reply = (sender: Peer, from: string, hash: string, to = [alice]) =>
    stage.expect(
      draft({ from, to, pid: Uint8Array.fromHex(hash) }),
      to.includes(alice) ? TAKEN : { codes: [64, 100] },
      {},
      sender,
    );

  await t.step("R12 also while it is not delivered", async () => {
    const { hash } = await host.send({ from: alice, to: [deaf.address("dan")] });
    await reply(deaf, deaf.address("dan"), hash);
  });
  const { id, hash } = await host.send({
    from: alice,
    to: [ann, host.address("bob")],
    body: "a".repeat(5000),
    attach: [{ filename: "noise.bin", body: noise(100_000) }],
  });
  await t.step("R12 also what was compressed", async () => {
    await settled(host, id);
    await reply(peer, ann, hash);
  });
  await t.step("R12 a stranger's reply is invalid, so that the parent is known", async () => {
    const local = await host.send({ from: alice, to: [host.address("bob")] });
    await stage.expect(stage.letter({ pid: Uint8Array.fromHex(local.hash) }), INVALID);
  });
  await t.step("R12 also a batch that was made here, and for those whom it adds", async () => {
    const batch = await host.addTo(id, alice, deaf.address("dan"));
    await reply(deaf, deaf.address("dan"), batch.hash);
    await reply(peer, ann, batch.hash);
  });
  await t.step("R12 a reply from here can be answered", async () => {
    const answer = await host.send({ from: host.address("bob"), to: [ann], replyTo: id });
    await reply(peer, ann, answer.hash, [alice]);
  });
  await t.step("R12 all of it is known after a restart", async () => {
    assert.equal(await host.stop(), 0);
    await host.start();
    await reply(peer, ann, hash);
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

Deno.test("recipients are added to an original that is here, or is not", async (t) => {
  await using stage = await Stage.set({ users: ["bob"] });
  const { host, peer, ann, alice } = stage;
  const bob = host.address("bob");
  const elsewhere = "@x@elsewhere.test";
  const time = Math.floor(Date.now() / 1000) + 0.654_321;
  const original = stage.letter({ to: [alice, elsewhere], time });
  await stage.expect(original, TAKEN);
  const batch = (changes: Partial<Fields> = {}, to: readonly string[] = [elsewhere]) =>
    addTo(original, { from: ann, to }, changes);

  await t.step("R13 the original's time less the skew is not before this time: 9", async () => {
    await stage.expect(batch({ time: time - SKEW }), TIME_TRAVEL);
    await stage.expect(batch({ time: time - SKEW }, [bob]), TIME_TRAVEL);
    await stage.expect(batch({ time: above(time - SKEW) }), { codes: [11] });
    await stage.expect(batch({ time: above(time - SKEW) }, [bob]), { codes: [65, 103, 200] });
  });

  const missing = (to: readonly string[], added: readonly string[], from = ann) =>
    addTo(draft({ from, to }), { from: ann, to: added });
  await stage.play(t, [
    {
      name: "R13 the original is not here, and someone in to is: in full",
      message: missing([alice], [elsewhere]),
      ...TAKEN,
    },
    {
      name: "R13 the original is not here, and someone added is: in full",
      message: missing([elsewhere, ann], [bob]),
      ...TAKEN,
    },
    {
      name: "R13 the original is not here, and only from is: 6",
      message: missing([elsewhere, ann], [elsewhere], alice),
      ...NO_PARENT,
    },
    {
      name: "R13 a time before the original's is none where that is not here",
      message: addTo(draft({ from: ann, to: [alice], time }), { from: ann, to: [bob] }, {
        time: time - 3600,
      }),
      codes: [64, 200, 200],
    },
  ]);
  await t.step("R13 the original is not here, and only who adds is: 6", async () => {
    // What comes is from another host of this domain.
    stage.world.dns.set(`fmsg.${host.domain}`, "A", [host.ip, peer.ip]);
    await stage.expect(
      addTo(draft({ from: alice, to: [elsewhere] }), { from: alice, to: [elsewhere] }),
      NO_PARENT,
    );
    stage.world.dns.set(`fmsg.${host.domain}`, "A", [host.ip]);
  });
  await t.step("R13 what was sent from here is an original", async () => {
    const sent = await host.send({ from: alice, to: [ann] });
    const { message } = await peer.next();
    assert.equal(message?.hash.toHex(), sent.hash);
    const notice = addTo(message ?? original, { from: ann, to: [elsewhere] });
    await stage.expect(notice, { codes: [11] });
  });

  await t.step("R14 batches do not chain", async () => {
    const here = batch({}, [host.address("nobody"), elsewhere]);
    await stage.expect(here, { codes: [65, 103, 100] });
    const recorded = batch();
    await stage.expect(recorded, { codes: [11] });
    const chained = (pid: Uint8Array, to: string) => batch({ pid, addTo: { from: ann, to: [to] } });
    await stage.expect(chained(recorded.hash, elsewhere), INVALID);
    await stage.expect(chained(recorded.hash, bob), INVALID);
    const early = missing([alice], [elsewhere]);
    await stage.expect(early, TAKEN);
    await stage.expect(chained(early.hash, bob), INVALID);
  });
  await t.step("R14 a batch may be on a reply, and a reply on a batch", async () => {
    const reply = replyTo(original, { from: ann, to: [alice] });
    await stage.expect(reply, TAKEN);
    const onReply = addTo(reply, { from: ann, to: [bob] });
    await stage.expect(onReply, { codes: [65, 103, 200] });
    const onBatch = replyTo(onReply, { from: ann, to: [alice, bob] });
    await stage.expect(onBatch, { codes: [64, 200, 200] });
    await stage.expect(addTo(onBatch, { from: ann, to: [elsewhere] }), { codes: [11] });
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});
