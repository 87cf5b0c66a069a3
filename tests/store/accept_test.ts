// Messages from other hosts: the verdict for each recipient, and what is stored of them.

import assert from "node:assert/strict";
import { hex } from "../../src/wire/mod.ts";
import { addressOf } from "../support/arbitraries.ts";
import { draft, noise, replyTo } from "../support/message.ts";
import { codes, HERE, results, TestStore, whole } from "./support.ts";

const ALICE = `@alice@${HERE}`;
const BOB = `@bob@${HERE}`;
const NOBODY = `@nobody@${HERE}`;
const AWAY = { address: `@away@${HERE}`, accepting: false };
const FULL = { address: `@full@${HERE}`, limits: { recv_messages: 0 } };
const FROM = "@carol@far.example";

Deno.test("P3 each recipient here gets a code, in the order of to and with nobody else's", async () => {
  await using store = await TestStore.open([ALICE, BOB, AWAY, FULL]);
  const to = [AWAY.address, "@x@far.example", BOB, NOBODY, FULL.address, "@y@other.example", ALICE];
  const message = draft({ from: FROM, to, body: "hello" });

  assert.deepEqual(codes(await store.accept(message)), [102, 200, 100, 101, 200]);
  const id = store.idOf(message);
  assert.deepEqual(store.delivery(id), {
    [AWAY.address]: "failed 102",
    [BOB]: "local 200",
    [NOBODY]: "failed 100",
    [FULL.address]: "failed 101",
    [ALICE]: "local 200",
  });
  assert.match(store.deliveryTo(id, FULL.address).reason ?? "", /user full \(101\)/);
  store.audit();
});

Deno.test("P3 the reasons come in the order of the specification: had it, unknown, full, not accepting", async () => {
  await using store = await TestStore.open([
    ALICE,
    { address: BOB, accepting: false, limits: { recv_messages: 0 } },
  ]);
  assert.deepEqual(codes(await store.accept(draft({ from: FROM, to: [BOB] }))), [101]);

  const message = draft({ from: FROM, to: [ALICE] });
  await store.accept(message);
  await store.writer.submit("setUser", {
    key: addressOf(ALICE).key,
    accepting: false,
    limits: { recv_messages: 0 },
  });
  assert.deepEqual(codes(await store.accept(message)), [103]);
  await store.writer.submit("removeUser", { key: addressOf(ALICE).key });
  assert.deepEqual(codes(await store.accept(message)), [103]);
});

Deno.test("P3 a recipient is known however the address is spelled", async () => {
  await using store = await TestStore.open([`@straße@${HERE}`]);
  const message = draft({ from: FROM, to: [`@STRASSE@${HERE.toUpperCase()}`] });
  assert.deepEqual(codes(await store.accept(message)), [200]);
  assert.deepEqual(store.received(addressOf(`@straße@${HERE}`)), [store.idOf(message)]);
});

Deno.test("P3 where users are not disclosed, 105 stands for 100 to 102, and for nothing else", async () => {
  await using store = await TestStore.open([ALICE, BOB, AWAY, FULL], { discloseUsers: false });
  const message = draft({ from: FROM, to: [ALICE, AWAY.address, NOBODY, FULL.address] });
  assert.deepEqual(codes(await store.accept(message)), [200, 105, 105, 105]);
  assert.deepEqual(codes(await store.accept(message)), [103, 105, 105, 105]);

  const delivery = store.delivery(store.idOf(message));
  assert.equal(delivery[AWAY.address], "failed 102", "the operator sees the reason");
});

Deno.test("P5 a message that is kept for nobody is not stored, small or large", async () => {
  await using store = await TestStore.open([AWAY]);
  for (const length of [0, 10, 200_000]) {
    const message = draft({ from: FROM, to: [AWAY.address, NOBODY], body: noise(length) });
    assert.deepEqual(codes(await store.accept(message)), [102, 100]);
  }
  for (const table of ["message", "recipient", "content", "chunk"]) {
    assert.equal(store.count(table), 0, table);
  }
});

Deno.test("P5 a message that is kept for one is stored whole, with every address of its header", async () => {
  await using store = await TestStore.open([ALICE]);
  const to = ["@Dora@far.example", NOBODY, ALICE, "@eve@other.example"];
  const message = draft({
    from: FROM,
    to,
    body: "the body",
    topic: "Plans",
    important: true,
    noReply: true,
    attachments: [
      { filename: "a.txt", body: "first" },
      { filename: "b.txt", body: "second ".repeat(100), compress: true },
    ],
  });
  await store.accept(message);

  const stored = store.readAsHost((reader) => reader.stored(message.hash));
  assert.deepEqual(stored?.header.to.map(({ text }) => text), to);
  const view = store.read((mailbox) => mailbox.message(store.idOf(message)));
  assert.deepEqual(view && { ...view, delivery: [] }, {
    id: store.idOf(message),
    hash: hex(message.hash),
    pid: null,
    from: FROM,
    to,
    add_to: [],
    time: stored?.header.time,
    topic: "Plans",
    type: "text/plain;charset=UTF-8",
    size: 8,
    important: true,
    no_reply: true,
    attachments: [
      { filename: "a.txt", type: "text/plain;charset=UTF-8", size: 5 },
      { filename: "b.txt", type: "text/plain;charset=UTF-8", size: 700 },
    ],
    delivery: [],
  });
  store.audit();
});

