// A batch that comes before its original is a message of its own, until the original comes (row B7).

import assert from "node:assert/strict";
import { hex } from "../../src/wire/mod.ts";
import { addressOf } from "../support/arbitraries.ts";
import { addTo, draft, type Message, noise, replyTo } from "../support/message.ts";
import {
  codes,
  HERE,
  refused,
  results,
  sent,
  TestStore,
  watchStatements,
  whole,
} from "./support.ts";

const ALICE = `@alice@${HERE}`;
const BOB = `@bob@${HERE}`;
const CHRIS = `@chris@${HERE}`;
const FROM = "@carol@far.example";
const DORA = "@dora@far.example";
const MALLORY = "@mallory@evil.example";

/** A message to Alice and Dora, and a batch on it that adds Bob. */
function originalAndBatch(
  body: string | Uint8Array = "the body",
): { original: Message; added: Message } {
  const original = draft({ from: FROM, to: [ALICE, DORA], body });
  return { original, added: addTo(original, { from: DORA, to: [BOB] }) };
}

function users(): Promise<TestStore> {
  return TestStore.open([ALICE, BOB, CHRIS]);
}

Deno.test("B7 a batch whose original is not here is a message of its own, with its content", async () => {
  await using store = await users();
  const { original, added } = originalAndBatch();
  assert.deepEqual(codes(await store.accept(added)), [200, 200], "Alice's place is hers too");

  const id = store.idOf(added);
  assert.deepEqual(store.received(addressOf(BOB)), [id]);
  assert.deepEqual(store.received(addressOf(ALICE)), [id]);
  const view = store.read((mailbox) => mailbox.message(id));
  assert.equal(view?.hash, hex(added.hash));
  assert.equal(view?.pid, hex(original.hash));
  assert.deepEqual(view?.add_to.map(({ batch_id, to }) => ({ batch_id, to })), [
    { batch_id: id, to: [BOB] },
  ]);
  assert.equal(store.readAsHost((reader) => reader.stored(original.hash)), null);
  assert.equal(
    store.readAsHost((reader) => reader.recordedBatch(added.headerHash))?.toHex(),
    added.hash.toHex(),
  );
  assert.deepEqual(codes(await store.accept(added)), [103, 103], "again");
  store.audit();
});

for (const [size, body] of [["small", "the body"], ["large", noise(200_000)]] as const) {
  Deno.test(`B7 when the original of a ${size} batch comes, it is stored too, and the batch is listed under it`, async () => {
    await using store = await users();
    const { original, added } = originalAndBatch(body);
    await store.accept(added);
    assert.deepEqual(codes(await store.accept(original)), [200]);

    const id = store.idOf(original);
    const view = store.read((mailbox) => mailbox.message(store.idOf(added)));
    assert.equal(view?.id, id);
    assert.deepEqual(view?.add_to.map(({ hash }) => hash), [hex(added.hash)]);
    assert.deepEqual(store.received(addressOf(BOB)), [id], "Bob finds it there");
    assert.deepEqual(store.received(addressOf(ALICE)), [id], "Alice finds it once");
    assert.equal(store.count("content"), 1, "the content is shared");
    store.audit();
    await store.reopen();
    store.audit();
    assert.deepEqual(codes(await store.accept(original)), [103]);
    assert.deepEqual(codes(await store.acceptBatch(added)), [103, 103]);
  });
}

Deno.test("B7 a compressed original takes the place of a batch's uncompressed content", async () => {
  await using store = await users();
  const original = draft({
    from: FROM,
    to: [ALICE],
    body: "twice ".repeat(50_000),
    compress: true,
  });
  const added = addTo(original, { from: FROM, to: [BOB] }, { compress: false });
  await store.accept(added);
  await store.accept(original);
  assert.equal(store.count("content"), 1);
  assert.deepEqual(store.received(addressOf(BOB)), [store.idOf(original)]);
  store.audit();
});

Deno.test("B7 several early batches are all listed under the original, also when all come at once", async () => {
  await using store = await users();
  const { original, added } = originalAndBatch();
  const other = addTo(original, { from: FROM, to: [CHRIS] });
  const outcomes = await store.group(whole(added), whole(original), whole(other), whole(added));
  assert.deepEqual(results(outcomes), [[200, 200], [200], [103, 200], [103, 103]]);
  const view = store.read((mailbox) => mailbox.message(store.idOf(original)));
  assert.deepEqual(view?.add_to.map(({ hash }) => hash), [hex(added.hash), hex(other.hash)]);
  assert.equal(store.count("content"), 1);
  store.audit();
});

Deno.test("B7 a linked batch that comes whole once more is taken by those who lack it, and listed once", async () => {
  await using store = await TestStore.open([BOB, CHRIS]);
  const original = draft({ from: FROM, to: [ALICE, CHRIS] });
  const added = addTo(original, { from: FROM, to: [BOB, ALICE] });
  assert.deepEqual(codes(await store.accept(added)), [100, 200, 200, 100]);
  assert.deepEqual(codes(await store.accept(original)), [100, 200]);
  await store.addUser(ALICE);
  assert.deepEqual(codes(await store.accept(original)), [200, 103]);
  assert.deepEqual(codes(await store.accept(added)), [103, 103, 103, 200]);
  assert.deepEqual(store.received(addressOf(ALICE)), [store.idOf(original)]);
  store.audit();
});

