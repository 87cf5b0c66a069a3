// Drafts in the store: made, replaced, with attachments, sent (rows N3, N4, N9, B8).

import assert from "node:assert/strict";
import { concat, hex } from "../../src/wire/mod.ts";
import { isProblem } from "../../src/protocol/mod.ts";
import { Mailbox } from "../../src/store/mod.ts";
import { noise } from "../support/message.ts";
import {
  attach,
  detach,
  drafted,
  keep,
  kept,
  partsOf,
  replace,
  rowsOf,
  sendDraft,
} from "./drafting.ts";
import { HERE, refused, results, sent, TestStore } from "./support.ts";

const ALICE = `@alice@${HERE}`;
const BOB = `@bob@${HERE}`;
const CAROL = "@carol@far.example";
const DORA = "@dora@other.example";
const CHUNK = 64 * 1024;

const PLAIN = { from: ALICE, to: [BOB], body: "hello" };
const GONE = "message not found";

function users(changes = {}): Promise<TestStore> {
  return TestStore.open([ALICE, BOB], changes);
}

/** All of a part of a message that was sent. */
async function read(store: TestStore, id: number, name: string | null): Promise<string> {
  using mailbox = new Mailbox(store.folder);
  const pieces = await Array.fromAsync(mailbox.content(id, name) ?? []);
  return new TextDecoder().decode(concat(pieces));
}

Deno.test("N3 a draft of the data alone is sent with its content as it is, and under its id", async () => {
  await using store = await users();
  const id = await kept(store, { ...PLAIN, body: noise(3 * CHUNK) });
  const [before] = store.rows("SELECT content FROM draft_part WHERE draft = ?", id);
  const done = sent(await sendDraft(store, id, ALICE));
  assert.equal(done.id, id);
  const [after] = store.rows("SELECT content FROM message WHERE id = ?", id);
  assert.equal(after?.integer("content"), before?.integer("content"));
  assert.deepEqual(rowsOf(store), { content: 1, chunk: 3 });
  store.audit();
});

Deno.test("N3 parts of any size are kept by themselves, and are joined in their order when the draft is sent", async () => {
  await using store = await users();
  const sizes = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7];
  const text = (size: number, i: number) => String.fromCharCode(97 + i).repeat(size);
  const id = await kept(store, { ...PLAIN, body: text(CHUNK + 5, 25) });
  for (const [i, size] of sizes.entries()) {
    drafted(await attach(store, id, ALICE, `${i}.txt`, text(size, i)));
    store.audit({ drafts: 1 });
  }
  const { hash } = sent(await sendDraft(store, id));
  assert.equal(store.read((mailbox) => mailbox.message(id))?.hash, hex(hash));
  assert.equal(await read(store, id, null), text(CHUNK + 5, 25));
  for (const [i, size] of sizes.entries()) {
    assert.equal(await read(store, id, `${i}.txt`), text(size, i));
  }
  const parts = sizes.length + 1;
  assert.deepEqual(rowsOf(store), { content: parts + 1, piece: parts, chunk: 11 });
  store.audit();
  assert.equal((await store.writer.submit("delete", { message: id, for: null })).kind, "deleted");
  assert.deepEqual(rowsOf(store), {});
});

Deno.test("N3 a draft that comes with its attachments in one content is taken apart", async () => {
  await using store = await users();
  const attachments = { "a.txt": "one", "empty": "", "big.bin": "b".repeat(2 * CHUNK) };
  const id = await kept(store, { ...PLAIN, body: "data", attachments });
  assert.deepEqual(partsOf(store, id), [["", "data"], ...Object.entries(attachments)]);
  store.audit({ drafts: 1 });
  drafted(await detach(store, id, ALICE, "empty"));
  sent(await sendDraft(store, id));
  assert.equal(await read(store, id, "a.txt"), "one");
  assert.equal(await read(store, id, "big.bin"), attachments["big.bin"]);
  store.audit();
});

