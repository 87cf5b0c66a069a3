// Deleting: what is deleted is out of the lists, the last one takes it out of the store, and it does not come back.

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { storeFile } from "../../src/store/mod.ts";
import { isProblem } from "../../src/protocol/mod.ts";
import { addressOf } from "../support/arbitraries.ts";
import { addTo, draft, noise, replyTo } from "../support/message.ts";
import {
  batch,
  codes,
  HERE,
  holdClock,
  refused,
  results,
  sending,
  sent,
  TestStore,
  whole,
} from "./support.ts";

const ALICE = `@alice@${HERE}`;
const BOB = `@bob@${HERE}`;
const CHRIS = `@chris@${HERE}`;
const CAROL = "@carol@far.example";
const EVE = "@eve@other.example";
const FAR = "far.example";
const DAY = 24 * 3600;
const DELETED = { deleted: true };

function users(): Promise<TestStore> {
  return TestStore.open([ALICE, BOB, CHRIS]);
}

/** Deletes, and tells whether the message is gone; a refusal is its message. */
async function remove(
  store: TestStore,
  message: number,
  address: string | null = null,
): Promise<boolean | string> {
  const outcome = await store.writer.submit("delete", { message, for: address });
  return isProblem(outcome) ? outcome.message : outcome.gone;
}

/** How many rows of each kind there are. */
function rows(store: TestStore): Record<string, number> {
  const tables = ["message", "recipient", "outbound", "content", "chunk", "draft", "draft_batch"];
  return Object.fromEntries(
    tables.map((table) => [table, store.count(table)] as const).filter(([, count]) => count > 0),
  );
}

Deno.test("what its one recipient deletes is gone, with its content", async () => {
  await using store = await users();
  for (const body of ["short", noise(200_000)]) {
    const message = draft({ from: CAROL, to: [ALICE, EVE], body });
    await store.accept(message);
    const id = store.idOf(message);
    assert.equal(await remove(store, id, ALICE), true);
    assert.deepEqual(rows(store), {});
    assert.deepEqual(store.received(addressOf(ALICE)), []);
    assert.equal(store.read((mailbox) => mailbox.message(id)), null);
    assert.equal(store.readAsHost((reader) => reader.stored(message.hash)), null);
    assert.equal(await remove(store, id, ALICE), `There is no message ${id} here`);
  }
  store.audit(DELETED);
});

Deno.test("what one of its recipients deletes stays for the others, and its sender sees that it was taken", async () => {
  await using store = await users();
  const { id } = sent(await store.send({ from: CHRIS, to: [ALICE, BOB] }));
  assert.equal(await remove(store, id, ALICE), false);
  assert.deepEqual(store.received(addressOf(ALICE)), []);
  assert.deepEqual(store.received(addressOf(BOB)), [id]);
  assert.deepEqual(store.delivery(id), { [ALICE]: "local 200", [BOB]: "local 200" });
  assert.equal(
    await remove(store, id, ALICE),
    `${ALICE} does not have message ${id}`,
    "it is deleted once",
  );
  assert.equal(await remove(store, id, EVE), `${EVE} does not have message ${id}`);
  store.audit(DELETED);
});

Deno.test("what its sender deletes leaves their list, and is gone with the last recipient here", async () => {
  await using store = await users();
  const { id } = sent(await store.send({ from: CHRIS, to: [ALICE] }));
  const sentBy = () => store.read((mailbox) => mailbox.sent(addressOf(CHRIS), 10, 0)).length;
  assert.equal(sentBy(), 1);
  assert.equal(await remove(store, id, CHRIS), false);
  assert.equal(sentBy(), 0);
  assert.deepEqual(store.received(addressOf(ALICE)), [id]);
  store.audit(DELETED);
  assert.equal(await remove(store, id, ALICE.toUpperCase()), true, "however it is spelled");
  assert.deepEqual(rows(store), {});
});

Deno.test("what was sent to oneself is deleted on both sides", async () => {
  await using store = await users();
  const { id } = sent(await store.send({ from: ALICE, to: [ALICE] }));
  assert.equal(await remove(store, id, ALICE), true);
  assert.deepEqual(rows(store), {});
});

