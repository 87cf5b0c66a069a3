// Quotas: counted where they are decided, so that nothing slips through beside another.

import assert from "node:assert/strict";
import type { UserLimits } from "../../src/store/mod.ts";
import { addressOf } from "../support/arbitraries.ts";
import { addTo, draft } from "../support/message.ts";
import {
  batch,
  codes,
  HERE,
  holdClock,
  refused,
  results,
  sending,
  sent,
  settings,
  TestStore,
  whole,
} from "./support.ts";

const ALICE = `@alice@${HERE}`;
const BOB = `@bob@${HERE}`;
const KEY = addressOf(ALICE).key;
const FROM = "@carol@far.example";
const DAY = 24 * 3600;

function limited(limits: UserLimits): Promise<TestStore> {
  return TestStore.open([{ address: ALICE, limits }, BOB]);
}

Deno.test("S5 ten messages at once against a limit of three: three are taken", async () => {
  await using store = await limited({ recv_messages: 3 });
  const messages = Array.from({ length: 10 }, () => draft({ from: FROM, to: [ALICE, BOB] }));
  const outcomes = await store.group(...messages.map(whole));
  const expected = messages.map((_, i) => i < 3 ? [200, 200] : [101, 200]);
  assert.deepEqual(results(outcomes), expected);
  assert.equal(store.received(addressOf(ALICE)).length, 3);
  store.audit();
});

Deno.test("S5 a limit on bytes is met exactly, and compressed data counts expanded", async () => {
  await using store = await limited({ recv_bytes: 1000 });
  const body = (length: number) => draft({ from: FROM, to: [ALICE], body: "x".repeat(length) });
  const attachments = [{ filename: "a", body: "y".repeat(100), compress: true }];
  const data = { body: "x".repeat(600), compress: true };
  assert.deepEqual(codes(await store.accept(body(300))), [200]);
  assert.deepEqual(
    codes(await store.accept(draft({ from: FROM, to: [ALICE], ...data, attachments }))),
    [200],
  );
  assert.deepEqual(codes(await store.accept(body(1))), [101]);
  assert.deepEqual(codes(await store.accept(body(0))), [200]);
  store.audit();
});

Deno.test("S5 a limit for each message looks at its expanded size", async () => {
  await using store = await limited({ recv_bytes_per_message: 100, send_bytes_per_message: 50 });
  const of = (length: number) =>
    draft({ from: FROM, to: [ALICE], body: "x".repeat(length), compress: true });
  assert.deepEqual(codes(await store.accept(of(100))), [200]);
  assert.deepEqual(codes(await store.accept(of(101))), [101]);

  sent(await store.send({ from: ALICE, to: [BOB], body: "x".repeat(50) }));
  const problem = refused(await store.send({ from: ALICE, to: [BOB], body: "x".repeat(51) }));
  assert.equal(problem.reason, "over quota");
  assert.match(problem.message, /51 bytes.*send_bytes_per_message is 50/);
});

Deno.test("S5 limits for a day look at the last 24 hours, and forget", async () => {
  using clock = holdClock();
  await using store = await limited({ recv_messages_per_day: 2, recv_bytes_per_day: 25 });
  const arrive = async (length: number) =>
    codes(await store.accept(draft({ from: FROM, to: [ALICE], body: "x".repeat(length) })))[0];

  assert.equal(await arrive(20), 200);
  assert.equal(await arrive(6), 101, "too many bytes");
  assert.equal(await arrive(5), 200);
  assert.equal(await arrive(0), 101, "too many messages");
  clock.at += DAY - 120;
  assert.equal(await arrive(0), 101);
  await store.reopen();
  assert.equal(await arrive(0), 101, "a restart forgets nothing");
  clock.at += 180;
  assert.equal(await arrive(25), 200);
  const usage = store.read((mailbox) => mailbox.user(KEY))?.usage;
  assert.equal(usage?.recv_messages, 3);
  assert.equal(usage?.recv_messages_day, 1);
  assert.equal(usage?.recv_bytes_day, 25);
});

Deno.test("S5 usage older than a day is dropped from the store", async () => {
  using clock = holdClock();
  await using store = await limited({});
  await store.accept(draft({ from: FROM, to: [ALICE] }));
  clock.at += 2 * DAY;
  await store.accept(draft({ from: FROM, to: [ALICE] }));
  assert.equal(store.rows("SELECT * FROM usage WHERE key = ?", KEY).length, 1);
});

