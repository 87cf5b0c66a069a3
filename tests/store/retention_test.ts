// Retention by age and by user, and space that goes back to the file system.

import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Expire, storeFile } from "../../src/store/mod.ts";
import { addressOf } from "../support/arbitraries.ts";
import { addTo, draft, noise } from "../support/message.ts";
import { codes, HERE, holdClock, sending, sent, TestStore, whole } from "./support.ts";

const ALICE = `@alice@${HERE}`;
const BOB = `@bob@${HERE}`;
const CAROL = "@carol@far.example";
const FAR = "far.example";
const DAY = 24 * 3600;
const MIB = 1024 * 1024;
const DELETED = { deleted: true };

function users(): Promise<TestStore> {
  return TestStore.open([ALICE, BOB]);
}

function expire(store: TestStore, rules: Partial<Expire>): Promise<number> {
  return store.writer.submit("expire", { maxAge: null, users: {}, limit: 100, ...rules });
}

function has(store: TestStore, user: string): number[] {
  return store.received(addressOf(user));
}

function hasSent(store: TestStore, user: string): number[] {
  return store.read((mailbox) => mailbox.sent(addressOf(user), 100, 0)).map(({ id }) => id);
}

Deno.test("what was received is deleted once it is older than it may be, counted from its arrival", async () => {
  using clock = holdClock();
  await using store = await users();
  const start = clock.at;
  // Its own time does not matter: a sender may have tried for long.
  const first = draft({ from: CAROL, to: [ALICE], time: start - 5 * DAY });
  await store.accept(first);
  clock.at = start + 10 * DAY;
  const second = draft({ from: CAROL, to: [ALICE], time: start });
  await store.accept(second);
  assert.equal(await expire(store, { maxAge: 10 * DAY }), 0, "to the second");
  clock.at += 1;
  assert.equal(await expire(store, { maxAge: 11 * DAY }), 0);
  assert.equal(await expire(store, { maxAge: 10 * DAY }), 1);
  assert.deepEqual(has(store, ALICE), [store.idOf(second)]);
  assert.equal(store.count("message"), 1);
  assert.equal(await expire(store, { maxAge: 10 * DAY }), 0);
  store.audit(DELETED);
});

Deno.test("without rules everything is kept", async () => {
  using clock = holdClock();
  await using store = await users();
  await store.accept(draft({ from: CAROL, to: [ALICE, BOB] }));
  clock.at += 10_000 * DAY;
  assert.equal(await expire(store, {}), 0);
  assert.equal(await expire(store, { users: { [addressOf(BOB).key]: null } }), 0);
  assert.equal(store.count("message"), 1);
});

Deno.test("users have rules of their own, and the message goes with the last of them", async () => {
  using clock = holdClock();
  await using store = await users();
  const message = draft({ from: CAROL, to: [ALICE, BOB] });
  await store.accept(message);
  const [alice, bob] = [addressOf(ALICE).key, addressOf(BOB).key];
  clock.at += 30 * DAY;
  assert.equal(await expire(store, { users: { [bob]: 30 * DAY } }), 0);
  clock.at += 1;
  assert.equal(await expire(store, { maxAge: 20 * DAY, users: { [alice]: null, [bob]: null } }), 0);
  assert.equal(await expire(store, { maxAge: 40 * DAY, users: { [bob]: 30 * DAY } }), 1);
  assert.deepEqual(has(store, BOB), []);
  assert.deepEqual(has(store, ALICE), [store.idOf(message)]);
  assert.equal(await expire(store, { maxAge: 30 * DAY, users: { [bob]: 30 * DAY } }), 1);
  assert.equal(store.count("message"), 0);
  store.audit(DELETED);
});

Deno.test("what was sent is deleted by its age too, but never while it waits for delivery", async () => {
  using clock = holdClock();
  await using store = await users();
  const { id } = sent(await store.send({ from: ALICE, to: [CAROL, BOB] }));
  const answer = sent(await store.send({ from: BOB, to: [CAROL], start: { replyTo: id } }));
  clock.at += 100 * DAY;
  assert.equal(await expire(store, { maxAge: DAY }), 1, "what Bob has received");
  assert.deepEqual(hasSent(store, ALICE), [id]);
  assert.deepEqual(store.outbound({ id }), { [FAR]: "waiting" });
  assert.deepEqual(store.outbound(answer), { [FAR]: "blocked" });
  await store.record({ id }, FAR, { kind: "codes", codes: [200], lost: null });
  assert.equal(await expire(store, { maxAge: DAY }), 1);
  assert.deepEqual(hasSent(store, ALICE), []);
  assert.deepEqual(hasSent(store, BOB), [answer.id]);
  await store.record(answer, FAR, { kind: "codes", codes: [200], lost: null });
  assert.equal(await expire(store, { maxAge: DAY }), 1);
  assert.equal(store.count("message"), 0);
  store.audit(DELETED);
});

