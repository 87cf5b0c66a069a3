// What users are told of: the events of FMSG-003, from the commit itself (row N8).

import assert from "node:assert/strict";
import { addressOf } from "../support/arbitraries.ts";
import { addTo, draft, noise } from "../support/message.ts";
import { codes, HERE, results, sending, sent, TestStore, whole } from "./support.ts";

const ALICE = `@alice@${HERE}`;
const BOB = `@Bob@${HERE}`;
const CHRIS = `@chris@${HERE}`;
const FULL = { address: `@full@${HERE}`, limits: { recv_messages: 0 } };
const CAROL = "@carol@far.example";
const DORA = "@dora@far.example";
const EVE = "@eve@other.example";
const FAR = "far.example";

const [alice, bob, chris, full] = [ALICE, BOB, CHRIS, FULL.address].map((user) =>
  addressOf(user).key
);

function users(): Promise<TestStore> {
  return TestStore.open([ALICE, BOB, CHRIS, FULL]);
}

Deno.test("N8 new_msg: of what comes from elsewhere those here hear who took it, as one change", async () => {
  await using store = await users();
  const message = draft({ from: CAROL, to: [ALICE, FULL.address, EVE, BOB] });
  assert.deepEqual(codes(await store.accept(message)), [200, 101, 200]);
  assert.deepEqual(store.takeEvents(), [["new_msg", store.idOf(message), alice, bob]]);

  assert.deepEqual(codes(await store.accept(message)), [103, 101, 103], "again");
  assert.deepEqual(store.takeEvents(), []);
  await store.writer.submit("setUser", {
    key: full ?? "",
    limits: { recv_messages: null },
  });
  assert.deepEqual(codes(await store.accept(message)), [103, 200, 103]);
  assert.deepEqual(store.takeEvents(), [["new_msg", store.idOf(message), full]]);

  await store.accept(draft({ from: CAROL, to: [`@nobody@${HERE}`] }));
  assert.deepEqual(store.takeEvents(), [], "nobody took it");
});

Deno.test("N8 new_msg and delivered: of what is sent here recipients hear, and its sender what became of it", async () => {
  await using store = await users();
  const both = sent(await store.send({ from: ALICE, to: [BOB, CAROL, FULL.address] }));
  assert.deepEqual(store.takeEvents(), [
    ["new_msg", both.id, bob],
    ["delivered", both.id, alice],
  ]);
  const refused = sent(await store.send({ from: ALICE, to: [FULL.address] }));
  assert.deepEqual(store.takeEvents(), [["delivered", refused.id, alice]]);
  const own = sent(await store.send({ from: ALICE, to: [ALICE] }));
  assert.deepEqual(store.takeEvents(), [["new_msg", own.id, alice], ["delivered", own.id, alice]]);
  sent(await store.send({ from: ALICE, to: [CAROL] }));
  assert.deepEqual(store.takeEvents(), [], "nothing is known of Carol yet");
});

Deno.test("N8 delivered: the sender hears when what is known of a recipient changes, and only then", async () => {
  await using store = await users();
  const message = sent(await store.send({ from: ALICE, to: [CAROL, DORA] }));
  const told = [["delivered", message.id, alice]];
  await store.record(message, FAR, { kind: "failed", reason: "nobody answers" });
  assert.deepEqual(store.takeEvents(), [], "there is no code to tell of");
  await store.record(message, FAR, { kind: "codes", codes: [101, 200], lost: null });
  assert.deepEqual(store.takeEvents(), told);
  await store.record(message, FAR, { kind: "codes", codes: [101, 103], lost: null });
  assert.deepEqual(store.takeEvents(), [], "the same again");
  await store.record(message, FAR, { kind: "rejected", code: 1 });
  assert.deepEqual(store.takeEvents(), told);
  await store.record(message, FAR, { kind: "codes", codes: [100], lost: null });
  assert.deepEqual(store.takeEvents(), told, "a word for Carol alone, from an exchange beside");
  await store.record(message, FAR, { kind: "codes", codes: [100], lost: null });
  assert.deepEqual(store.takeEvents(), [], "which says it again");
  await store.record({ id: 99 }, FAR, { kind: "codes", codes: [200], lost: null });
  assert.deepEqual(store.takeEvents(), [], "there is no such message");
});

