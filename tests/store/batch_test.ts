// Batches of added recipients from other hosts, on an original that is stored (codes 65, 11 and 10).

import assert from "node:assert/strict";
import { hex } from "../../src/wire/mod.ts";
import { addressOf } from "../support/arbitraries.ts";
import { addTo, draft, type Message, noise } from "../support/message.ts";
import { batch, codes, HERE, results, sent, TestStore, whole } from "./support.ts";

const ALICE = `@alice@${HERE}`;
const BOB = `@bob@${HERE}`;
const CHRIS = `@chris@${HERE}`;
const AWAY = { address: `@away@${HERE}`, accepting: false };
const NOBODY = `@nobody@${HERE}`;
const FROM = "@carol@far.example";
const DORA = "@dora@far.example";

async function storeWith(original: Message): Promise<TestStore> {
  const store = await TestStore.open([ALICE, BOB, CHRIS, AWAY]);
  await store.accept(original);
  return store;
}

Deno.test("P3 of a batch, those in to who hold the original get 103, and the added ones their verdict", async () => {
  const original = draft({ from: FROM, to: [BOB, DORA, ALICE], body: "all of it" });
  await using store = await storeWith(original);
  const added = addTo(original, {
    from: DORA,
    to: [NOBODY, "@eve@far.example", CHRIS, AWAY.address],
  });
  assert.deepEqual(codes(await store.acceptBatch(added)), [103, 103, 100, 200, 102]);

  const id = store.idOf(original);
  assert.deepEqual(store.received(addressOf(CHRIS)), [id], "it is listed under its original");
  const view = store.read((mailbox) => mailbox.message(store.idOf(added)));
  assert.equal(view?.id, id);
  assert.equal(view?.hash, hex(original.hash));
  assert.deepEqual(view?.add_to, [{
    batch_id: store.idOf(added),
    hash: hex(added.hash),
    from: DORA,
    to: [NOBODY, "@eve@far.example", CHRIS, AWAY.address],
    time: view?.add_to[0]?.time,
  }]);
  assert.equal(store.count("content"), 1, "the content is shared");
  const rows = store.rows("SELECT key FROM recipient WHERE message = ?", store.idOf(added));
  assert.deepEqual(rows.map((row) => row.text("key")), [NOBODY, CHRIS, AWAY.address]);
  store.audit();
});

Deno.test("P3 someone in to who is added again gets 200 at the add-to place", async () => {
  const original = draft({ from: FROM, to: [ALICE], body: "again" });
  await using store = await storeWith(original);
  const added = addTo(original, { from: FROM, to: [ALICE] });
  assert.deepEqual(codes(await store.acceptBatch(added)), [103, 200]);
  assert.deepEqual(store.received(addressOf(ALICE)), [store.idOf(original)], "and sees it once");
  store.audit();
});

Deno.test("P3 someone in to who does not hold the original gets 200 at that place, and 103 at the next", async () => {
  const original = draft({ from: FROM, to: [ALICE, NOBODY] });
  await using store = await storeWith(original);
  await store.addUser(NOBODY);
  const added = addTo(original, { from: FROM, to: [NOBODY] });
  assert.deepEqual(codes(await store.acceptBatch(added)), [103, 200, 103]);
  assert.deepEqual(store.received(addressOf(NOBODY)), [store.idOf(original)]);
  store.audit();
});

Deno.test("P3 someone who holds another batch on the original gets 103", async () => {
  const original = draft({ from: FROM, to: [DORA, ALICE] });
  await using store = await storeWith(original);
  const first = addTo(original, { from: FROM, to: [BOB] });
  const second = addTo(original, { from: DORA, to: [BOB, CHRIS] });
  assert.deepEqual(codes(await store.acceptBatch(first)), [103, 200]);
  assert.deepEqual(codes(await store.acceptBatch(second)), [103, 103, 200]);
  store.audit();
});