Deno.test("a message is deleted with the batches on it, whichever of them is named", async () => {
  const original = draft({ from: CAROL, to: [ALICE], body: noise(100_000) });
  const early = addTo(original, { from: CAROL, to: [BOB] });
  const late = addTo(original, { from: CAROL, to: [CHRIS, EVE] });
  const told = addTo(original, { from: CAROL, to: [EVE] });
  for (const named of [original, early, late, told]) {
    await using store = await users();
    await store.accept(early);
    await store.accept(original);
    await store.acceptBatch(late);
    await store.acceptBatch(told);
    const id = store.idOf(original);
    sent(await store.addTo(id, ALICE, `@dora@${HERE}`));
    assert.match(
      String(await remove(store, store.idOf(named))),
      /^Message 2 still waits .* to far/,
    );
    await store.writer.submit("cancel", { message: id, domain: null });
    assert.deepEqual(
      await store.writer.submit("delete", { message: store.idOf(named), for: null }),
      { kind: "deleted", id, gone: true },
    );
    assert.deepEqual(rows(store), {});
    store.audit(DELETED);
  }
});

Deno.test("one who has only a batch deletes that, and the others keep message and batches", async () => {
  await using store = await users();
  const original = draft({ from: CAROL, to: [ALICE] });
  const added = addTo(original, { from: CAROL, to: [BOB] });
  await store.accept(original);
  await store.acceptBatch(added);
  const id = store.idOf(original);
  assert.equal(await remove(store, id, BOB), false);
  assert.deepEqual(store.received(addressOf(BOB)), []);
  assert.equal(store.read((mailbox) => mailbox.message(id))?.add_to.length, 1);
  assert.equal(await remove(store, id, ALICE), true);
  assert.deepEqual(rows(store), {});
  store.audit(DELETED);
});

Deno.test("what still waits for delivery cannot be deleted, and the refusal says what to do", async () => {
  await using store = await users();
  const first = sent(await store.send({ from: ALICE, to: [CAROL, BOB] }));
  const answer = sent(await store.send({ from: BOB, to: [CAROL], start: { replyTo: first.id } }));
  assert.deepEqual(store.outbound(answer), { [FAR]: "blocked" });
  for (const [id, address] of [[first.id, ALICE], [first.id, null], [answer.id, BOB]] as const) {
    const problem = await store.writer.submit("delete", { message: id, for: address });
    assert.ok(isProblem(problem));
    assert.equal(problem.reason, "still waiting");
    assert.match(problem.message, new RegExp(`"fmsg queue cancel ${id}"`));
  }
  assert.equal(await remove(store, first.id, BOB), false, "a recipient's copy waits for nothing");
  await store.record(first, FAR, { kind: "codes", codes: [200], lost: null });
  assert.equal(await remove(store, first.id), true);
  assert.match(String(await remove(store, answer.id)), /still waits/, "no longer blocked, but due");
  await store.writer.submit("cancel", { message: answer.id, domain: null });
  assert.equal(await remove(store, answer.id), true);
  assert.deepEqual(rows(store), {});
  store.audit(DELETED);
});

Deno.test("an attempt that was under way when its message was cancelled and deleted changes nothing", async () => {
  await using store = await users();
  const { id } = sent(await store.send({ from: ALICE, to: [CAROL] }));
  await store.writer.submit("cancel", { message: id, domain: null });
  await remove(store, id);
  assert.equal(
    await store.record({ id }, FAR, { kind: "codes", codes: [200], lost: null }),
    "finished",
  );
  assert.deepEqual(rows(store), {});
  assert.equal(await store.writer.submit("cancel", { message: id, domain: null }), 0);
});

