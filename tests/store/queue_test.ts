// What the operator does with the queue: deliveries are retried now, or cancelled (row D9).

import assert from "node:assert/strict";
import type { AttemptOutcome } from "../../src/store/mod.ts";
import { HERE, holdClock, sent, TestStore } from "./support.ts";

const ALICE = `@alice@${HERE}`;
const BOB = `@bob@${HERE}`;
const CAROL = "@carol@far.example";
const EVE = "@eve@other.example";
const FAR = "far.example";

function cancel(store: TestStore, message: number, domain: string | null = null): Promise<number> {
  return store.writer.submit("cancel", { message, domain });
}

function retry(store: TestStore, message: number | null): Promise<number> {
  return store.writer.submit("retry", { message });
}

Deno.test("D9 a retry makes what waits due now: of one message with its batches, or all", async () => {
  using clock = holdClock();
  await using store = await TestStore.open([ALICE]);
  const one = sent(await store.send({ from: ALICE, to: [CAROL, EVE] }));
  const other = sent(await store.send({ from: ALICE, to: [CAROL] }));
  const later = clock.at + 1000;
  for (const domain of [FAR, "other.example"]) {
    await store.record(one, domain, { kind: "failed", reason: "no" }, later);
  }
  await store.record(other, FAR, { kind: "failed", reason: "no" }, later);
  const due = (domain: string) =>
    store.readAsHost((reader) => reader.dueDeliveries(domain, clock.at, 9))
      .map(({ message }) => message);
  assert.deepEqual(due(FAR), []);

  store.changes.length = 0;
  clock.at += 1;
  assert.equal(await retry(store, one.id), 2);
  assert.deepEqual(due(FAR), [one.id]);
  assert.deepEqual(due("other.example"), [one.id]);
  assert.deepEqual(store.woken, [FAR, "other.example"]);
  assert.equal(await retry(store, null), 3);
  assert.deepEqual(due(FAR), [one.id, other.id]);
  assert.equal(store.deliveryTo(one.id, CAROL).attempts, 1, "no attempt is forgotten");
});

Deno.test("D9 a retry of a message takes its batches along, and leaves what is blocked or over", async () => {
  await using store = await TestStore.open([ALICE]);
  const { id } = sent(await store.send({ from: ALICE, to: [CAROL, EVE] }));
  await store.record({ id }, "other.example", { kind: "codes", codes: [200], lost: null });
  const batch = sent(await store.addTo(id, ALICE, "@gina@third.example"));
  assert.deepEqual(store.outbound(batch), {
    [FAR]: "blocked",
    "other.example": "waiting",
    "third.example": "waiting",
  });
  assert.equal(await retry(store, id), 3, "far.example's original, and two of the batch");
  assert.equal(await retry(store, batch.id), 2);
  assert.equal(await retry(store, 99), 0);
  assert.equal(store.outbound(batch)[FAR], "blocked");
});

Deno.test("D9 a cancelled delivery is over: to one domain, or of a message with its batches to all", async () => {
  await using store = await TestStore.open([ALICE, BOB]);
  const { id } = sent(await store.send({ from: ALICE, to: [CAROL, EVE, BOB] }));
  const batch = sent(await store.addTo(id, ALICE, "@gina@third.example"));
  assert.equal(await cancel(store, id, "other.example"), 2);
  assert.deepEqual(store.delivery(id), {
    [CAROL]: "pending",
    [EVE]: "failed",
    [BOB]: "local 200",
    "@gina@third.example": "pending",
  });
  assert.equal(store.deliveryTo(id, EVE).reason, "cancelled");
  assert.equal(await cancel(store, id, "other.example"), 0, "there is nothing left");

  assert.equal(await cancel(store, id), 3);
  assert.deepEqual(store.outbound({ id }), { [FAR]: "cancelled", "other.example": "cancelled" });
  assert.deepEqual(new Set(Object.values(store.outbound(batch))), new Set(["cancelled"]));
  assert.deepEqual(store.read((mailbox) => mailbox.queue()), []);
  assert.equal(await cancel(store, 99), 0);
  store.audit();
});