Deno.test("N3 replacing changes what a draft says and its data; attachments and batches stay", async () => {
  await using store = await users();
  const id = await kept(store, { ...PLAIN, attachments: { "a.txt": "one" } });
  drafted(await store.addTo(id, ALICE, DORA));
  const changed = { from: ALICE, to: [CAROL, BOB], start: { topic: "new" }, body: "other" };
  assert.equal(drafted(await replace(store, id, changed)), id);
  assert.deepEqual(partsOf(store, id), [["", "other"], ["a.txt", "one"]]);
  const view = store.read((mailbox) => mailbox.message(id));
  assert.deepEqual([view?.to, view?.topic, view?.size], [[CAROL, BOB], "new", 5]);
  assert.deepEqual(view?.add_to.map(({ to }) => to), [[DORA]]);
  assert.deepEqual(rowsOf(store), {
    draft: 1,
    draft_part: 2,
    draft_batch: 1,
    content: 2,
    chunk: 2,
  });
  store.audit({ drafts: 1 });
  sent(await sendDraft(store, id));
  assert.equal(store.count("message"), 2);
  store.audit();
});

Deno.test("N3 an attachment of the same name replaces the one that is there, in its place", async () => {
  await using store = await users();
  const id = await kept(store, PLAIN);
  for (const [name, body] of [["a", "1"], ["b", "2"], ["c", "3"], ["b", "two"]] as const) {
    drafted(await attach(store, id, ALICE, name, body));
  }
  assert.deepEqual(partsOf(store, id).slice(1), [["a", "1"], ["b", "two"], ["c", "3"]]);
  assert.match(
    refused(await attach(store, id, ALICE, "B", "other")).message,
    /Two attachments are named "B": rename one/,
  );
  drafted(await detach(store, id, ALICE, "a"));
  drafted(await attach(store, id, ALICE, "a", "last"));
  assert.deepEqual(partsOf(store, id).slice(1), [["b", "two"], ["c", "3"], ["a", "last"]]);
  assert.equal(store.count("content"), 4);
  store.audit({ drafts: 1 });
  sent(await sendDraft(store, id));
  assert.equal(await read(store, id, "a"), "last");
  store.audit();
});

Deno.test("N2 N3 to others there is no draft, whatever they try, and it stays as it is", async () => {
  await using store = await users();
  const id = await kept(store, { ...PLAIN, to: [BOB], attachments: { a: "x" } });
  const before = partsOf(store, id);
  const tries = async (id: number) => [
    await replace(store, id, { from: BOB, to: [ALICE] }),
    await attach(store, id, BOB, "b", "y"),
    await detach(store, id, BOB, "a"),
    await sendDraft(store, id, BOB),
    await store.addTo(id, BOB, CAROL),
    await store.writer.submit("delete", { message: id, for: BOB, draft: true }),
  ];
  const words = async (id: number) =>
    (await tries(id)).map((done) =>
      isProblem(done) ? `${done.reason}: ${done.message}`.replaceAll(String(id), "N") : done.kind
    );
  const theirs = await words(id);
  assert.ok(theirs.every((text) => text.startsWith(GONE)), theirs.join("\n"));
  // As of none at all: adding to what is not here speaks of messages.
  const none = await words(id + 50);
  assert.deepEqual(theirs.toSpliced(4, 1), none.toSpliced(4, 1));
  assert.deepEqual(partsOf(store, id), before);
  store.audit({ drafts: 1 });
});

Deno.test("N3 the sender is known in any spelling", async () => {
  await using store = await users();
  const id = await kept(store, PLAIN);
  const spelled = ALICE.toUpperCase();
  drafted(await attach(store, id, spelled, "a", "x"));
  drafted(await replace(store, id, { ...PLAIN, from: spelled }));
  sent(await sendDraft(store, id, spelled));
});