Deno.test("a draft is deleted with its batches and its content, by its sender or for all", async () => {
  await using store = await users();
  const content = { kind: "inline", bytes: new Uint8Array(9) } as const;
  const body = { type: "text/plain;charset=UTF-8", size: 9, expandedSize: null };
  const keep = async () => {
    const drafted = await store.writer.submit("draft", {
      from: ALICE,
      to: [BOB],
      start: { topic: "" },
      body,
      attachments: [],
      important: false,
      noReply: false,
      content,
    });
    assert.equal(drafted.kind, "drafted");
    return drafted.kind === "drafted" ? drafted.id : 0;
  };
  const one = await keep();
  assert.equal((await store.addTo(one, ALICE, CHRIS)).kind, "drafted");
  assert.equal(await remove(store, one, BOB), `${BOB} does not have message ${one}`);
  assert.equal(await remove(store, one, ALICE), true);
  assert.deepEqual(rows(store), {});
  const two = await keep();
  const added = await store.addTo(two, ALICE, CHRIS);
  assert.equal(added.kind, "drafted");
  assert.equal(await remove(store, added.kind === "drafted" ? added.id : 0), true);
  assert.deepEqual(rows(store), {});
  const gone = await store.writer.submit("sendDraft", { id: two, from: null });
  assert.ok(isProblem(gone));
  store.audit();
});

Deno.test("P7 a deleted message that arrives again does not come back: 103 for those who had it", async () => {
  await using store = await users();
  for (const body of ["short", noise(100_000)]) {
    const message = draft({ from: CAROL, to: [ALICE, BOB], body });
    await store.accept(message);
    const id = store.idOf(message);
    await remove(store, id, ALICE);
    assert.deepEqual(codes(await store.accept(message)), [103, 103], "the other still has it");
    await remove(store, id, BOB);
    assert.deepEqual(codes(await store.accept(message)), [103, 103]);
    await store.reopen();
    assert.deepEqual(codes(await store.accept(message)), [103, 103], "nor after a restart");
    assert.deepEqual(rows(store), {});
  }
  store.audit(DELETED);
});

Deno.test("P7 a deleted message that arrives again is taken by those who had not taken it", async () => {
  await using store = await users();
  await store.writer.submit("setUser", { key: addressOf(BOB).key, accepting: false });
  const message = draft({ from: CAROL, to: [ALICE, BOB] });
  assert.deepEqual(codes(await store.accept(message)), [200, 102]);
  const id = store.idOf(message);
  await remove(store, id);
  await store.writer.submit("setUser", { key: addressOf(BOB).key, accepting: true });
  assert.deepEqual(codes(await store.accept(message)), [103, 200]);
  assert.ok(store.idOf(message) > id, "ids are not used again");
  assert.deepEqual(store.received(addressOf(ALICE)), []);
  assert.equal(store.received(addressOf(BOB)).length, 1);
  store.audit(DELETED);
  await remove(store, store.idOf(message));
  assert.deepEqual(codes(await store.accept(message)), [103, 103]);
});

Deno.test("P7 copies that arrive in one group with the deleting are judged in their order", async () => {
  await using store = await users();
  const message = draft({ from: CAROL, to: [ALICE] });
  await store.accept(message);
  const deleting = { name: "delete", input: { message: store.idOf(message), for: null } } as const;
  const outcomes = await store.group(whole(message), deleting, whole(message), deleting);
  assert.deepEqual(results(outcomes), [[103], "deleted", [103], "message not found"]);
  assert.deepEqual(rows(store), {});
});

Deno.test("a batch on a message that one of them deleted gives it to nobody who had it", async () => {
  await using store = await users();
  const original = draft({ from: CAROL, to: [ALICE, BOB] });
  const first = addTo(original, { from: CAROL, to: [CHRIS] });
  await store.accept(original);
  await store.acceptBatch(first);
  const id = store.idOf(original);
  await remove(store, id, ALICE);
  await remove(store, id, CHRIS);
  assert.deepEqual(codes(await store.acceptBatch(first)), [103, 103, 103], "the same again");
  const other = addTo(original, { from: BOB, to: [CHRIS] }, {});
  assert.deepEqual(codes(await store.acceptBatch(other)), [103, 103, 103], "another");
  const again = addTo(original, { from: BOB, to: [ALICE] });
  assert.deepEqual(
    codes(await store.acceptBatch(again)),
    [103, 103, 200],
    "someone in to is added again",
  );
  assert.deepEqual(store.received(addressOf(ALICE)), [id]);
  assert.deepEqual(store.received(addressOf(CHRIS)), []);
  store.audit(DELETED);
});

