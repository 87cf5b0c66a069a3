// What one identity sees of the store through FMSG-003: what it has, and nothing else (row N2).

import assert from "node:assert/strict";
import { draft } from "../support/message.ts";
import { as, ids, keep, seenBy, view } from "./identities.ts";
import { codes, HERE, sent, TestStore } from "./support.ts";

const ALICE = `@Alice@${HERE}`;
const BOB = `@bob@${HERE}`;
const CHRIS = `@chris@${HERE}`;
const DAVE = `@dave@${HERE}`;
const FULL = { address: `@full@${HERE}`, limits: { recv_messages: 0 } };
const CAROL = "@carol@far.example";
const EVE = "@eve@other.example";

function users(): Promise<TestStore> {
  return TestStore.open([ALICE, BOB, CHRIS, DAVE, FULL]);
}

Deno.test("N2 a message is seen by its sender and by who took it; for all others it is not there", async () => {
  await using store = await users();
  const { id } = sent(await store.send({ from: ALICE, to: [BOB, FULL.address, CAROL] }));
  assert.deepEqual(seenBy(store, id, ALICE, BOB, FULL.address, CHRIS), [true, true, false, false]);
  assert.deepEqual(seenBy(store, id + 1, ALICE, BOB), [false, false], "as what is not there");

  const message = draft({ from: CAROL, to: [ALICE, FULL.address, EVE] });
  assert.deepEqual(codes(await store.accept(message)), [200, 101]);
  const came = store.idOf(message);
  assert.deepEqual(seenBy(store, came, ALICE, FULL.address, BOB), [true, false, false]);
});

Deno.test("N2 a batch makes a message seen by those whom it adds and by who sent it, by either id", async () => {
  await using store = await users();
  const { id } = sent(await store.send({ from: ALICE, to: [BOB] }));
  const batch = sent(await store.addTo(id, BOB, CHRIS, FULL.address));
  for (const one of [id, batch.id]) {
    assert.deepEqual(
      seenBy(store, one, ALICE, BOB, CHRIS, FULL.address, DAVE),
      [true, true, true, false, false],
    );
    assert.equal(view(store, one, CHRIS).id, id);
  }
  await store.writer.submit("delete", { message: id, for: ALICE });
  await store.writer.submit("delete", { message: id, for: CHRIS });
  assert.deepEqual(seenBy(store, batch.id, ALICE, BOB, CHRIS), [false, true, false]);
});

Deno.test("N2 whoever added recipients sees the message for that alone, until they delete it", async () => {
  await using store = await users();
  const { id } = sent(await store.send({ from: ALICE, to: [BOB, FULL.address] }));
  assert.deepEqual(seenBy(store, id, FULL.address), [false], "it was refused");
  sent(await store.addTo(id, FULL.address, CHRIS));
  assert.deepEqual(seenBy(store, id, FULL.address), [true]);
  const seen = view(store, id, FULL.address);
  assert.deepEqual([seen.isSender, seen.isRecipient, seen.mayAdd], [false, false, true]);
  as(store, FULL.address, (mailbox) => {
    assert.deepEqual(ids(mailbox.authored(9, 0)), [], "it is from Alice");
    assert.deepEqual(ids(mailbox.received(9, 0)), []);
  });
  await store.writer.submit("delete", { message: id, for: FULL.address });
  assert.deepEqual(seenBy(store, id, ALICE, BOB, CHRIS, FULL.address), [true, true, true, false]);
});

Deno.test("N2 a sender who is a recipient as well has both, and loses both by deleting", async () => {
  await using store = await users();
  const { id } = sent(await store.send({ from: ALICE, to: [ALICE, BOB] }));
  const seen = view(store, id, ALICE);
  assert.deepEqual([seen.isSender, seen.isRecipient, seen.mayAdd], [true, true, true]);
  as(store, ALICE, (mailbox) => {
    assert.deepEqual(ids(mailbox.authored(9, 0)), [id]);
    assert.deepEqual(ids(mailbox.received(9, 0)), [id]);
  });
  await store.writer.submit("delete", { message: id, for: ALICE });
  assert.deepEqual(seenBy(store, id, ALICE, BOB), [false, true]);
});

Deno.test("N2 a sender who deleted a message has it again where a batch adds them to it", async () => {
  await using store = await users();
  const { id } = sent(await store.send({ from: ALICE, to: [BOB] }));
  await store.writer.submit("delete", { message: id, for: ALICE });
  sent(await store.addTo(id, BOB, ALICE));
  const seen = view(store, id, ALICE);
  assert.deepEqual([seen.isSender, seen.isRecipient], [true, true]);
  assert.deepEqual(as(store, ALICE, (mailbox) => ids(mailbox.authored(9, 0))), []);
  assert.deepEqual(as(store, ALICE, (mailbox) => ids(mailbox.received(9, 0))), [id]);
});