Deno.test("N3 what is sent stays as it is, and its sender is told so", async () => {
  await using store = await users();
  const id = await kept(store, { ...PLAIN, attachments: { a: "x" } });
  sent(await sendDraft(store, id, ALICE));
  for (const from of [ALICE, BOB]) {
    const reason = from === ALICE ? "already sent" : GONE;
    const tries = [
      await replace(store, id, { from, to: [CAROL] }),
      await attach(store, id, from, "b", "y"),
      await detach(store, id, from, "a"),
      await sendDraft(store, id, from),
      await store.writer.submit("delete", { message: id, for: from, draft: true }),
    ];
    assert.deepEqual(tries.map((done) => isProblem(done) && done.reason), tries.map(() => reason));
  }
  assert.equal(refused(await sendDraft(store, id)).reason, "already sent");
  store.audit();
});

Deno.test("N3 operations on one draft that meet in a group: sent once, and nothing that came late is lost unseen", async () => {
  await using store = await users();
  const id = await kept(store, PLAIN);
  const send = { name: "sendDraft", input: { id, from: ALICE } } as const;
  const late = {
    name: "detach",
    input: { draft: id, from: ALICE, filename: "a" },
  } as const;
  const more = {
    name: "attach",
    input: {
      draft: id,
      from: ALICE,
      attachment: { type: "text/plain", size: 1, expandedSize: null, filename: "a" },
      content: { kind: "inline", bytes: new Uint8Array(1) },
    },
  } as const;
  assert.deepEqual(results(await store.group(more, send)), ["drafted", "changed meanwhile"]);
  store.audit({ drafts: 1 });
  assert.deepEqual(results(await store.group(late, more, send)), [
    "drafted",
    "drafted",
    "changed meanwhile",
  ]);
  assert.deepEqual(results(await store.group(send, send, more, late)), [
    "sent",
    "already sent",
    "already sent",
    "already sent",
  ]);
  store.audit();
});

Deno.test("N3 a draft is refused for what sending would refuse, and nothing of it is kept", async () => {
  await using store = await users({ maxSize: 100, maxExpandedSize: 100 });
  const id = await kept(store, { ...PLAIN, body: "x".repeat(60), attachments: { a: "y" } });
  const before = rowsOf(store);
  const many = Array.from({ length: 255 }, (_, i): [string, string] => [`f${i}`, ""]);
  const reasons = [
    await keep(store, { ...PLAIN, to: [] }),
    await keep(store, { ...PLAIN, to: ["bob"] }),
    await keep(store, { ...PLAIN, from: "@nobody@here.example" }),
    await keep(store, { ...PLAIN, body: "x".repeat(101) }),
    await keep(store, { ...PLAIN, type: "no type" }),
    await keep(store, { ...PLAIN, start: { replyTo: 99 } }),
    await replace(store, id, { ...PLAIN, to: [BOB, BOB] }),
    await replace(store, id, { ...PLAIN, body: "x".repeat(100) }),
    await replace(store, id, { ...PLAIN, start: { replyTo: id } }),
    await attach(store, id, ALICE, "b", "z".repeat(40)),
    await attach(store, id, ALICE, "../b", "z"),
    await detach(store, id, ALICE, "A"),
  ].map((done) => isProblem(done) ? done.reason : done.kind);
  assert.deepEqual(reasons, [
    "bad recipients",
    "bad address",
    "sender unknown",
    "too big",
    "bad content",
    GONE,
    "bad recipients",
    "too big",
    GONE,
    "too big",
    "bad content",
    GONE,
  ]);
  assert.deepEqual(rowsOf(store), before);
  drafted(await attach(store, id, ALICE, "b", "z".repeat(39)));
  const full = await kept(store, { ...PLAIN, attachments: Object.fromEntries(many) });
  assert.match(refused(await attach(store, full, ALICE, "f", "")).message, /more than 255/);
  drafted(await attach(store, full, ALICE, "f7", "again"));
  store.audit({ drafts: 2 });
});