Deno.test("B7 a batch on a deleted message is delivered in full: 103 for those who had it, or this batch", async () => {
  await using store = await users();
  const original = draft({ from: CAROL, to: [ALICE, EVE] });
  const early = addTo(original, { from: CAROL, to: [BOB] });
  await store.accept(original);
  await store.acceptBatch(early);
  await remove(store, store.idOf(original));
  assert.equal((await store.acceptBatch(early)).kind, "gone");
  assert.deepEqual(codes(await store.accept(early)), [103, 103], "the same batch again");
  assert.deepEqual(rows(store), {});
  const other = addTo(original, { from: CAROL, to: [BOB, CHRIS] });
  assert.deepEqual(codes(await store.accept(other)), [103, 103, 200], "another batch on it");
  assert.deepEqual(store.received(addressOf(ALICE)), []);
  assert.deepEqual(store.received(addressOf(BOB)), []);
  assert.deepEqual(store.received(addressOf(CHRIS)), [store.idOf(other)]);
  store.audit(DELETED);
});

Deno.test("B7 an early batch that was deleted stays so when its original comes", async () => {
  await using store = await users();
  const original = draft({ from: CAROL, to: [ALICE] });
  const early = addTo(original, { from: CAROL, to: [BOB] });
  await store.accept(early);
  await remove(store, store.idOf(early), BOB);
  assert.deepEqual(codes(await store.accept(original)), [200]);
  await store.group();
  assert.equal(store.read((mailbox) => mailbox.message(store.idOf(original)))?.add_to.length, 1);
  assert.deepEqual(store.received(addressOf(ALICE)), [store.idOf(original)]);
  assert.deepEqual(store.received(addressOf(BOB)), []);
  assert.deepEqual(codes(await store.acceptBatch(early)), [103, 103]);
  store.audit(DELETED);
});

Deno.test("what was deleted is remembered for as long as it could be accepted, and then forgotten", async () => {
  using clock = holdClock();
  await using store = await users();
  const time = clock.at;
  const message = draft({ from: CAROL, to: [ALICE], time });
  const old = draft({ from: CAROL, to: [ALICE], time: time - 6 * DAY });
  for (const one of [message, old]) {
    await store.accept(one);
    await remove(store, store.idOf(one));
  }
  clock.at = time + 1 * DAY + 1;
  await store.group();
  assert.equal(store.count("deleted"), 1);
  clock.at = time + 7 * DAY;
  assert.deepEqual(codes(await store.accept(message)), [103]);
  clock.at += 3601;
  await store.group();
  assert.equal(store.count("deleted"), 0);

  const ancient = draft({ from: CAROL, to: [ALICE], time });
  await store.accept(ancient);
  await remove(store, store.idOf(ancient));
  assert.equal(store.count("deleted"), 0, "what is too old already is not remembered");
});

Deno.test("R12 a deleted message is no parent any more, and answers to it stay readable", async () => {
  await using store = await users();
  const first = sent(await store.send({ from: ALICE, to: [BOB] }));
  const second = sent(await store.send({ from: BOB, to: [ALICE], start: { replyTo: first.id } }));
  const third = sent(await store.send({ from: ALICE, to: [BOB], start: { replyTo: second.id } }));
  const thread = (id: number) =>
    store.read((mailbox) => mailbox.thread(id)).map((message) => message.id);
  assert.deepEqual(thread(third.id), [first.id, second.id, third.id]);
  await remove(store, second.id);
  assert.deepEqual(thread(first.id), [first.id]);
  assert.deepEqual(thread(third.id), [third.id]);
  assert.deepEqual(thread(second.id), []);
  const view = store.read((mailbox) => mailbox.message(third.id));
  assert.equal(view?.pid, second.hash.toHex(), "it says what it answers");
  store.readAsHost((reader) => {
    assert.equal(reader.stored(second.hash), null);
    assert.equal(reader.stored(third.hash)?.participated, true);
  });
  const onThird = sent(await store.send({ from: BOB, to: [ALICE], start: { replyTo: third.id } }));
  assert.deepEqual(thread(onThird.id), [third.id, onThird.id]);
  const onSecond = refused(
    await store.send({ from: ALICE, to: [BOB], start: { replyTo: second.id } }),
  );
  assert.equal(onSecond.reason, "message not found");
  store.audit(DELETED);
});