Deno.test("N8 delivered: the sender hears when a message is given up, or is cancelled", async () => {
  await using store = await TestStore.open([ALICE], { window: 0 });
  const message = sent(await store.send({ from: ALICE, to: [CAROL, EVE] }));
  await store.record(message, FAR, { kind: "failed", reason: "nobody answers" });
  assert.deepEqual(store.takeEvents(), [["delivered", message.id, alice]]);
  await store.writer.submit("cancel", { message: message.id, domain: null });
  assert.deepEqual(store.takeEvents(), [["delivered", message.id, alice]]);
  await store.writer.submit("cancel", { message: message.id, domain: null });
  assert.deepEqual(store.takeEvents(), []);
});

Deno.test("N8 delivered: what becomes of a batch both its sender and that of the message hear, once", async () => {
  await using store = await users();
  const message = sent(await store.send({ from: ALICE, to: [BOB] }));
  const batch = sent(await store.addTo(message.id, BOB, CAROL, EVE, DORA));
  store.takeEvents();
  const told = [["delivered", message.id, alice, bob]];
  await store.record(batch, FAR, { kind: "codes", codes: [200, 100], lost: null });
  assert.deepEqual(store.takeEvents(), told);
  await store.writer.submit("cancel", { message: message.id, domain: null });
  assert.deepEqual(store.takeEvents(), told);
});

Deno.test("N8 recipients_added: who has the message hears of a batch from here, and those added of a new message too", async () => {
  await using store = await users();
  const { id } = sent(await store.send({ from: ALICE, to: [BOB, FULL.address] }));
  store.takeEvents();
  sent(await store.addTo(id, BOB, CHRIS, CAROL));
  assert.deepEqual(store.takeEvents(), [
    ["new_msg", id, chris],
    ["recipients_added", id, alice, bob, chris],
    ["delivered", id, alice, bob],
  ]);
  sent(await store.addTo(id, ALICE, EVE));
  assert.deepEqual(store.takeEvents(), [["recipients_added", id, alice, bob, chris]]);
  // 3.6.1.2: in _to_ before, so delivered again.
  sent(await store.addTo(id, ALICE, BOB));
  assert.deepEqual(store.takeEvents(), [
    ["recipients_added", id, alice, bob, chris],
    ["delivered", id, alice],
  ]);
});

Deno.test("N8 recipients_added: who has the message hears of a batch from elsewhere, once", async () => {
  await using store = await users();
  const message = sent(await store.send({ from: ALICE, to: [CAROL, BOB] }));
  await store.record(message, FAR, { kind: "codes", codes: [200], lost: null });
  store.takeEvents();
  const original = draft({ from: CAROL, to: [ALICE, BOB] });
  await store.accept(original);
  store.takeEvents();
  const id = store.idOf(original);

  const elsewhere = addTo(original, { from: CAROL, to: [EVE] });
  assert.deepEqual(await store.acceptBatch(elsewhere), { kind: "recorded" });
  assert.deepEqual(store.takeEvents(), [["recipients_added", id, alice, bob]]);
  assert.deepEqual(await store.acceptBatch(elsewhere), { kind: "duplicate" });
  assert.deepEqual(store.takeEvents(), []);

  const here = addTo(original, { from: CAROL, to: [CHRIS, FULL.address] });
  assert.deepEqual(codes(await store.acceptBatch(here)), [103, 103, 200, 101]);
  assert.deepEqual(store.takeEvents(), [
    ["new_msg", id, chris],
    ["recipients_added", id, alice, bob, chris],
  ]);
  await store.writer.submit("setUser", {
    key: full ?? "",
    limits: { recv_messages: null },
  });
  assert.deepEqual(codes(await store.acceptBatch(here)), [103, 103, 103, 200]);
  assert.deepEqual(store.takeEvents(), [["new_msg", id, full]]);
});

