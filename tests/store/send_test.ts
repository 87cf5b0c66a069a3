// Sending: what a user of this host sends, what is refused, and the deliveries that come of it.

import assert from "node:assert/strict";
import { hex } from "../../src/wire/mod.ts";
import { addressOf } from "../support/arbitraries.ts";
import { addTo, draft, noise, replyTo } from "../support/message.ts";
import {
  codes,
  HERE,
  refused,
  results,
  type Sending,
  sending,
  sent,
  TestStore,
} from "./support.ts";

const ALICE = `@alice@${HERE}`;
const BOB = `@bob@${HERE}`;
const AWAY = { address: `@away@${HERE}`, accepting: false };
const NOBODY = `@nobody@${HERE}`;
const CAROL = "@carol@far.example";
const DORA = "@dora@far.example";
const EVE = "@eve@other.example";

function users(): Promise<TestStore> {
  return TestStore.open([ALICE, BOB, AWAY]);
}

Deno.test("D8 recipients here are served at once, by the verdicts of the specification", async () => {
  await using store = await users();
  const { id, hash } = sent(
    await store.send({ from: ALICE, to: [BOB, NOBODY, AWAY.address, ALICE], body: "hello" }),
  );
  assert.deepEqual(store.delivery(id), {
    [BOB]: "local 200",
    [NOBODY]: "failed 100",
    [AWAY.address]: "failed 102",
    [ALICE]: "local 200",
  });
  assert.match(store.deliveryTo(id, NOBODY).reason ?? "", /user unknown \(100\)/);
  assert.equal(store.deliveryTo(id, BOB).reason, null);
  assert.deepEqual(store.outbound({ id }), {});
  assert.deepEqual(store.received(addressOf(BOB)), [id]);
  assert.deepEqual(store.read((m) => m.sent(addressOf(ALICE), 10, 0)).map((view) => view.hash), [
    hex(hash),
  ]);
  assert.deepEqual(store.woken, []);
  store.audit();
});

Deno.test("D1 one delivery for each other domain, due at once, all its recipients together", async () => {
  await using store = await users();
  const { id } = sent(
    await store.send({ from: ALICE, to: [CAROL, EVE, BOB, DORA.replace("far", "FAR")] }),
  );
  assert.deepEqual(store.outbound({ id }), {
    "far.example": "waiting",
    "other.example": "waiting",
  });
  assert.deepEqual(store.woken, ["far.example", "other.example"]);
  const now = Date.now() / 1000;
  const [due] = store.readAsHost((reader) => reader.dueDeliveries("far.example", now, 10));
  assert.equal(due?.message, id);
  assert.equal(due?.attempts, 0);
  assert.deepEqual(
    store.read((mailbox) => mailbox.queue()).map(({ domain, recipients }) => [
      domain,
      recipients,
    ]),
    [["far.example", [CAROL, "@dora@FAR.example"]], ["other.example", [EVE]]],
  );
  assert.deepEqual(
    store.readAsHost((reader) => reader.waitingDomains()).map(({ domain }) => domain),
    ["far.example", "other.example"],
  );
  store.audit();
});

Deno.test("R12 what was sent from here is a stored parent from then on, also when nobody took it", async () => {
  await using store = await users();
  const { id, hash } = sent(await store.send({ from: ALICE, to: [NOBODY], body: "into the void" }));
  assert.deepEqual(
    store.readAsHost((reader) => reader.stored(hash))?.header.from.text,
    ALICE,
  );
  const again = sent(await store.send({ from: ALICE, to: [CAROL], start: { replyTo: id } }));
  assert.equal(store.read((mailbox) => mailbox.message(again.id))?.pid, hex(hash));
});

Deno.test("P6 what is sent has the hash of its header and content, small, large and with attachments", async () => {
  await using store = await users();
  const attachments = [{ filename: "a.txt", body: "one" }, { filename: "b c.txt", body: "" }];
  const messages: Sending[] = [
    { from: ALICE, to: [BOB], start: { topic: "Fest für alle" }, important: true, noReply: true },
    { from: ALICE, to: [BOB], body: "with", attachments },
    { from: ALICE, to: [BOB], body: noise(64 * 1024) },
    { from: ALICE, to: [CAROL], body: noise(64 * 1024 + 1) },
    { from: ALICE, to: [CAROL], body: noise(128 * 1024) },
    { from: ALICE, to: [BOB], body: noise(1_000_000), attachments },
  ];
  for (const message of messages) {
    const { id, hash } = sent(await store.send(message));
    const view = store.read((mailbox) => mailbox.message(id));
    assert.equal(view?.hash, hex(hash));
    assert.equal(view?.size, message.body?.length ?? 0);
  }
  store.audit();
  await store.reopen();
  store.audit();
});