Deno.test("an answer to a batch is readable when the message with its batches is deleted", async () => {
  await using store = await users();
  const original = draft({ from: CAROL, to: [ALICE, BOB] });
  const added = addTo(original, { from: CAROL, to: [EVE] });
  await store.accept(original);
  await store.acceptBatch(added);
  const answer = replyTo(added, { from: EVE, to: [ALICE] });
  await store.accept(answer);
  const thread = () =>
    store.read((mailbox) => mailbox.thread(store.idOf(answer))).map(({ id }) => id);
  assert.deepEqual(thread(), [store.idOf(original), store.idOf(answer)]);
  await remove(store, store.idOf(original));
  assert.deepEqual(thread(), [store.idOf(answer)]);
  store.readAsHost((reader) => {
    assert.equal(reader.stored(added.hash), null);
    assert.equal(reader.recordedBatch(added.headerHash), null);
    assert.equal(reader.heldByAll(original.hash, [addressOf(ALICE).key]), false);
  });
  assert.deepEqual(
    sent(await store.send({ from: ALICE, to: [EVE], start: { replyTo: store.idOf(answer) } })).kind,
    "sent",
  );
  store.audit(DELETED);
});

Deno.test("a draft that answers a deleted message is shown, and refused when it is sent", async () => {
  await using store = await users();
  const { id } = sent(await store.send({ from: ALICE, to: [BOB] }));
  const drafted = await store.writer.submit("draft", {
    from: BOB,
    to: [ALICE],
    start: { replyTo: id },
    body: { type: "text/plain;charset=UTF-8", size: 0, expandedSize: null },
    attachments: [],
    important: false,
    noReply: false,
    content: { kind: "inline", bytes: new Uint8Array() },
  });
  assert.equal(drafted.kind, "drafted");
  const draftId = drafted.kind === "drafted" ? drafted.id : 0;
  await remove(store, id);
  assert.equal(store.read((mailbox) => mailbox.message(draftId))?.pid, null);
  const problem = await store.writer.submit("sendDraft", { id: draftId, from: null });
  assert.ok(isProblem(problem));
  assert.equal(problem.reason, "cannot be delivered");
  assert.match(problem.message, /is not here any more: start a new thread$/);
  store.audit({ drafts: 1, ...DELETED });
});

Deno.test("recipients are not added to a message that an operation just before has deleted", async () => {
  await using store = await users();
  const message = draft({ from: CAROL, to: [ALICE] });
  await store.accept(message);
  const id = store.idOf(message);
  const outcomes = await store.group(
    { name: "delete", input: { message: id, for: null } },
    { name: "addTo", input: { message: id, from: ALICE, to: [BOB] } },
    batch(addTo(message, { from: CAROL, to: [BOB] })),
  );
  assert.deepEqual(results(outcomes), ["deleted", "message not found", "gone"]);
  assert.deepEqual(rows(store), {});
});

