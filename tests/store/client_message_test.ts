// The fields of a message, a draft and its deliveries, as an identity sees them (rows N2, N5, N6).

import assert from "node:assert/strict";
import { hex } from "../../src/wire/mod.ts";
import { addressOf } from "../support/arbitraries.ts";
import { addTo, draft } from "../support/message.ts";
import { copyMessage } from "./filling.ts";
import { keep, seenBy, view } from "./identities.ts";
import { codes, HERE, holdClock, sent, TestStore } from "./support.ts";

const ALICE = `@Alice@${HERE}`;
const BOB = `@bob@${HERE}`;
const CHRIS = `@chris@${HERE}`;
const DAVE = `@dave@${HERE}`;
const FULL = { address: `@full@${HERE}`, limits: { recv_messages: 0 } };
const CAROL = "@carol@far.example";
const EVE = "@eve@other.example";
const FAR = "far.example";

function users(): Promise<TestStore> {
  return TestStore.open([ALICE, BOB, CHRIS, DAVE, FULL]);
}

Deno.test("N2 a message's fields are those that its sender gave", async () => {
  await using store = await users();
  const message = draft({
    from: CAROL,
    to: [ALICE, EVE],
    topic: "Hello",
    body: "hello ".repeat(1000),
    compress: true,
    important: true,
    noReply: true,
    attachments: [{ filename: "notes.txt", body: "notes ".repeat(100), compress: true }],
  });
  await store.accept(message);
  const id = store.idOf(message);
  const { toDelivery, ...seen } = view(store, id, ALICE);
  assert.deepEqual(seen, {
    id,
    pid: null,
    from: CAROL,
    to: [ALICE, EVE],
    addTo: [],
    time: message.fields.time,
    topic: "Hello",
    type: "text/plain;charset=UTF-8",
    size: 6000,
    deflate: true,
    important: true,
    noReply: true,
    readAt: null,
    attachments: [{ filename: "notes.txt", type: "text/plain;charset=UTF-8", size: 600 }],
    hash: hex(message.hash),
    isDraft: false,
    isSender: false,
    isRecipient: true,
    mayAdd: true,
  });
  assert.deepEqual(toDelivery.map(({ address, state, code }) => [address, state, code]), [
    [ALICE, "local", null],
    [EVE, "unknown", null],
  ]);
});

Deno.test("N2 a draft has its parent, its batches and no time, and is its sender's alone", async () => {
  await using store = await users();
  const parent = draft({ from: CAROL, to: [ALICE] });
  await store.accept(parent);
  const id = await keep(store, ALICE, [CAROL, BOB], { replyTo: store.idOf(parent) });
  const batch = await store.addTo(id, ALICE, CHRIS);
  assert.ok(batch.kind === "drafted");
  assert.deepEqual(seenBy(store, id, ALICE, BOB, CHRIS), [true, false, false]);
  assert.deepEqual(seenBy(store, batch.id, ALICE, CHRIS), [true, false]);
  const unknown = {
    state: "unknown",
    deliveredAt: null,
    code: null,
    reason: null,
    attempts: 0,
    nextAttempt: null,
  };
  const seen = view(store, batch.id, ALICE);
  assert.deepEqual(seen, {
    id,
    pid: store.idOf(parent),
    from: ALICE,
    to: [CAROL, BOB],
    toDelivery: [{ address: CAROL, ...unknown }, { address: BOB, ...unknown }],
    addTo: [{
      batchId: batch.id,
      from: ALICE,
      to: [CHRIS],
      toDelivery: [{ address: CHRIS, ...unknown }],
      time: null,
    }],
    time: null,
    topic: "",
    type: "text/plain;charset=UTF-8",
    size: 7,
    deflate: false,
    important: true,
    noReply: false,
    readAt: null,
    attachments: [],
    hash: null,
    isDraft: true,
    isSender: true,
    isRecipient: false,
    mayAdd: true,
  });
  const done = sent(await store.writer.submit("sendDraft", { id, from: null }));
  assert.equal(done.id, id);
  assert.equal(view(store, id, ALICE).isDraft, false);
  assert.deepEqual(seenBy(store, batch.id, ALICE, BOB, CHRIS), [true, true, true]);
});