Deno.test("W4 a type of the table is sent as one byte, any other in words", async () => {
  await using store = await users();
  for (const [type, kind] of [["text/html", "common"], ["text/x-diff", "text"]] as const) {
    const { hash } = sent(await store.send({ from: ALICE, to: [BOB], type }));
    const header = store.readAsHost((reader) => reader.stored(hash))?.header;
    assert.equal(header?.type.kind, kind);
  }
});

const MANY = Array.from({ length: 256 }, (_, i) => `@user${i}@far.example`);
const REFUSED: readonly (readonly [string, Partial<Sending>, string, RegExp])[] = [
  ["a sender of another domain", { from: CAROL }, "sender unknown", /own domain only/],
  ["a sender who is no user", { from: NOBODY }, "sender unknown", /fmsg user add @nobody/],
  ["a sender who is no address", { from: "alice" }, "bad address", /"alice" is no address/],
  ["no recipient", { to: [] }, "bad recipients", /name at least one/],
  ["256 recipients", { to: MANY }, "bad recipients", /256 recipients .* more than 255/],
  ["a recipient twice", { to: [CAROL, BOB, "@CAROL@FAR.example"] }, "bad recipients", /same/],
  [
    "a recipient twice after folding",
    {
      to: ["@straße@far.example", "@STRASSE@far.example"],
    },
    "bad recipients",
    /name it once/,
  ],
  ["a recipient who is no address", { to: [BOB, "@a..b@far.example"] }, "bad address", /a\.\.b/],
  ["a topic of 256 bytes", { start: { topic: "ü".repeat(128) } }, "bad content", /255 bytes/],
  ["a media type that is none", { type: "text" }, "bad content", /"text" is no media type/],
  ["a media type of 256 letters", { type: `text/${"x".repeat(251)}` }, "bad content", /no media/],
  [
    "an attachment whose name is none",
    {
      attachments: [{ filename: "../x", body: "" }],
    },
    "bad content",
    /rename/,
  ],
  [
    "two attachments of one name",
    {
      attachments: [{ filename: "A.txt", body: "" }, { filename: "a.TXT", body: "" }],
    },
    "bad content",
    /Two attachments are named/,
  ],
  [
    "256 attachments",
    {
      attachments: MANY.map((_, i) => ({ filename: `${i}`, body: "" })),
    },
    "bad content",
    /256 attachments/,
  ],
  ["more than the host takes", { body: "x".repeat(1001) }, "too big", /1001 bytes.*max_size/],
  [
    "more than the host takes in attachments",
    {
      body: "x",
      attachments: [{ filename: "a", body: "x".repeat(1000) }],
    },
    "too big",
    /1001 bytes/,
  ],
  ["an answer to nothing", { start: { replyTo: 99 } }, "message not found", /no message 99/],
];

for (const [what, changes, reason, message] of REFUSED) {
  Deno.test(`D1 refused: ${what}`, async () => {
    await using store = await TestStore.open([ALICE, BOB], {
      maxSize: 1000,
      maxExpandedSize: 1000,
    });
    const problem = refused(await store.send({ from: ALICE, to: [BOB], ...changes }));
    assert.equal(problem.reason, reason);
    assert.match(problem.message, message);
    assert.equal(store.count("message"), 0);
    assert.equal(store.read((m) => m.user(addressOf(ALICE).key))?.usage.send_messages, 0);
    store.audit();
  });
}

Deno.test("D1 refused: a sender who is removed by an operation just before", async () => {
  await using store = await users();
  const outcomes = await store.group(
    { name: "removeUser", input: { key: addressOf(ALICE).key } },
    sending({ from: ALICE, to: [BOB] }),
  );
  assert.deepEqual(results(outcomes), [true, "sender unknown"]);
  assert.equal(store.count("message"), 0);
});

Deno.test("D1 refused: an answer by one who is no participant", async () => {
  await using store = await users();
  const { id } = sent(await store.send({ from: ALICE, to: [CAROL] }));
  const problem = refused(await store.send({ from: BOB, to: [CAROL], start: { replyTo: id } }));
  assert.equal(problem.reason, "not a participant");
});