Deno.test("N2 the case of an address does not matter, and addresses are shown as they were written", async () => {
  await using store = await users();
  const { id } = sent(await store.send({ from: ALICE, to: [BOB] }));
  assert.equal(view(store, id, `@aLiCe@${HERE.toUpperCase()}`).isSender, true);
  assert.equal(view(store, id, `@BOB@${HERE}`).from, ALICE);
});

Deno.test("N2 lists: what was received or is from the identity, drafts too, newest id first, in pages", async () => {
  await using store = await users();
  const draftId = await keep(store, ALICE, [BOB]);
  const own = [draftId];
  const came: number[] = [];
  for (let i = 0; i < 3; i++) {
    own.unshift(sent(await store.send({ from: ALICE, to: [BOB] })).id);
    const message = draft({ from: CAROL, to: [ALICE] });
    await store.accept(message);
    came.unshift(store.idOf(message));
    sent(await store.addTo(own[0] ?? 0, ALICE, CHRIS));
    own.unshift(await keep(store, ALICE, [BOB]));
  }
  await keep(store, BOB, [ALICE]);
  as(store, ALICE, (mailbox) => {
    assert.deepEqual(ids(mailbox.authored(100, 0)), own);
    assert.deepEqual(ids(mailbox.authored(2, 1)), own.slice(1, 3));
    assert.deepEqual(ids(mailbox.authored(2, own.length)), []);
    assert.deepEqual(ids(mailbox.received(100, 0)), came);
    assert.deepEqual(ids(mailbox.received(1, 2)), came.slice(2));
    assert.deepEqual(ids(mailbox.received(0, 0)), []);
    for (const id of [1, ...own, ...came, 999_999]) {
      assert.deepEqual(ids(mailbox.authored(3, 0, id)), own.filter((o) => o < id).slice(0, 3));
      assert.deepEqual(ids(mailbox.received(2, 1, id)), came.filter((c) => c < id).slice(1, 3));
    }
  });
  assert.deepEqual(as(store, EVE, (mailbox) => mailbox.received(9, 0)), [], "who is nobody here");
});

Deno.test("N2 what was received twice, by the message and by a batch, is listed once", async () => {
  await using store = await users();
  const { id } = sent(await store.send({ from: ALICE, to: [BOB, CHRIS] }));
  sent(await store.addTo(id, ALICE, BOB));
  assert.deepEqual(as(store, BOB, (mailbox) => ids(mailbox.received(9, 0))), [id]);
  assert.deepEqual(as(store, BOB, (mailbox) => ids(mailbox.received(9, 1))), []);
});

Deno.test("S3 headers of batches are told up to a bound, the newest of them, and one always", async () => {
  await using store = await users();
  const { id } = sent(await store.send({ from: ALICE, to: [BOB] }));
  const batches: number[] = [];
  for (const who of [CHRIS, DAVE, CAROL, EVE]) {
    batches.push(sent(await store.addTo(id, ALICE, who)).id);
  }
  as(store, BOB, (mailbox) => {
    const all = mailbox.headers(id, Infinity)?.batches ?? [];
    assert.deepEqual(all.map((batch) => batch.id), batches);
    const sizes = all.map(({ header }) => header.length);
    const told = (most: number): number[] =>
      mailbox.headers(id, most)?.batches.map((batch) => batch.id) ?? [];
    const two = (sizes.at(-1) ?? 0) + (sizes.at(-2) ?? 0);
    assert.deepEqual(told(two), batches.slice(-2));
    assert.deepEqual(told(two - 1), batches.slice(-1));
    assert.deepEqual(told(1), batches.slice(-1));
  });
});

Deno.test("N2 a page is what each of its messages is by itself, in its order", async () => {
  await using store = await TestStore.open([ALICE, BOB]);
  const texts = ["first", "second", "third"];
  const sentIds: number[] = [];
  for (const body of texts) {
    sentIds.push(sent(await store.send({ from: ALICE, to: [BOB, CAROL], body })).id);
  }
  const [first = 0, second = 0] = sentIds;
  const batch = sent(await store.addTo(first, ALICE, EVE)).id;
  const other = sent(await store.send({ from: BOB, to: [BOB] })).id;
  const kept = await keep(store, ALICE, [BOB], { replyTo: second });
  const asked = [kept, other, second, batch, 999_999, first];
  as(store, ALICE, (mailbox) => {
    const page = mailbox.messages(asked);
    assert.deepEqual(ids(page), [kept, second, first, first]);
    assert.deepEqual(page, asked.flatMap((id) => mailbox.message(id) ?? []));
    const previews = mailbox.previews(page, 3).map((bytes) =>
      new TextDecoder().decode(bytes ?? undefined)
    );
    assert.deepEqual(previews, ["a d", "sec", "fir", "fir"]);
  });
});