Deno.test("N8 delivered: of what is sent from here its sender hears what becomes of those added elsewhere", async () => {
  await using store = await users();
  const answer = sent(await store.send({ from: ALICE, to: [CAROL, BOB] }));
  const { header } = store.readAsHost((reader) => reader.stored(answer.hash)) ?? assert.fail();
  const original = {
    fields: { from: ALICE, to: [CAROL, BOB], time: header.time },
    hash: answer.hash,
  };
  const batch = addTo(original, { from: CAROL, to: [CHRIS, FULL.address] });
  store.takeEvents();
  const { id } = answer;
  assert.deepEqual(codes(await store.acceptBatch(batch)), [103, 200, 101]);
  assert.deepEqual(store.takeEvents(), [
    ["new_msg", id, chris],
    ["recipients_added", id, alice, bob, chris],
    ["delivered", id, alice],
  ]);
  assert.deepEqual(codes(await store.acceptBatch(batch)), [103, 103, 101], "again");
  assert.deepEqual(store.takeEvents(), []);
});

Deno.test("N8 a batch that nobody here takes is not recorded, and nobody hears of it", async () => {
  await using store = await users();
  const original = draft({ from: CAROL, to: [ALICE] });
  await store.accept(original);
  store.takeEvents();
  const batch = addTo(original, { from: CAROL, to: [`@nobody@${HERE}`] });
  assert.deepEqual(codes(await store.acceptBatch(batch)), [103, 100]);
  assert.deepEqual(store.takeEvents(), []);
});

Deno.test("N8 who deleted a message hears no more of it", async () => {
  await using store = await users();
  const { id } = sent(await store.send({ from: ALICE, to: [BOB, CHRIS] }));
  await store.writer.submit("delete", { message: id, for: ALICE });
  await store.writer.submit("delete", { message: id, for: CHRIS });
  store.takeEvents();
  sent(await store.addTo(id, BOB, EVE));
  assert.deepEqual(store.takeEvents(), [["recipients_added", id, bob]]);
});

Deno.test("N8 a batch that came before its original: once that is there all who have either hear its id", async () => {
  for (const body of ["the body", noise(200_000)]) {
    await using store = await users();
    const original = draft({ from: CAROL, to: [ALICE, DORA], body });
    const batch = addTo(original, { from: DORA, to: [BOB] });
    const second = addTo(original, { from: CAROL, to: [CHRIS] });
    await store.accept(batch);
    const early = store.idOf(batch);
    assert.deepEqual(store.takeEvents(), [["new_msg", early, alice, bob]]);
    await store.accept(second);
    assert.deepEqual(store.takeEvents(), [["new_msg", store.idOf(second), chris]]);

    await store.accept(original);
    const id = store.idOf(original);
    assert.deepEqual(store.takeEvents(), [
      ["new_msg", id, alice],
      ["recipients_added", id, alice, bob, chris],
    ]);
    const seen = store.read((mailbox) => mailbox.forIdentity(addressOf(BOB)).message(early));
    assert.equal(seen?.id, id, "under which the earlier one is found");
  }
});

Deno.test("N8 a forged early batch is not announced under the message that it claims to add to", async () => {
  await using store = await users();
  const original = draft({ from: CAROL, to: [ALICE], body: "the body" });
  const forged = addTo(original, { from: CAROL, to: [BOB] }, { body: "evil!!!!" });
  await store.accept(forged);
  store.takeEvents();
  await store.accept(original);
  assert.deepEqual(store.takeEvents(), [["new_msg", store.idOf(original), alice]]);
});

Deno.test("N8 an operation that is undone in its group tells nobody anything, the others do", async () => {
  await using store = await users();
  const one = draft({ from: CAROL, to: [ALICE] });
  const wrong = { name: "stage", input: { token: "x", bytes: new Uint8Array(70_000) } } as const;
  const outcomes = await store.group(
    whole(one),
    wrong,
    sending({ from: ALICE, to: [`no address`] }),
    sending({ from: BOB, to: [CHRIS] }),
  );
  assert.deepEqual(results(outcomes).map((result) => typeof result), [
    "object",
    "string",
    "string",
    "string",
  ]);
  const [{ id } = { id: 0 }] = store.read((mailbox) => mailbox.sent(addressOf(BOB), 1, 0));
  assert.deepEqual(store.takeEvents(), [
    ["new_msg", store.idOf(one), alice],
    ["new_msg", id, chris],
    ["delivered", id, bob],
  ]);
});