Deno.test("D9 a batch is cancelled by itself, and its original goes on", async () => {
  await using store = await TestStore.open([ALICE]);
  const { id } = sent(await store.send({ from: ALICE, to: [CAROL] }));
  const batch = sent(await store.addTo(id, ALICE, EVE));
  assert.equal(await cancel(store, batch.id), 2);
  assert.deepEqual(store.outbound({ id }), { [FAR]: "waiting" });
});

Deno.test("D6 an answer whose parent is cancelled waits no longer", async () => {
  await using store = await TestStore.open([ALICE]);
  const { id } = sent(await store.send({ from: ALICE, to: [CAROL] }));
  const answer = sent(await store.send({ from: ALICE, to: [CAROL], start: { replyTo: id } }));
  store.changes.length = 0;
  await cancel(store, id);
  assert.deepEqual(store.outbound(answer), { [FAR]: "waiting" });
  assert.deepEqual(new Set(store.woken), new Set([FAR]));
});

Deno.test("D9 the host hears of what is cancelled, so that it wakes up for it no more", async () => {
  await using store = await TestStore.open([ALICE]);
  const { id } = sent(await store.send({ from: ALICE, to: [CAROL] }));
  store.changes.length = 0;
  await cancel(store, id);
  assert.deepEqual(store.woken, [FAR]);
});

Deno.test("D9 a cancelled delivery that was full keeps that code", async () => {
  await using store = await TestStore.open([ALICE]);
  const { id } = sent(await store.send({ from: ALICE, to: [CAROL] }));
  await store.record({ id }, FAR, { kind: "codes", codes: [101], lost: null });
  await cancel(store, id);
  assert.deepEqual(store.delivery(id), { [CAROL]: "failed 101" });
  assert.equal(store.deliveryTo(id, CAROL).reason, "cancelled");
});

const UNDER_WAY: readonly (readonly [string, AttemptOutcome, string])[] = [
  ["that is accepted counts", { kind: "codes", codes: [200], lost: null }, "delivered 200"],
  ["that is a duplicate counts", { kind: "rejected", code: 10 }, "delivered 10"],
  ["that is refused is recorded", { kind: "rejected", code: 4 }, "failed 4"],
  [
    "that is refused for one is recorded",
    { kind: "codes", codes: [102], lost: null },
    "failed 102",
  ],
  ["that comes to nothing changes nothing", { kind: "failed", reason: "no" }, "failed"],
  ["that is put off changes nothing", { kind: "rejected", code: 5 }, "failed"],
  ["that finds it full changes nothing", { kind: "codes", codes: [101], lost: null }, "failed"],
];

for (const [what, outcome, expected] of UNDER_WAY) {
  Deno.test(`D9 an exchange under way when it is cancelled ${what}`, async () => {
    await using store = await TestStore.open([ALICE]);
    const { id } = sent(await store.send({ from: ALICE, to: [CAROL] }));
    await cancel(store, id);
    assert.equal(await store.record({ id }, FAR, outcome), "finished");
    assert.deepEqual(store.delivery(id), { [CAROL]: expected });
    if (expected === "failed") assert.equal(store.deliveryTo(id, CAROL).reason, "cancelled");
    assert.deepEqual(store.outbound({ id }), { [FAR]: "cancelled" });
    assert.equal(store.readAsHost((reader) => reader.isWaiting(id, FAR)), false);
    store.audit();
  });
}

Deno.test("D9 a retry while an attempt is under way does not make a second one of it", async () => {
  using clock = holdClock();
  await using store = await TestStore.open([ALICE]);
  const { id } = sent(await store.send({ from: ALICE, to: [CAROL] }));
  assert.equal(store.readAsHost((reader) => reader.isWaiting(id, FAR)), true);
  assert.equal(await retry(store, id), 1);
  assert.equal(
    await store.record({ id }, FAR, { kind: "rejected", code: 5 }, clock.at + 60),
    "waiting",
  );
  const view = store.deliveryTo(id, CAROL);
  assert.equal(view.attempts, 1);
  assert.equal(view.next_attempt, clock.at + 60);
});