Deno.test("what a user got by a batch has its own age, and its message is listed until that is old", async () => {
  using clock = holdClock();
  await using store = await users();
  const original = draft({ from: CAROL, to: [ALICE] });
  await store.accept(original);
  clock.at += 2 * DAY;
  const added = addTo(original, { from: CAROL, to: [ALICE, BOB] }, { time: clock.at });
  assert.deepEqual(codes(await store.acceptBatch(added)), [103, 200, 200]);
  clock.at += 2 * DAY;
  assert.equal(await expire(store, { maxAge: 3 * DAY }), 1);
  assert.deepEqual(has(store, ALICE), [store.idOf(original)]);
  assert.deepEqual(has(store, BOB), [store.idOf(original)]);
  store.audit(DELETED);
  clock.at += 2 * DAY;
  assert.equal(await expire(store, { maxAge: 3 * DAY }), 2);
  assert.equal(store.count("message"), 0);
  store.audit(DELETED);
});

Deno.test("an operation deletes no more than it is told, the oldest first", async () => {
  using clock = holdClock();
  await using store = await users();
  for (let i = 0; i < 5; i++) {
    await store.accept(draft({ from: CAROL, to: [ALICE, BOB], body: noise(100_000) }));
    sent(await store.send({ from: BOB, to: [ALICE] }));
    clock.at += 1;
  }
  clock.at += DAY;
  // 15 copies received, and 5 sent.
  const deleted: number[] = [];
  do deleted.push(await expire(store, { maxAge: DAY, limit: 4 })); while (deleted.at(-1) !== 0);
  assert.deepEqual(deleted, [4, 4, 4, 4, 4, 0]);
  assert.equal(store.count("message"), 0);
  assert.equal(store.count("chunk"), 0);

  for (let i = 0; i < 3; i++) {
    sent(await store.send({ from: BOB, to: [ALICE] }));
    clock.at += 1;
  }
  const [newest] = has(store, ALICE);
  assert.equal(await expire(store, { maxAge: 0, limit: 2 }), 2);
  assert.deepEqual(has(store, ALICE), [newest]);
  store.audit(DELETED);
});

Deno.test("what removed users had is kept as for all, whatever rule they had", async () => {
  using clock = holdClock();
  await using store = await users();
  const key = addressOf(ALICE).key;
  await store.accept(draft({ from: CAROL, to: [ALICE] }));
  sent(await store.send({ from: ALICE, to: [BOB] }));
  await store.writer.submit("removeUser", { key });
  clock.at += 2 * DAY;
  assert.equal(await expire(store, { users: { [key]: DAY } }), 0);
  const rules = { maxAge: DAY, users: { [key]: null, [addressOf(BOB).key]: null } };
  assert.equal(await expire(store, rules), 2);
  assert.deepEqual(has(store, ALICE), []);
  assert.deepEqual(hasSent(store, ALICE), []);
  assert.equal(has(store, BOB).length, 1);
  store.audit(DELETED);
});

Deno.test("P7 what was deleted for its age does not come back while it could be accepted", async () => {
  using clock = holdClock();
  await using store = await users();
  const message = draft({ from: CAROL, to: [ALICE], time: clock.at });
  await store.accept(message);
  clock.at += DAY;
  assert.equal(await expire(store, { maxAge: 3600 }), 1);
  assert.deepEqual(codes(await store.accept(message)), [103]);
});

Deno.test("S5 what is deleted for its age gives room in a quota", async () => {
  using clock = holdClock();
  await using store = await TestStore.open([{ address: ALICE, limits: { recv_bytes: 10 } }]);
  const letter = () => draft({ from: CAROL, to: [ALICE], body: "1234567" });
  assert.deepEqual(codes(await store.accept(letter())), [200]);
  assert.deepEqual(codes(await store.accept(letter())), [101]);
  clock.at += DAY + 1;
  assert.equal(await expire(store, { maxAge: DAY }), 1);
  assert.deepEqual(codes(await store.accept(letter())), [200]);
  store.audit(DELETED);
});

/** Gives free space back until nothing is left: the bytes, and in how many operations. */
async function reclaim(store: TestStore, all: boolean): Promise<[bytes: number, steps: number]> {
  let bytes = 0;
  for (let steps = 1;; steps++) {
    const { freed, left } = await store.writer.submit("reclaim", { all });
    bytes += freed;
    if (left === 0) return [bytes, steps];
    assert.ok(freed > 0, "an operation gave back nothing, and would do so for ever");
  }
}