Deno.test("D1 255 recipients and 255 attachments are sent", async () => {
  await using store = await users();
  const to = MANY.slice(0, 255);
  const attachments = to.map((_, i) => ({ filename: `${i}`, body: "x" }));
  const { id } = sent(await store.send({ from: ALICE, to, attachments }));
  assert.equal(Object.keys(store.delivery(id)).length, 255);
  store.audit();
});

Deno.test("D1 content that is not what the header would declare is refused, and thrown away", async () => {
  await using store = await users();
  const operation = sending({ from: ALICE, to: [BOB], body: "12345" });
  if (operation.name !== "send") assert.fail();
  const { input } = operation;
  const longer = { ...input, body: { ...input.body, size: 6 } };
  const outcomes = await store.group({ name: "send", input: longer });
  assert.deepEqual(results(outcomes), ["bad content"]);
  // It claims to be compressed, and is not.
  const lie = { ...input, body: { ...input.body, expandedSize: 9 } };
  const [outcome] = await store.group({ name: "send", input: lie });
  assert.equal(outcome?.ok, false);
  assert.equal(store.count("message"), 0);
  store.audit();
});

Deno.test("D1 a refused message that is large leaves nothing behind", async () => {
  await using store = await users();
  refused(await store.send({ from: ALICE, to: [], body: noise(300_000) }));
  assert.equal(store.count("chunk"), 0);
  store.audit();
});

Deno.test("D6 an answer waits for the delivery of what it answers, where that is unfinished", async () => {
  await using store = await users();
  const parent = sent(await store.send({ from: ALICE, to: [CAROL, EVE, BOB] }));
  await store.record(parent, "other.example", { kind: "codes", codes: [200], lost: null });
  const answer = sent(
    await store.send({ from: ALICE, to: [CAROL, EVE], start: { replyTo: parent.id } }),
  );
  assert.deepEqual(store.outbound(answer), {
    "far.example": "blocked",
    "other.example": "waiting",
  });
  const waits = store.deliveryTo(answer.id, CAROL);
  assert.equal(waits.state, "pending");
  assert.match(waits.reason ?? "", /waits until the message that it belongs to is delivered/);
  assert.equal(waits.next_attempt, null);
  const due = store.readAsHost((reader) => reader.dueDeliveries("far.example", Date.now(), 10));
  assert.deepEqual(due.map(({ message }) => message), [parent.id], "only the parent is due");

  const next = sent(
    await store.send({ from: BOB, to: [CAROL], start: { replyTo: parent.id } }),
  );
  const last = sent(
    await store.send({ from: ALICE, to: [CAROL], start: { replyTo: answer.id } }),
  );
  store.changes.length = 0;
  await store.record(parent, "far.example", { kind: "codes", codes: [200], lost: null });
  assert.deepEqual(store.woken, ["far.example"]);
  assert.equal(store.outbound(answer)["far.example"], "waiting");
  assert.equal(store.outbound(next)["far.example"], "waiting");
  assert.equal(store.outbound(last)["far.example"], "blocked", "it waits for its own parent");
  store.audit();
});

Deno.test("D6 an answer to what came from elsewhere waits for nothing", async () => {
  await using store = await users();
  const message = draft({ from: CAROL, to: [ALICE] });
  await store.accept(message);
  const start = { replyTo: store.idOf(message) };
  const answer = sent(await store.send({ from: ALICE, to: [CAROL], start }));
  assert.deepEqual(store.outbound(answer), { "far.example": "waiting" });
});

Deno.test("a thread is shown from its root, parents before children, batches under their original", async () => {
  await using store = await users();
  const root = draft({ from: CAROL, to: [ALICE] });
  await store.accept(root);
  await store.acceptBatch(addTo(root, { from: CAROL, to: [BOB] }));
  const id = store.idOf(root);
  const first = sent(await store.send({ from: ALICE, to: [CAROL], start: { replyTo: id } }));
  const second = sent(await store.send({ from: BOB, to: [CAROL], start: { replyTo: id } }));
  const third = replyTo({ fields: { from: ALICE, to: [CAROL] }, hash: first.hash }, {
    from: CAROL,
    to: [ALICE],
  });
  assert.deepEqual(codes(await store.accept(third)), [200]);
  const thread = store.read((mailbox) => mailbox.thread(second.id)).map((view) => view.id);
  assert.deepEqual(thread, [id, first.id, store.idOf(third), second.id]);
});