Deno.test("P6 the exact header bytes are kept, and every hash comes out of the store, also after a restart", async () => {
  await using store = await TestStore.open([ALICE]);
  // A type that is spelled out although it has a number is another header, and another hash.
  const type = new TextEncoder().encode("text/plain;charset=UTF-8");
  const messages = [
    draft({ from: FROM, to: [ALICE], body: "plain" }),
    draft({ from: FROM, to: [ALICE], body: "spelled out", type }),
    draft({ from: FROM, to: [ALICE], body: "deflated ".repeat(20_000), compress: true }),
    draft({ from: FROM, to: [ALICE], body: noise(150_000), time: 1.5 }),
    draft({ from: FROM, to: [ALICE], attachments: [{ filename: "empty", compress: true }] }),
  ];
  for (const message of messages) assert.deepEqual(codes(await store.accept(message)), [200]);
  await store.reopen();

  store.audit();
  for (const { header, hash, headerHash } of messages) {
    const [row] = store.rows("SELECT header, header_hash FROM message WHERE hash = ?", hash);
    assert.equal(row?.blob("header").toHex(), header.toHex());
    assert.equal(row?.blob("header_hash").toHex(), headerHash.toHex());
  }
});

Deno.test("P7 the same message again: 103 for those who have it, 200 for those who do not", async () => {
  await using store = await TestStore.open([ALICE, AWAY]);
  const message = draft({ from: FROM, to: [ALICE, AWAY.address, BOB] });
  assert.deepEqual(codes(await store.accept(message)), [200, 102, 100]);

  await store.addUser(BOB);
  await store.writer.submit("setUser", { key: addressOf(AWAY.address).key, accepting: true });
  assert.deepEqual(codes(await store.accept(message)), [103, 200, 200]);
  assert.deepEqual(codes(await store.accept(message)), [103, 103, 103]);

  assert.equal(store.count("message"), 1);
  assert.equal(store.count("content"), 1);
  const id = store.idOf(message);
  assert.deepEqual(store.delivery(id), {
    [ALICE]: "local 200",
    [AWAY.address]: "local 200",
    [BOB]: "local 200",
  });
  assert.equal(store.deliveryTo(id, BOB).reason, null, "the earlier reason is gone");
  store.audit();
});

Deno.test("P7 a repeat that is large leaves nothing behind", async () => {
  await using store = await TestStore.open([ALICE, BOB]);
  const message = draft({ from: FROM, to: [ALICE], body: noise(300_000) });
  assert.deepEqual(codes(await store.accept(message)), [200]);
  assert.deepEqual(codes(await store.accept(message)), [103]);
  store.audit();
});

Deno.test("P7 two copies that arrive at once: one is taken, the other is a duplicate", async () => {
  await using store = await TestStore.open([ALICE, BOB]);
  const message = draft({ from: FROM, to: [ALICE, BOB], body: "once" });
  const outcomes = await store.group(whole(message), whole(message), whole(message));
  assert.deepEqual(results(outcomes), [[200, 200], [103, 103], [103, 103]]);
  assert.equal(store.count("message"), 1);
  store.audit();
});

Deno.test("the host finds what is stored by its hash, and for whom", async () => {
  await using store = await TestStore.open([ALICE, BOB]);
  const message = draft({ from: FROM, to: [ALICE, BOB, NOBODY] });
  await store.accept(message);
  const other = draft({ from: FROM, to: [ALICE] });
  const keys = (...texts: string[]) => texts.map((text) => addressOf(text).key);
  store.readAsHost((reader) => {
    assert.equal(reader.stored(other.hash), null);
    assert.equal(reader.heldByAll(message.hash, keys(ALICE, BOB)), true);
    assert.equal(reader.heldByAll(message.hash, keys(ALICE, NOBODY)), false);
    assert.equal(reader.heldByAll(other.hash, keys(ALICE)), false);
    assert.equal(reader.recordedBatch(message.headerHash), null, "it is no batch");
  });
});

Deno.test("C1 a thread has participated once a message of it is from here", async () => {
  await using store = await TestStore.open([ALICE, BOB]);
  const first = draft({ from: FROM, to: [ALICE, BOB] });
  await store.accept(first);
  const answer = await store.send({
    from: ALICE,
    to: [FROM],
    start: { replyTo: store.idOf(first) },
  });
  if (answer.kind !== "sent") assert.fail(answer.message);
  const second = replyTo({ ...first, hash: answer.hash }, { from: FROM, to: [ALICE] });
  await store.accept(second);
  const stranger = replyTo(first, { from: FROM, to: [BOB] });
  await store.accept(stranger);

  store.readAsHost((reader) => {
    const participated = [first.hash, answer.hash, second.hash, stranger.hash]
      .map((hash) => reader.stored(hash)?.participated);
    assert.deepEqual(participated, [false, true, true, false]);
  });
});

Deno.test("an accept without its hash, or with content of another size, stores nothing", async () => {
  await using store = await TestStore.open([ALICE]);
  const message = draft({ from: FROM, to: [ALICE], body: "all of it" });
  const short = { ...message, payload: message.payload.subarray(1) };
  const [outcome] = await store.group(whole(short));
  assert.equal(outcome?.ok, false);
  const unhashed = whole(message);
  if (unhashed.name !== "accept") assert.fail();
  const [second] = await store.group({
    name: "accept",
    input: { ...unhashed.input, messageHash: null },
  });
  assert.equal(second?.ok, false);
  assert.equal(store.count("message"), 0);
  store.audit();
});
