// Recipients that users of this host add to a message, and what comes of delivering such a batch.

import assert from "node:assert/strict";
import { hex } from "../../src/wire/mod.ts";
import { addressOf } from "../support/arbitraries.ts";
import { addTo, draft } from "../support/message.ts";
import { HERE, refused, results, sent, TestStore } from "./support.ts";

const ALICE = `@alice@${HERE}`;
const BOB = `@bob@${HERE}`;
const CHRIS = `@chris@${HERE}`;
const CAROL = "@carol@far.example";
const DORA = "@dora@far.example";
const EVE = "@eve@other.example";
const GINA = "@gina@third.example";
const FAR = "far.example";

function users(): Promise<TestStore> {
  return TestStore.open([ALICE, BOB, CHRIS]);
}

Deno.test("B5 the sender's batch goes to every participant's domain, and not to their own", async () => {
  await using store = await users();
  const { id } = sent(await store.send({ from: ALICE, to: [CAROL, BOB], body: "see" }));
  await store.record({ id }, FAR, { kind: "codes", codes: [200], lost: null });
  const batch = sent(await store.addTo(id, ALICE, EVE, CHRIS));
  assert.deepEqual(store.outbound(batch), { [FAR]: "waiting", "other.example": "waiting" });
  assert.deepEqual(store.received(addressOf(CHRIS)), [id]);
  assert.deepEqual(store.received(addressOf(BOB)), [id], "once");
  const notified = store.readAsHost((reader) => reader.dueDeliveries(FAR, Date.now(), 9));
  assert.deepEqual(notified.map(({ message }) => message), [batch.id]);
  assert.equal(store.count("content"), 1, "the content is shared");
  store.audit();
});

Deno.test("B5 a recipient's batch goes to the domain of from too, which is told only", async () => {
  await using store = await users();
  const message = draft({ from: CAROL, to: [ALICE, EVE], body: "see" });
  await store.accept(message);
  const batch = sent(await store.addTo(store.idOf(message), ALICE, GINA));
  assert.deepEqual(store.outbound(batch), {
    [FAR]: "waiting",
    "other.example": "waiting",
    "third.example": "waiting",
  });
  assert.equal(await store.record(batch, FAR, { kind: "add to accepted" }), "finished");
  assert.equal(store.outbound(batch)[FAR], "done");
  assert.deepEqual(store.delivery(store.idOf(message)), {
    [ALICE]: "local 200",
    [GINA]: "pending",
  }, "only those who were added wait for it");
  store.audit();
});

Deno.test("B6 the batch repeats the original but for its pid, its time and whom it adds", async () => {
  await using store = await users();
  const message = draft({
    from: CAROL,
    to: [ALICE, DORA],
    body: "long ".repeat(30_000),
    compress: true,
    important: true,
    attachments: [{ filename: "a.txt", body: "x", type: new TextEncoder().encode("text/html") }],
  });
  await store.accept(message);
  const { hash, time } = sent(await store.addTo(store.idOf(message), ALICE, EVE, BOB));
  const header = (of: typeof hash) => store.readAsHost((reader) => reader.stored(of))?.header;
  const [original, batch] = [header(message.hash), header(hash)];
  assert.ok(original !== undefined && batch !== undefined && original.time < time);
  assert.deepEqual(batch, {
    ...original,
    pid: message.hash,
    topic: null,
    time,
    addTo: { from: addressOf(ALICE), to: [addressOf(EVE), addressOf(BOB)] },
  });
  store.audit();
});