Deno.test("N2 pid is the parent's id here; of an answer to a batch the original's; null when it is not here", async () => {
  await using store = await users();
  const original = draft({ from: CAROL, to: [ALICE] });
  const batch = addTo(original, { from: CAROL, to: [BOB] });
  await store.accept(original);
  await store.acceptBatch(batch);
  const id = store.idOf(original);
  const answer = sent(
    await store.send({ from: BOB, to: [ALICE, CAROL], start: { replyTo: store.idOf(batch) } }),
  );
  assert.equal(view(store, answer.id, ALICE).pid, id);
  assert.equal(view(store, answer.id, ALICE).topic, "");
  const later = await keep(store, BOB, [CAROL], { replyTo: store.idOf(batch) });
  assert.equal(view(store, later, BOB).pid, id);

  await store.writer.submit("delete", { message: id, for: null });
  assert.equal(view(store, answer.id, ALICE).pid, null);
});

Deno.test("N5 delivery: unknown, then the code of a failed attempt while it waits, then the time and no code", async () => {
  using clock = holdClock();
  await using store = await users();
  const message = sent(await store.send({ from: ALICE, to: [CAROL, EVE, BOB, FULL.address] }));
  const sentAt = clock.at;
  const states = () =>
    view(store, message.id, ALICE).toDelivery.map(({ address, state, code, deliveredAt }) => [
      address,
      state,
      code,
      deliveredAt,
    ]);
  const here = [[BOB, "local", null, sentAt], [FULL.address, "failed", 101, null]];
  assert.deepEqual(states(), [
    [CAROL, "pending", null, null],
    [EVE, "pending", null, null],
    ...here,
  ]);

  clock.at += 1;
  await store.record(message, FAR, { kind: "codes", codes: [101], lost: null }, clock.at + 60);
  const waits = view(store, message.id, ALICE).toDelivery[0];
  assert.deepEqual([waits?.state, waits?.code, waits?.attempts, waits?.nextAttempt], [
    "pending",
    101,
    1,
    clock.at + 60,
  ]);
  assert.match(waits?.reason ?? "", /user full \(101\)/);
  await store.record(message, "other.example", { kind: "rejected", code: 1 });
  clock.at += 1;
  await store.record(message, FAR, { kind: "codes", codes: [200], lost: null });
  assert.deepEqual(states(), [
    [CAROL, "delivered", null, clock.at],
    [EVE, "failed", 1, null],
    ...here,
  ]);
  const untold = { reason: null, attempts: 0, nextAttempt: null };
  assert.deepEqual(
    view(store, message.id, BOB).toDelivery,
    view(store, message.id, ALICE).toDelivery.map((delivery) => ({ ...delivery, ...untold })),
  );
});

Deno.test("N2 how a delivery goes is told to who sends, the message or the batch, and to nobody else", async () => {
  using clock = holdClock();
  await using store = await users();
  const message = sent(await store.send({ from: ALICE, to: [CAROL, BOB] }));
  const batch = sent(await store.addTo(message.id, BOB, EVE, FULL.address));
  const next = clock.at + 60;
  await store.record(message, FAR, { kind: "codes", codes: [101], lost: null }, next);
  await store.record(batch, "other.example", { kind: "codes", codes: [101], lost: null }, next);
  const told = (who: string): unknown[] => {
    const { toDelivery: [carol], addTo: [added] } = view(store, message.id, who);
    return [carol, ...added?.toDelivery ?? []].map((delivery) => [
      delivery?.state,
      delivery?.code,
      delivery?.reason === null ? null : "a reason",
      delivery?.attempts,
      delivery?.nextAttempt,
    ]);
  };
  const waits = ["pending", 101, "a reason", 1, next];
  const hidden = ["pending", 101, null, 0, null];
  const full = ["failed", 101, "a reason", 0, null];
  assert.deepEqual(told(ALICE), [waits, hidden, ["failed", 101, null, 0, null]]);
  assert.deepEqual(told(BOB), [hidden, waits, full]);
});