Deno.test("B7 a link that the disk did not take fails nobody's message, and is made up for", async () => {
  await using store = await users();
  const { original, added } = originalAndBatch();
  await store.accept(added);
  const linked = (at: TestStore) =>
    at.read((mailbox) => mailbox.message(at.idOf(added)))?.id === at.idOf(original);
  {
    using _broken = watchStatements((sql) => {
      if (sql.startsWith("UPDATE message SET original")) throw new Error("disk I/O error");
    });
    assert.deepEqual(codes(await store.accept(original)), [200]);
  }
  assert.equal(linked(store), false);

  // As the disk is when the process dies between the commit and the link.
  await using crashed = store.crash();
  await crashed.group();
  assert.equal(linked(crashed), true, "after a crash");
  crashed.audit();

  await store.accept(draft({ from: FROM, to: [CHRIS] }));
  assert.equal(linked(store), true, "with the next commit");
  store.audit();
});

Deno.test("B7 a linked batch knows that the thread was taken part in", async () => {
  await using store = await users();
  const mine = sent(await store.send({ from: ALICE, to: [FROM] }));
  const reply = replyTo({ fields: { from: ALICE, to: [FROM] }, hash: mine.hash }, {
    from: FROM,
    to: [ALICE],
  });
  const added = addTo(reply, { from: FROM, to: [BOB] });
  await store.accept(added);
  assert.equal(store.readAsHost((reader) => reader.stored(added.hash))?.participated, false);
  await store.accept(reply);
  assert.equal(store.readAsHost((reader) => reader.stored(added.hash))?.participated, true);
});

/** Early batches that pretend to be on `original`. */
function forgeries(original: Message): Message[] {
  return [
    addTo(original, { from: MALLORY, to: [BOB] }, { from: MALLORY }),
    addTo(original, { from: MALLORY, to: [BOB] }, { to: [ALICE, MALLORY] }),
    addTo(original, { from: FROM, to: [BOB] }, { body: "THE BODY" }),
    addTo(original, { from: FROM, to: [BOB] }, { type: "text/html" }),
  ];
}

Deno.test("B7 a forged early batch is not linked, and opens the original to nobody", async () => {
  const { original } = originalAndBatch();
  for (const forged of forgeries(original)) {
    await using store = await users();
    await store.accept(forged);
    await store.accept(original);
    const id = store.idOf(original);
    assert.deepEqual(store.received(addressOf(BOB)), [store.idOf(forged)]);
    assert.deepEqual(store.read((mailbox) => mailbox.message(id))?.add_to, []);
    assert.equal(
      store.read((mailbox) => mailbox.message(store.idOf(forged)))?.hash,
      hex(forged.hash),
    );
    store.audit();
    await store.reopen();
    await store.group();
    assert.deepEqual(store.received(addressOf(BOB)), [store.idOf(forged)], "nor after a restart");
  }
});

Deno.test("B7 a forged early batch does not keep a true one from those it names", async () => {
  const { original, added } = originalAndBatch();
  for (const forged of forgeries(original)) {
    await using store = await users();
    await store.accept(forged);
    assert.deepEqual(codes(await store.accept(original)), [200]);
    assert.deepEqual(codes(await store.acceptBatch(added)), [103, 200]);
    assert.deepEqual(
      store.received(addressOf(BOB)),
      [store.idOf(original), store.idOf(forged)],
    );
    store.audit();
  }
});

Deno.test("B7 a forged early batch changes nothing for those who answer or add to the original", async () => {
  const { original } = originalAndBatch();
  const forged = addTo(original, { from: MALLORY, to: [BOB, "@eve@other.example"] }, {
    to: [ALICE, MALLORY, DORA],
  });
  await using store = await users();
  await store.accept(forged);
  await store.accept(original);
  const id = store.idOf(original);
  const answer = sent(
    await store.send({
      from: ALICE,
      to: [FROM, "@eve@other.example"],
      start: { replyTo: id },
    }),
  );
  assert.equal(pidOf(store, answer.id), hex(original.hash), "the original is the parent");
  sent(await store.addTo(id, ALICE, BOB));
  assert.equal(
    refused(await store.send({ from: CHRIS, to: [FROM], start: { replyTo: id } })).reason,
    "not a participant",
  );
});

Deno.test("B7 whoever got a forged batch can answer that, by its own hash", async () => {
  const { original } = originalAndBatch();
  const forged = addTo(original, { from: MALLORY, to: [BOB] }, { to: [MALLORY] });
  await using store = await users();
  await store.accept(forged);
  await store.accept(original);
  const start = { replyTo: store.idOf(forged) };
  const answer = sent(await store.send({ from: BOB, to: [MALLORY], start }));
  assert.equal(pidOf(store, answer.id), hex(forged.hash));
});

Deno.test("B7 an answer to an early batch goes under the batch's hash, before and after the original comes", async () => {
  await using store = await users();
  const { original, added } = originalAndBatch();
  await store.accept(added);
  const start = { replyTo: store.idOf(added) };
  const before = sent(await store.send({ from: BOB, to: [FROM], start }));
  await store.accept(original);
  const after = sent(await store.send({ from: BOB, to: [FROM], start }));
  assert.equal(pidOf(store, before.id), hex(added.hash));
  assert.equal(pidOf(store, after.id), hex(added.hash));
  const thread = store.read((mailbox) => mailbox.thread(before.id)).map(({ id }) => id);
  assert.deepEqual(thread, [store.idOf(original), before.id, after.id]);
});

Deno.test("nobody is added to a batch whose original is not here", async () => {
  await using store = await users();
  const { added } = originalAndBatch();
  await store.accept(added);
  const problem = refused(await store.addTo(store.idOf(added), BOB, CHRIS));
  assert.equal(problem.reason, "cannot be delivered");
});

function pidOf(store: TestStore, id: number): string | null | undefined {
  return store.read((mailbox) => mailbox.message(id))?.pid;
}