Deno.test("D8 of a batch only the added ones are judged here", async () => {
  await using store = await TestStore.open([ALICE, BOB, { address: CHRIS, accepting: false }]);
  const nobody = `@nobody@${HERE}`;
  const { id } = sent(await store.send({ from: ALICE, to: [CHRIS, nobody] }));
  await store.addUser(nobody);
  const batch = sent(await store.addTo(id, ALICE, BOB, "@x@here.example"));
  const rows = store.rows("SELECT key, code FROM recipient WHERE message = ?", batch.id);
  assert.deepEqual(rows.map((row) => [row.text("key"), row.integer("code")]), [
    [BOB, 200],
    ["@x@here.example", 100],
  ]);
  assert.deepEqual(store.received(addressOf(nobody)), []);
});

Deno.test("D1 someone in to can be added again, and then sees the message once", async () => {
  await using store = await users();
  const { id } = sent(await store.send({ from: ALICE, to: [BOB] }));
  sent(await store.addTo(id, ALICE, BOB));
  assert.deepEqual(store.received(addressOf(BOB)), [id]);
  store.audit();
});

Deno.test("D6 a batch waits for this host's own delivery of its original", async () => {
  await using store = await users();
  const { id } = sent(await store.send({ from: ALICE, to: [CAROL] }));
  const batch = sent(await store.addTo(id, ALICE, DORA, EVE));
  assert.deepEqual(store.outbound(batch), { [FAR]: "blocked", "other.example": "waiting" });
  await store.record({ id }, FAR, { kind: "codes", codes: [101], lost: null });
  assert.equal(store.outbound(batch)[FAR], "blocked", "that is unfinished while it is tried");
  await store.record({ id }, FAR, { kind: "codes", codes: [200], lost: null });
  assert.equal(store.outbound(batch)[FAR], "waiting");
  assert.deepEqual(
    store.read((mailbox) => mailbox.queue()).map(({ id, batch_id }) => ({
      id,
      batch_id,
    })),
    [{ id, batch_id: batch.id }, { id, batch_id: batch.id }],
  );
});

Deno.test("D1 refused: an adder who is neither sender nor in to, is unknown, or not from here", async () => {
  await using store = await users();
  const { id } = sent(await store.send({ from: ALICE, to: [CAROL] }));
  sent(await store.addTo(id, ALICE, BOB));
  const reasons = [];
  for (const adder of [CHRIS, BOB, `@nobody@${HERE}`, CAROL, "nobody"]) {
    reasons.push(refused(await store.addTo(id, adder, EVE)).reason);
  }
  assert.deepEqual(reasons, [
    "not a participant",
    "not a participant",
    "sender unknown",
    "sender unknown",
    "bad address",
  ]);
  assert.equal(store.count("message"), 2);
});

Deno.test("D1 refused: nobody to add, too many, twice the same, no address, no message", async () => {
  await using store = await users();
  const { id } = sent(await store.send({ from: ALICE, to: [CAROL] }));
  const many = Array.from({ length: 256 }, (_, i) => `@user${i}@far.example`);
  const refusals = [
    await store.addTo(id, ALICE),
    await store.addTo(id, ALICE, ...many),
    await store.addTo(id, ALICE, EVE, EVE.toUpperCase()),
    await store.addTo(id, ALICE, "eve"),
    await store.addTo(99, ALICE, EVE),
  ].map(refused);
  assert.deepEqual(refusals.map(({ reason }) => reason), [
    "bad recipients",
    "bad recipients",
    "bad recipients",
    "bad address",
    "message not found",
  ]);
  sent(await store.addTo(id, ALICE, ...many.slice(1)));
  store.audit();
});

Deno.test("N6 refused: someone of an earlier batch, wherever that came from", async () => {
  await using store = await users();
  const message = draft({ from: CAROL, to: [ALICE] });
  await store.accept(message);
  const id = store.idOf(message);
  await store.acceptBatch(addTo(message, { from: CAROL, to: [GINA] }));
  const batch = sent(await store.addTo(id, ALICE, EVE));
  for (const [given, to] of [[id, GINA], [id, "@EVE@other.example"], [batch.id, EVE]] as const) {
    const problem = refused(await store.addTo(given, ALICE, BOB, to));
    assert.equal(problem.reason, "already added");
    assert.match(problem.message, /was added to message \d+ before: leave it out/);
  }
  sent(await store.addTo(batch.id, ALICE, BOB));
});