Deno.test("N5 batches: each for itself, the oldest first, with its sender, its time and its deliveries", async () => {
  await using store = await users();
  const { id } = sent(await store.send({ from: ALICE, to: [BOB] }));
  const one = sent(await store.addTo(id, BOB, CHRIS, FULL.address));
  const two = sent(await store.addTo(id, ALICE, CAROL));
  await store.record(two, FAR, { kind: "rejected", code: 11 });
  const batches = view(store, id, CHRIS).addTo;
  assert.deepEqual(
    batches.map(({ toDelivery, ...batch }) => ({
      ...batch,
      states: toDelivery.map(({ address, state, code }) => [address, state, code]),
    })),
    [
      {
        batchId: one.id,
        from: BOB,
        to: [CHRIS, FULL.address],
        time: one.time,
        states: [[CHRIS, "local", null], [FULL.address, "failed", 101]],
      },
      {
        batchId: two.id,
        from: ALICE,
        to: [CAROL],
        time: two.time,
        states: [[CAROL, "delivered", null]],
      },
    ],
  );
});

Deno.test("N5 of very many batches the newest are shown, of a single one all of it", async () => {
  await using store = await users();
  const { id } = sent(await store.send({ from: ALICE, to: [BOB] }));
  const batches: number[] = [];
  const added = (first: string, times: number) =>
    Array.from({ length: times }, (_, i) => `@${first}${i}@${FAR}`);
  for (const first of ["a", "b", "c", "d", "e"]) {
    batches.push(sent(await store.addTo(id, ALICE, ...added(first, 250))).id);
  }
  const shown = () => view(store, id, BOB).addTo.map(({ batchId, to }) => [batchId, to.length]);
  assert.deepEqual(shown(), batches.slice(1).map((batch) => [batch, 250]));
  const small = sent(await store.addTo(id, ALICE, `@f@${FAR}`)).id;
  copyMessage(store.folder, small, 99);
  assert.deepEqual(shown(), Array.from({ length: 100 }, (_, i) => [small + i, 1]));
});

Deno.test("N5 who in `to` took the message by a batch only has it delivered", async () => {
  await using store = await users();
  const original = draft({ from: CAROL, to: [ALICE, FULL.address] });
  await store.accept(original);
  const id = store.idOf(original);
  const state = () => view(store, id, ALICE).toDelivery[1];
  assert.deepEqual([state()?.state, state()?.code], ["failed", 101]);
  await store.writer.submit("setUser", {
    key: addressOf(FULL.address).key,
    limits: { recv_messages: null },
  });
  const batch = addTo(original, { from: CAROL, to: [BOB] });
  assert.deepEqual(codes(await store.acceptBatch(batch)), [103, 200, 200]);
  assert.deepEqual([state()?.state, state()?.code], ["local", null]);
  assert.deepEqual(view(store, id, FULL.address).isRecipient, true);
});

Deno.test("N2 an early batch is seen as a message of its own, until its original comes", async () => {
  await using store = await users();
  const original = draft({ from: CAROL, to: [ALICE] });
  const batch = addTo(original, { from: CAROL, to: [BOB] });
  await store.accept(batch);
  const early = store.idOf(batch);
  const seen = view(store, early, BOB);
  assert.deepEqual([seen.id, seen.pid, seen.to], [early, null, [ALICE]]);
  assert.deepEqual(seen.addTo.map(({ batchId, to }) => [batchId, to]), [[early, [BOB]]]);
  assert.deepEqual(seen.addTo[0]?.toDelivery.map(({ state }) => state), ["local"]);
  await store.writer.submit("markRead", { message: early, for: BOB });
  const { readAt } = view(store, early, BOB);
  assert.notEqual(readAt, null);
  await store.accept(original);
  const listed = view(store, early, BOB);
  assert.deepEqual([listed.id, listed.readAt], [store.idOf(original), readAt]);
});

Deno.test("N6 read: each recipient's own, and never the sender's", async () => {
  await using store = await users();
  const { id } = sent(await store.send({ from: ALICE, to: [BOB, CHRIS] }));
  const batch = sent(await store.addTo(id, ALICE, DAVE));
  const read = await store.writer.submit("markRead", { message: id, for: BOB });
  assert.ok(read.kind === "read");
  const times = () => [ALICE, BOB, CHRIS, DAVE].map((user) => view(store, id, user).readAt);
  assert.deepEqual(times(), [null, read.at, null, null]);
  const added = await store.writer.submit("markRead", { message: batch.id, for: DAVE });
  assert.ok(added.kind === "read");
  assert.deepEqual(times(), [null, read.at, null, added.at]);
});