Deno.test("B1 a recorded batch is found by its header; of two copies at once one is taken", async () => {
  const original = draft({ from: FROM, to: [ALICE] });
  await using store = await storeWith(original);
  const added = addTo(original, { from: FROM, to: [BOB] });
  assert.equal(store.readAsHost((reader) => reader.recordedBatch(added.headerHash)), null);
  const outcomes = await store.group(batch(added), batch(added));
  // Behind 65 there are codes for recipients and nothing else; 10 is for the copy that comes later.
  assert.deepEqual(results(outcomes), [[103, 200], [103, 103]]);
  const recorded = store.readAsHost((reader) => reader.recordedBatch(added.headerHash));
  assert.equal(recorded?.toHex(), added.hash.toHex());
  store.audit();
});

Deno.test("B2 a batch that nobody here takes is not recorded", async () => {
  const original = draft({ from: FROM, to: [ALICE] });
  await using store = await storeWith(original);
  const added = addTo(original, { from: FROM, to: [NOBODY, AWAY.address] });
  assert.deepEqual(codes(await store.acceptBatch(added)), [103, 100, 102]);
  assert.equal(store.count("message"), 1);
  assert.equal(store.readAsHost((reader) => reader.stored(added.hash)), null);
  store.audit();
});

Deno.test("B3 a batch that adds nobody here is recorded, and its hash can be a pid", async () => {
  const original = draft({ from: FROM, to: [ALICE], body: "11".repeat(50_000) });
  await using store = await storeWith(original);
  const added = addTo(original, { from: FROM, to: [DORA] });
  assert.deepEqual(await store.acceptBatch(added), { kind: "recorded" });

  const stored = store.readAsHost((reader) => reader.stored(added.hash));
  assert.deepEqual(stored?.header.addTo?.to.map(({ text }) => text), [DORA]);
  assert.deepEqual(store.delivery(store.idOf(original)), { [ALICE]: "local 200" });
  store.audit();
});

Deno.test("B3 a batch on what was sent from here is recorded under it", async () => {
  await using store = await TestStore.open([ALICE]);
  const { id, hash } = sent(await store.send({ from: ALICE, to: [FROM], body: "mine" }));
  const original = { ...draft({ from: ALICE, to: [FROM], body: "mine" }), hash };
  const added = addTo(original, { from: FROM, to: [DORA] });
  assert.equal((await store.acceptBatch(added)).kind, "recorded");
  const view = store.read((mailbox) => mailbox.message(id));
  assert.deepEqual(view?.add_to.map(({ from, to }) => ({ from, to })), [{
    from: FROM,
    to: [DORA],
  }]);
  assert.deepEqual(store.delivery(id), { [FROM]: "pending" }, "whose recipients are theirs");
  store.audit();
});

Deno.test("B4 several batches on one message, each with its own hash, all in one group", async () => {
  const original = draft({ from: FROM, to: [ALICE, DORA], body: noise(70_000), compress: true });
  await using store = await storeWith(original);
  const batches = [BOB, CHRIS, NOBODY, "@eve@far.example"].map((to, i) =>
    addTo(original, { from: i % 2 === 0 ? FROM : DORA, to: [to] })
  );
  const outcomes = await store.group(...batches.map(batch));
  assert.deepEqual(results(outcomes), [[103, 200], [103, 200], [103, 100], "recorded"]);
  const view = store.read((mailbox) => mailbox.message(store.idOf(original)));
  const stored = batches.filter((_, i) => i !== 2);
  assert.deepEqual(view?.add_to.map(({ hash }) => hash), stored.map(({ hash }) => hex(hash)));
  await store.reopen();
  store.audit();
});

Deno.test("P6 a batch with another compression than its original has the hash of its own header and the content", async () => {
  const original = draft({
    from: FROM,
    to: [ALICE],
    body: "the same ".repeat(9000),
    compress: true,
  });
  await using store = await storeWith(original);
  const added = addTo(original, { from: FROM, to: [BOB] }, { compress: false });
  assert.deepEqual(codes(await store.acceptBatch(added)), [103, 200]);
  assert.equal(store.count("content"), 1);
  assert.ok(store.readAsHost((reader) => reader.stored(added.hash)) !== null);
  store.audit();
});