Deno.test("S5 limits on sending count messages and bytes, of batches too", async () => {
  await using store = await limited({ send_messages_per_day: 3, send_bytes: 100 });
  const { id } = sent(await store.send({ from: ALICE, to: [FROM], body: "x".repeat(40) }));
  sent(await store.addTo(id, ALICE, "@dora@far.example"));
  assert.equal(
    refused(await store.addTo(id, ALICE, "@eve@far.example")).reason,
    "over quota",
    "40 more bytes are too many",
  );
  assert.equal(
    refused(await store.send({ from: ALICE, to: [FROM], body: "x".repeat(21) })).reason,
    "over quota",
  );
  sent(await store.send({ from: ALICE, to: [FROM], body: "x".repeat(20) }));
  const problem = refused(await store.send({ from: ALICE, to: [FROM] }));
  assert.equal(problem.reason, "over quota");
  assert.match(problem.message, /fmsg user show @alice@here\.example/);
  store.audit();
});

Deno.test("S5 sending at once does not slip past a limit", async () => {
  await using store = await limited({ send_messages_per_day: 2 });
  const one = () => sending({ from: ALICE, to: [FROM, BOB] });
  const outcomes = await store.group(one(), one(), one(), one());
  assert.deepEqual(results(outcomes), ["sent", "sent", "over quota", "over quota"]);
  store.audit();
});

Deno.test("S5 what is sent to oneself counts on both sides, and meets both limits", async () => {
  await using store = await limited({ recv_messages: 1 });
  const first = sent(await store.send({ from: ALICE, to: [ALICE], body: "note" }));
  const second = sent(await store.send({ from: ALICE, to: [ALICE], body: "note" }));
  assert.deepEqual(store.delivery(first.id), { [ALICE]: "local 200" });
  assert.deepEqual(store.delivery(second.id), { [ALICE]: "failed 101" });
  store.audit();
});

Deno.test("S5 a batch on a stored original meets the limits, also several at once", async () => {
  await using store = await limited({ recv_messages: 2 });
  const original = draft({ from: FROM, to: [BOB], body: "see this" });
  await store.accept(original);
  await store.accept(draft({ from: FROM, to: [ALICE] }));
  const other = draft({ from: FROM, to: [BOB], body: "and this" });
  await store.accept(other);
  const add = { from: FROM, to: [ALICE] };
  const outcomes = await store.group(batch(addTo(original, add)), batch(addTo(other, add)));
  assert.deepEqual(results(outcomes), [[103, 200], [103, 101]]);
  store.audit();
});

Deno.test("S5 a user's own limit stands in place of the host's, and null is none", async () => {
  await using store = await TestStore.open([
    { address: ALICE, limits: { recv_messages: null } },
    BOB,
  ]);
  const quota = { ...settings().quota, recv_messages: 1 };
  store.configure({ quota });
  const arrive = async () => codes(await store.accept(draft({ from: FROM, to: [ALICE, BOB] })));
  assert.deepEqual(await arrive(), [200, 200]);
  assert.deepEqual(await arrive(), [200, 101]);
  await store.writer.submit("setUser", { key: addressOf(BOB).key, limits: { recv_messages: 2 } });
  assert.deepEqual(await arrive(), [200, 200]);
  assert.deepEqual(await arrive(), [200, 101]);
});

Deno.test("a user is added once, changed, shown and removed", async () => {
  await using store = await TestStore.open([{ address: ALICE, name: "Alice" }]);
  assert.equal(
    await store.writer.submit("addUser", {
      address: ALICE.toUpperCase(),
      name: "Other",
      accepting: true,
      limits: {},
    }),
    false,
    "the address is taken, however it is spelled",
  );
  await store.writer.submit("setUser", { key: KEY, limits: { recv_bytes: 9 } });
  await store.writer.submit("setUser", { key: KEY, accepting: false, limits: { send_bytes: 8 } });
  const user = store.read((mailbox) => mailbox.user(KEY));
  assert.equal(user?.name, "Alice");
  assert.equal(user?.address, ALICE);
  assert.equal(user?.accepting, false);
  assert.deepEqual(user?.limits, { recv_bytes: 9, send_bytes: 8 });
  assert.equal(store.read((mailbox) => mailbox.users()).length, 1);
  assert.equal(await store.writer.submit("removeUser", { key: KEY }), true);
  assert.equal(await store.writer.submit("removeUser", { key: KEY }), false);
  assert.equal(await store.writer.submit("setUser", { key: KEY, name: "Gone" }), false);
  assert.equal(store.read((mailbox) => mailbox.user(KEY)), null);
});
