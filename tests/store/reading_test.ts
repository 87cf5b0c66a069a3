// Read marks (row N5): each recipient's own, from the first time on.

import assert from "node:assert/strict";
import { addTo, draft } from "../support/message.ts";
import { kept } from "./drafting.ts";
import { codes, HERE, holdClock, sent, TestStore } from "./support.ts";

const ALICE = `@alice@${HERE}`;
const BOB = `@bob@${HERE}`;
const CHRIS = `@chris@${HERE}`;
const CAROL = "@carol@far.example";

/** When they have read it, or why they cannot. */
async function read(store: TestStore, message: number, address: string): Promise<number | string> {
  const done = await store.writer.submit("markRead", { message, for: address });
  return done.kind === "read" ? done.at : done.reason;
}

const NOT_THEIRS = "message not found";

Deno.test("N5 the first time counts, and everybody has their own", async () => {
  using clock = holdClock(1000);
  await using store = await TestStore.open([ALICE, BOB]);
  const message = draft({ from: CAROL, to: [ALICE, BOB], time: 900 });
  await store.accept(message);
  const id = store.idOf(message);
  assert.equal(await read(store, id, ALICE), 1000);
  clock.at = 1010.5;
  assert.equal(await read(store, id, ALICE.toUpperCase()), 1000);
  assert.equal(await read(store, id, BOB), 1010.5);
  await store.reopen();
  assert.equal(await read(store, id, ALICE), 1000);
  store.audit();
});

Deno.test("N5 only who has received it has read it", async () => {
  await using store = await TestStore.open([ALICE, BOB]);
  const { id } = sent(await store.send({ from: ALICE, to: [BOB, CAROL] }));
  const own = sent(await store.send({ from: ALICE, to: [ALICE] }));
  const unsent = await kept(store, { from: ALICE, to: [ALICE] });
  assert.equal(await read(store, id, ALICE), NOT_THEIRS, "its sender");
  assert.equal(await read(store, id, CAROL), NOT_THEIRS, "who has it elsewhere");
  assert.equal(await read(store, unsent, ALICE), NOT_THEIRS, "a draft");
  assert.equal(await read(store, 99, ALICE), NOT_THEIRS);
  assert.equal(typeof await read(store, own.id, ALICE), "number", "a sender who is a recipient");
  assert.equal(typeof await read(store, id, BOB), "number");
  store.audit({ drafts: 1 });
});

Deno.test("N5 a batch stands for its message, and one who was added reads too", async () => {
  using clock = holdClock(1000);
  await using store = await TestStore.open([ALICE, BOB]);
  const message = draft({ from: CAROL, to: [ALICE], time: 900 });
  await store.accept(message);
  const id = store.idOf(message);
  const batch = sent(await store.addTo(id, ALICE, BOB));
  assert.equal(await read(store, batch.id, BOB), 1000);
  assert.equal(await read(store, batch.id, ALICE), 1000);
  clock.at = 2000;
  assert.equal(await read(store, id, BOB), 1000);
  assert.equal(store.count("read_mark"), 2);
  store.audit();
});

Deno.test("N5 what was read before its original came stays read, from the first time on", async () => {
  using clock = holdClock(1000);
  await using store = await TestStore.open([ALICE, BOB, CHRIS]);
  const original = draft({ from: CAROL, to: [ALICE], time: 900 });
  const one = addTo(original, { from: CAROL, to: [BOB] });
  const two = addTo(original, { from: CAROL, to: [CHRIS] });
  await store.accept(one);
  await store.accept(two);
  const readers = [[one, BOB], [one, ALICE], [two, CHRIS]] as const;
  for (const [batch, user] of readers) {
    clock.at++;
    assert.equal(await read(store, store.idOf(batch), user), clock.at);
  }
  assert.equal(await read(store, store.idOf(two), BOB), NOT_THEIRS);
  assert.deepEqual(codes(await store.accept(original)), [200]);
  const id = store.idOf(original);
  assert.deepEqual(
    [await read(store, id, BOB), await read(store, id, ALICE), await read(store, id, CHRIS)],
    [1001, 1002, 1003],
  );
  assert.equal(store.count("read_mark"), 3);
  store.audit();
});

Deno.test("N5 with the message goes the mark: by deleting it, and with its age", async () => {
  using clock = holdClock();
  await using store = await TestStore.open([ALICE, BOB]);
  const first = draft({ from: CAROL, to: [ALICE, BOB] });
  await store.accept(first);
  const id = store.idOf(first);
  for (const user of [ALICE, BOB]) await read(store, id, user);
  await store.writer.submit("delete", { message: id, for: ALICE });
  assert.equal(await read(store, id, ALICE), NOT_THEIRS);
  assert.deepEqual(store.rows("SELECT key FROM read_mark").map((row) => row.text("key")), [BOB]);
  // Who is given it again has not read it.
  const again = addTo(first, { from: CAROL, to: [ALICE] });
  await store.acceptBatch(again);
  assert.equal(store.count("read_mark"), 1);
  store.audit({ deleted: true });
  clock.at += 100;
  while (await store.writer.submit("expire", { maxAge: 10, users: {}, limit: 1 }) > 0) {
    store.audit({ deleted: true });
  }
  assert.equal(store.count("read_mark"), 0);
});