function size(store: TestStore): number {
  return statSync(storeFile(store.folder)).size;
}

Deno.test("space goes back to the file system, in bounded steps", async () => {
  await using store = await users();
  const body = noise(MIB);
  for (let i = 0; i < 20; i++) await store.accept(draft({ from: CAROL, to: [ALICE], body }));
  const last = draft({ from: CAROL, to: [ALICE], body });
  await store.accept(last);
  assert.ok(size(store) > 15 * MIB, "all but what is still in the log");
  for (const id of has(store, ALICE)) {
    if (id !== store.idOf(last)) await store.writer.submit("delete", { message: id, for: null });
  }
  const [bytes, steps] = await reclaim(store, true);
  assert.ok(bytes > 19 * MIB, `${bytes} bytes in ${steps} operations`);
  assert.ok(steps > 3 && steps < 12, `${steps} operations`);
  assert.ok(size(store) < 3 * MIB, "the file itself is shorter");
  assert.deepEqual(await reclaim(store, true), [0, 1]);
  store.audit(DELETED);
});

Deno.test("without being told to give back all, what a small store has free is kept for what comes", async () => {
  await using store = await users();
  for (let i = 0; i < 4; i++) {
    await store.accept(draft({ from: CAROL, to: [ALICE], body: noise(MIB) }));
  }
  for (const id of has(store, ALICE)) {
    await store.writer.submit("delete", { message: id, for: null });
  }
  const before = store.rows("PRAGMA page_count")[0]?.integer("page_count");
  assert.deepEqual(await reclaim(store, false), [0, 1]);
  assert.equal(store.rows("PRAGMA page_count")[0]?.integer("page_count"), before);
});

Deno.test("space is given back in one group with what others do", async () => {
  await using store = await users();
  const message = draft({ from: CAROL, to: [ALICE], body: noise(MIB) });
  await store.accept(message);
  const input = { message: store.idOf(message), for: null };
  const outcomes = await store.group(
    { name: "delete", input },
    { name: "reclaim", input: { all: true } },
    whole(draft({ from: CAROL, to: [ALICE] })),
    { name: "reclaim", input: { all: true } },
    sending({ from: ALICE, to: [BOB] }),
  );
  assert.ok(outcomes.every(({ ok }) => ok));
  store.audit(DELETED);
});

Deno.test("a reader that holds an old state holds up nobody, and gets to its end", async () => {
  await using store = await users();
  const message = draft({ from: CAROL, to: [ALICE], body: noise(8 * MIB) });
  await store.accept(message);
  const id = store.idOf(message);
  {
    using old = new DatabaseSync(storeFile(store.folder), { readOnly: true });
    old.exec("BEGIN");
    const count = old.prepare("SELECT count(*) AS n FROM chunk");
    assert.equal(count.get()?.["n"], 128);
    await store.writer.submit("delete", { message: id, for: null });
    const [bytes] = await reclaim(store, true);
    assert.ok(bytes > 7 * MIB);
    assert.equal(count.get()?.["n"], 128);
  }
  // What had to wait for the reader is done with one of the next commits, or when the store is closed.
  await store.reopen();
  assert.ok(size(store) < MIB);
  store.audit(DELETED);
});

Deno.test("a store that cannot give space back is not asked for ever", async () => {
  await using store = await users();
  await store.writer[Symbol.asyncDispose]();
  {
    using db = new DatabaseSync(storeFile(store.folder));
    db.exec("PRAGMA auto_vacuum = NONE; VACUUM");
  }
  await store.reopen();
  const message = draft({ from: CAROL, to: [ALICE], body: noise(MIB) });
  await store.accept(message);
  await store.writer.submit("delete", { message: store.idOf(message), for: null });
  assert.deepEqual(await reclaim(store, true), [0, 1]);
});

Deno.test("the write-ahead log is shortened after it was long", async () => {
  await using store = await users();
  const log = () => statSync(join(store.folder, "fmsg.db-wal")).size;
  const body = noise(8 * MIB);
  {
    // Nothing of the log can be used again while somebody reads a state from before it.
    using old = new DatabaseSync(storeFile(store.folder), { readOnly: true });
    old.exec("BEGIN");
    old.prepare("SELECT count(*) FROM chunk").get();
    for (let i = 0; i < 9; i++) await store.accept(draft({ from: CAROL, to: [ALICE], body }));
    assert.ok(log() > 64 * MIB);
  }
  for (const id of has(store, ALICE)) {
    await store.writer.submit("delete", { message: id, for: null });
  }
  await reclaim(store, true);
  await store.accept(draft({ from: CAROL, to: [ALICE] }));
  assert.ok(log() <= 64 * MIB, `${log()} bytes`);
});