Deno.test("C4 a batch whose challenge was answered with another hash is not stored", async () => {
  const original = draft({ from: FROM, to: [ALICE] });
  await using store = await storeWith(original);
  for (const to of [BOB, DORA]) {
    const added = addTo(original, { from: FROM, to: [to] });
    assert.deepEqual(await store.acceptBatch(added, original.hash), { kind: "wrong answer" });
    assert.equal(store.readAsHost((reader) => reader.recordedBatch(added.headerHash)), null);
    await store.acceptBatch(added, added.hash);
    assert.notEqual(store.readAsHost((reader) => reader.recordedBatch(added.headerHash)), null);
    assert.deepEqual(
      await store.acceptBatch(added, original.hash),
      { kind: "wrong answer" },
      "a liar does not learn that it is recorded",
    );
  }
  store.audit();
});

Deno.test("R5 a forged batch that does not repeat the original is refused, and opens it to nobody", async () => {
  const fields = {
    from: FROM,
    to: [ALICE, DORA],
    body: "secret",
    attachments: [{ filename: "plan.txt", body: "x" }],
  };
  const original = draft(fields);
  await using store = await storeWith(original);
  const add = { from: "@mallory@evil.example", to: [BOB] };
  const forgeries = [
    addTo(original, add, { from: "@mallory@evil.example" }),
    addTo(original, add, { to: [ALICE, "@mallory@evil.example"] }),
    addTo(original, add, { to: [DORA, ALICE] }),
    addTo(original, add, { to: [ALICE] }),
    addTo(original, add, { type: "text/html" }),
    addTo(original, add, { body: "longer than it" }),
    addTo(original, add, { attachments: [] }),
    addTo(original, add, { attachments: [{ filename: "plan.md", body: "x" }] }),
    addTo(original, add, { attachments: [{ filename: "plan.txt", body: "xx" }] }),
  ];
  const outcomes = await store.group(...forgeries.map(batch));
  assert.deepEqual(results(outcomes), forgeries.map(() => "gone"));
  assert.deepEqual(store.received(addressOf(BOB)), []);
  assert.equal(store.count("message"), 1);
});

Deno.test("a batch on nothing, on another batch, or on an original that is gone stores nothing", async () => {
  const original = draft({ from: FROM, to: [ALICE] });
  await using store = await storeWith(original);
  const first = addTo(original, { from: FROM, to: [BOB] });
  await store.acceptBatch(first);
  const chained = addTo({ ...original, hash: first.hash }, { from: FROM, to: [CHRIS] });
  const orphan = addTo(draft({ from: FROM, to: [ALICE] }), { from: FROM, to: [CHRIS] });
  const outcomes = await store.group(batch(chained), batch(orphan));
  assert.deepEqual(results(outcomes), ["gone", "gone"]);
  assert.equal(store.count("message"), 2);
  store.audit();
});

Deno.test("B2 an original and a batch on it that come in one group are both stored", async () => {
  await using store = await TestStore.open([ALICE, BOB]);
  const original = draft({ from: FROM, to: [ALICE] });
  const added = addTo(original, { from: FROM, to: [BOB] });
  // The host judged the batch before the original was committed, so it comes with its content.
  assert.deepEqual(results(await store.group(whole(original), whole(added))), [[200], [103, 200]]);
  assert.deepEqual(store.received(addressOf(BOB)), [store.idOf(original)]);
  assert.equal(store.count("content"), 1);
  store.audit();
});

Deno.test("S3 the batches on a message are counted up to a bound", async () => {
  const original = draft({ from: FROM, to: [ALICE] });
  await using store = await storeWith(original);
  const counted = (most: number): number =>
    store.readAsHost((reader) => reader.batchesOn(original.hash, most));
  assert.equal(counted(3), 0);
  for (const name of ["one", "two", "three"]) {
    await store.acceptBatch(addTo(original, { from: FROM, to: [`@${name}@far.example`] }));
  }
  assert.deepEqual([counted(2), counted(3), counted(100)], [2, 3, 3]);
});