Deno.test("N3 data of another size than was declared is refused", async () => {
  await using store = await users();
  const id = await kept(store, PLAIN);
  const fields = {
    from: ALICE,
    to: [BOB],
    start: { topic: "" },
    body: { type: "text/plain", size: 2, expandedSize: null },
    important: false,
    noReply: false,
    content: { kind: "inline", bytes: new Uint8Array(3) },
  } as const;
  const outcomes = await store.group(
    { name: "draft", input: { ...fields, attachments: [] } },
    { name: "replaceDraft", input: { ...fields, id } },
  );
  assert.deepEqual(results(outcomes), ["bad content", "bad content"]);
  assert.deepEqual(partsOf(store, id), [["", "hello"]]);
  store.audit({ drafts: 1 });
});

Deno.test("N9 compressed parts count as sent and expanded, and a part of another size is refused", async () => {
  await using store = await users({ maxSize: 100, maxExpandedSize: 1000 });
  const id = await kept(store, PLAIN);
  const attach = (size: number, expandedSize: number, bytes: number) =>
    store.writer.submit("attach", {
      draft: id,
      from: ALICE,
      attachment: { type: "text/plain", size, expandedSize, filename: "a" },
      content: { kind: "inline", bytes: new Uint8Array(bytes) },
    });
  assert.equal(refused(await attach(95, 996, 95)).reason, "too big");
  assert.equal(refused(await attach(96, 900, 96)).reason, "too big");
  assert.equal(refused(await attach(95, 900, 94)).reason, "bad content");
  drafted(await attach(95, 995, 95));
  store.audit({ drafts: 1 });
});

Deno.test("S5 a limit on sending refuses a draft when it is sent, and it waits for a better day", async () => {
  await using store = await TestStore.open([
    { address: ALICE, limits: { send_bytes_per_message: 3 } },
    BOB,
  ]);
  const id = await kept(store, { ...PLAIN, attachments: { a: "x" } });
  assert.equal(refused(await sendDraft(store, id, ALICE)).reason, "over quota");
  store.audit({ drafts: 1 });
  await store.writer.submit("setUser", { key: ALICE, limits: { send_bytes_per_message: null } });
  sent(await sendDraft(store, id, ALICE));
  store.audit();
});

Deno.test("a sender has no more than a thousand drafts", async () => {
  await using store = await users();
  const draft = {
    name: "draft",
    input: {
      from: ALICE,
      to: [BOB],
      start: { topic: "" },
      body: { type: "text/plain", size: 0, expandedSize: null },
      attachments: [],
      important: false,
      noReply: false,
      content: { kind: "inline", bytes: new Uint8Array() },
    },
  } as const;
  const done = results(await store.group(...Array.from({ length: 1001 }, () => draft)));
  assert.deepEqual(done.slice(999), ["drafted", "over quota"]);
  sent(await sendDraft(store, 1));
  drafted(await keep(store, PLAIN));
});

Deno.test("B8 a draft has no more than a hundred batches, and they outlast its recipients", async () => {
  await using store = await users();
  const id = await kept(store, PLAIN);
  for (let i = 0; i < 100; i++) drafted(await store.addTo(id, ALICE, `@u${i}@far.example`));
  assert.match(refused(await store.addTo(id, ALICE, CAROL)).message, /100 times: send it first/);
  drafted(await replace(store, id, { ...PLAIN, to: [CAROL] }));
  sent(await sendDraft(store, id));
  assert.equal(store.count("message"), 101);
  store.audit();
});

Deno.test("N3 the chunks of an attachment that was refused are thrown away, and those of a kept one survive a crash", async () => {
  await using store = await users({ maxSize: 5 * CHUNK });
  const id = await kept(store, PLAIN);
  refused(await attach(store, id, ALICE, "a", noise(5 * CHUNK)));
  refused(await attach(store, id, BOB, "a", noise(2 * CHUNK)));
  assert.deepEqual(rowsOf(store), { draft: 1, draft_part: 1, content: 1, chunk: 1 });
  drafted(await attach(store, id, ALICE, "a", noise(2 * CHUNK)));
  await using after = store.crash();
  after.audit({ drafts: 1 });
  sent(await sendDraft(after, id));
  after.audit();
});