Deno.test("N6 two batches at once that add the same one: the first is made", async () => {
  await using store = await users();
  const { id } = sent(await store.send({ from: ALICE, to: [BOB] }));
  const add = (from: string) =>
    ({ name: "addTo", input: { message: id, from, to: [EVE] } }) as const;
  assert.deepEqual(results(await store.group(add(ALICE), add(BOB))), ["sent", "already added"]);
  assert.equal(store.count("message"), 2);
  store.audit();
});

Deno.test("D5 codes of a batch: a first 200 at a to place counts for the original, nothing else there does", async () => {
  await using store = await users();
  const { id } = sent(await store.send({ from: ALICE, to: [CAROL, DORA, "@fred@far.example"] }));
  await store.record({ id }, FAR, { kind: "codes", codes: [200, 102, 100], lost: null });
  const batch = sent(await store.addTo(id, ALICE, "@hal@far.example"));
  const codes = [103, 200, 105, 200];
  assert.equal(
    await store.record(batch, FAR, { kind: "codes", codes, lost: null }),
    "finished",
  );
  assert.deepEqual(store.delivery(id), {
    [CAROL]: "delivered 200",
    [DORA]: "delivered 200",
    "@fred@far.example": "failed 100",
    "@hal@far.example": "delivered 200",
  });
  store.audit();
});

Deno.test("D5 a batch on what came from elsewhere: codes at to places belong to others", async () => {
  await using store = await users();
  const message = draft({ from: CAROL, to: [ALICE, DORA] });
  await store.accept(message);
  const batch = sent(await store.addTo(store.idOf(message), ALICE, "@hal@far.example"));
  await store.record(batch, FAR, { kind: "codes", codes: [103, 101], lost: null });
  assert.equal(store.outbound(batch)[FAR], "waiting");
  await store.record(batch, FAR, { kind: "codes", codes: [103, 200], lost: null });
  assert.deepEqual(store.delivery(batch.id), {
    [ALICE]: "local 200",
    "@hal@far.example": "delivered 200",
  });
});

Deno.test("D7 10 on a batch counts for those who had no code yet; one who had 101 keeps it and fails", async () => {
  await using store = await users();
  const { id } = sent(await store.send({ from: ALICE, to: [BOB] }));
  const batch = sent(await store.addTo(id, ALICE, CAROL, DORA, "@fred@far.example"));
  await store.record(batch, FAR, { kind: "codes", codes: [101, 200], lost: "connection lost" });
  assert.equal(await store.record(batch, FAR, { kind: "rejected", code: 10 }), "finished");
  assert.deepEqual(store.delivery(id), {
    [BOB]: "local 200",
    [CAROL]: "failed 101",
    [DORA]: "delivered 200",
    "@fred@far.example": "delivered 10",
  });
  assert.match(store.deliveryTo(id, CAROL).reason ?? "", /user full \(101\)/);
  assert.deepEqual(store.outbound(batch), { [FAR]: "done" });
  store.audit();
});

Deno.test("a batch is shown under its original, to whoever asks for either", async () => {
  await using store = await users();
  const { id, hash } = sent(await store.send({ from: ALICE, to: [CAROL] }));
  const batch = sent(await store.addTo(id, ALICE, EVE));
  const view = store.read((mailbox) => mailbox.message(batch.id));
  assert.equal(view?.id, id);
  assert.equal(view?.hash, hex(hash));
  assert.deepEqual(view?.add_to, [
    { batch_id: batch.id, hash: hex(batch.hash), from: ALICE, to: [EVE], time: batch.time },
  ]);
  assert.deepEqual(store.read((m) => m.sent(addressOf(ALICE), 9, 0)).map(({ id }) => id), [id]);
});