Deno.test("S5 deleting gives room back in the same commit, and changes nothing of the day", async () => {
  await using store = await TestStore.open([
    { address: ALICE, limits: { recv_messages: 1, recv_messages_per_day: 3, send_bytes: 10 } },
    BOB,
  ]);
  const letter = () => draft({ from: CAROL, to: [ALICE], body: "12345" });
  const arrive = async () => codes(await store.accept(letter()))[0];
  const first = letter();
  assert.deepEqual(codes(await store.accept(first)), [200]);
  assert.equal(await arrive(), 101);
  const deleting = { name: "delete", input: { message: store.idOf(first), for: ALICE } } as const;
  assert.deepEqual(results(await store.group(deleting, whole(letter()))), ["deleted", [200]]);
  const usage = () => store.read((mailbox) => mailbox.user(addressOf(ALICE).key))?.usage;
  assert.equal(usage()?.recv_messages, 1);
  assert.equal(usage()?.recv_bytes, 5);
  assert.equal(usage()?.recv_messages_day, 2);
  for (const id of store.received(addressOf(ALICE))) await remove(store, id);
  assert.equal(await arrive(), 200);
  for (const id of store.received(addressOf(ALICE))) await remove(store, id);
  assert.equal(await arrive(), 101, "three a day");

  const mail = () => sending({ from: ALICE, to: [BOB], body: "1234567" });
  const { id } = sent(await store.send({ from: ALICE, to: [BOB], body: "1234567" }));
  assert.deepEqual(
    results(
      await store.group(mail(), { name: "delete", input: { message: id, for: ALICE } }, mail()),
    ),
    ["over quota", "deleted", "sent"],
  );
  assert.equal(usage()?.send_bytes, 7);
  assert.equal(usage()?.send_bytes_day, 14);
  store.audit(DELETED);
});

Deno.test("what a removed user had stays, is deleted by its id, and counts again if they return", async () => {
  await using store = await users();
  const body = "12345";
  const kept = draft({ from: CAROL, to: [ALICE], body });
  const other = draft({ from: CAROL, to: [ALICE, BOB], body });
  for (const message of [kept, other]) await store.accept(message);
  const mine = sent(await store.send({ from: ALICE, to: [BOB], body }));
  await store.writer.submit("removeUser", { key: addressOf(ALICE).key });
  assert.equal(store.received(addressOf(ALICE)).length, 2);
  assert.equal(await remove(store, store.idOf(other), ALICE), false);
  await store.addUser(ALICE);
  const { recv_messages, recv_bytes, send_messages, send_bytes } =
    store.read((mailbox) => mailbox.user(addressOf(ALICE).key))?.usage ?? {};
  assert.deepEqual([recv_messages, recv_bytes, send_messages, send_bytes], [1, 5, 1, 5]);
  store.audit(DELETED);
  await store.writer.submit("removeUser", { key: addressOf(ALICE).key });
  assert.equal(await remove(store, store.idOf(kept)), true);
  assert.equal(await remove(store, mine.id), true);
  store.audit(DELETED);
});

Deno.test("a message whose header is damaged can be deleted, and usage is right afterwards", async () => {
  await using store = await users();
  const damaged = draft({ from: CAROL, to: [ALICE], body: "12345" });
  for (const message of [damaged, draft({ from: CAROL, to: [ALICE], body: "123" })]) {
    await store.accept(message);
  }
  const id = store.idOf(damaged);
  {
    using db = new DatabaseSync(storeFile(store.folder));
    db.prepare("UPDATE message SET header = x'0102' WHERE id = ?").run(id);
  }
  assert.equal(await remove(store, id), true);
  assert.equal(store.read((mailbox) => mailbox.user(addressOf(ALICE).key))?.usage.recv_bytes, 3);
  store.audit(DELETED);
});

Deno.test("deleting is undone as a whole when something of it fails", async () => {
  await using store = await users();
  const message = draft({ from: CAROL, to: [ALICE], body: noise(100_000) });
  await store.accept(message);
  const before = rows(store);
  {
    using db = new DatabaseSync(storeFile(store.folder));
    db.exec("CREATE TRIGGER no BEFORE DELETE ON content BEGIN SELECT RAISE(ABORT, 'no'); END");
  }
  const input = { message: store.idOf(message), for: null };
  assert.deepEqual(results(await store.group({ name: "delete", input })), ["no"]);
  assert.deepEqual(rows(store), before);
  assert.deepEqual(store.received(addressOf(ALICE)), [input.message]);
  store.audit();
});
