// What came of attempts to deliver: a last word for each recipient, another attempt, or the end of the window.

import assert from "node:assert/strict";
import type { AttemptOutcome, Sent } from "../../src/store/mod.ts";
import { HERE, holdClock, sent, TestStore } from "./support.ts";

const ALICE = `@alice@${HERE}`;
const BOB = `@bob@${HERE}`;
const CAROL = "@carol@far.example";
const DORA = "@dora@far.example";
const EVE = "@eve@other.example";
const FAR = "far.example";
const WINDOW = 1000;

async function sentTo(...to: string[]): Promise<{ store: TestStore; message: Sent }> {
  const store = await TestStore.open([ALICE, BOB], { window: WINDOW });
  return { store, message: sent(await store.send({ from: ALICE, to, body: "news" })) };
}

function codes(...codes: number[]): AttemptOutcome {
  return { kind: "codes", codes, lost: null };
}

function rejected(code: number): AttemptOutcome {
  return { kind: "rejected", code };
}

Deno.test("D5 each recipient's code is recorded, in their order on the message", async () => {
  const { store: opened, message } = await sentTo(CAROL, EVE, DORA, "@fred@far.example");
  await using store = opened;
  assert.equal(await store.record(message, FAR, codes(200, 100, 102)), "finished");
  assert.deepEqual(store.delivery(message.id), {
    [CAROL]: "delivered 200",
    [EVE]: "pending",
    [DORA]: "failed 100",
    "@fred@far.example": "failed 102",
  });
  assert.match(store.deliveryTo(message.id, DORA).reason ?? "", /user unknown \(100\): the host/);
  assert.deepEqual(store.outbound(message), { [FAR]: "done", "other.example": "waiting" });
  store.audit();
});

const LAST_WORDS: readonly (readonly [AttemptOutcome, string, string])[] = [
  ...[1, 2, 4, 6, 7, 8, 9].map((code) => [rejected(code), `failed ${code}`, "failed"] as const),
  [rejected(10), "delivered 10", "done"],
  [codes(100), "failed 100", "failed"],
  [codes(102), "failed 102", "failed"],
  [codes(105), "failed 105", "failed"],
  [codes(104), "failed 104", "failed"],
  [codes(199), "failed 199", "failed"],
  [codes(103), "delivered 103", "done"],
  [codes(200), "delivered 200", "done"],
];

for (const [outcome, recipient, delivery] of LAST_WORDS) {
  const said = outcome.kind === "rejected" ? `a rejection with ${outcome.code}` : recipient;
  Deno.test(`D4 the last word: ${said}`, async () => {
    const { store: opened, message } = await sentTo(CAROL);
    await using store = opened;
    assert.equal(await store.record(message, FAR, outcome), "finished");
    assert.deepEqual(store.delivery(message.id), { [CAROL]: recipient });
    assert.deepEqual(store.outbound(message), { [FAR]: delivery });
    const { reason, next_attempt } = store.deliveryTo(message.id, CAROL);
    assert.equal(reason === null, recipient.startsWith("delivered"), `its reason is ${reason}`);
    assert.equal(next_attempt, null);
    assert.deepEqual(store.read((mailbox) => mailbox.queue()), []);
    store.audit();
  });
}

Deno.test("D4 a rejection is recorded for all recipients there, and for no other domain's", async () => {
  const { store: opened, message } = await sentTo(CAROL, EVE, DORA);
  await using store = opened;
  await store.record(message, FAR, rejected(4));
  assert.deepEqual(store.delivery(message.id), {
    [CAROL]: "failed 4",
    [EVE]: "pending",
    [DORA]: "failed 4",
  });
});

Deno.test("D6 a final 6 tells which way out there is", async () => {
  const { store: opened, message } = await sentTo(CAROL);
  await using store = opened;
  await store.record(message, FAR, rejected(6));
  assert.match(
    store.deliveryTo(message.id, CAROL).reason ?? "",
    /add the recipient to the message that this answers, or send them that message first/,
  );
});

const TEMPORARY: readonly (readonly [string, AttemptOutcome, RegExp])[] = [
  ["no host that answers", { kind: "failed", reason: "nobody answers" }, /nobody answers/],
  ["a rejection with 3", rejected(3), /undisclosed \(3\)/],
  ["a rejection with 5", rejected(5), /insufficient resources \(5\)/],
  ["a full mailbox", codes(101), /user full \(101\)/],
  ["a connection lost before the codes", { kind: "codes", codes: [], lost: "cut off" }, /cut off/],
];

for (const [what, outcome, why] of TEMPORARY) {
  Deno.test(`D6 after ${what} it is tried again until the window ends, then failed`, async () => {
    using clock = holdClock();
    const { store: opened, message } = await sentTo(CAROL);
    await using store = opened;
    const start = clock.at;
    clock.at += 10;
    assert.equal(await store.record(message, FAR, outcome, start + 50), "waiting");
    let view = store.deliveryTo(message.id, CAROL);
    assert.equal(view.state, "pending");
    assert.equal(view.code, null, "no last word yet");
    assert.equal(view.attempts, 1);
    assert.equal(view.next_attempt, start + 50);
    assert.match(view.reason ?? "", why);
    const due = (now: number) => store.readAsHost((reader) => reader.dueDeliveries(FAR, now, 9));
    assert.equal(due(start + 49).length, 0);
    assert.equal(due(start + 51)[0]?.attempts, 1);
    assert.equal(store.readAsHost((reader) => reader.nextDue(FAR)), start + 50);

    clock.at += 10;
    assert.equal(await store.record(message, FAR, outcome, start + 9 * WINDOW), "waiting");
    const [queued] = store.read((mailbox) => mailbox.queue());
    assert.equal(queued?.next_attempt, start + WINDOW, "a last attempt when the window ends");
    assert.match(queued?.last_error ?? "", why);

    clock.at = start + WINDOW;
    assert.equal(await store.record(message, FAR, outcome, start + 2 * WINDOW), "finished");
    view = store.deliveryTo(message.id, CAROL);
    assert.equal(view.state, "failed");
    assert.match(view.reason ?? "", /^given up: /);
    assert.match(view.reason ?? "", why);
    assert.equal(view.attempts, 3);
    assert.deepEqual(store.outbound(message), { [FAR]: "failed" });
    assert.equal(store.readAsHost((reader) => reader.nextDue(FAR)), null);
    store.audit();
  });
}

Deno.test("D6 whoever was full keeps that code when the window ends, and gets it when there is room", async () => {
  using clock = holdClock();
  const { store: opened, message } = await sentTo(CAROL, DORA);
  await using store = opened;
  assert.equal(await store.record(message, FAR, codes(101, 101)), "waiting");
  assert.equal(await store.record(message, FAR, codes(200, 101)), "waiting");
  assert.deepEqual(store.delivery(message.id), { [CAROL]: "delivered 200", [DORA]: "pending" });
  clock.at += WINDOW;
  await store.record(message, FAR, { kind: "failed", reason: "nobody answers" });
  assert.deepEqual(store.delivery(message.id), { [CAROL]: "delivered 200", [DORA]: "failed 101" });
  assert.match(store.deliveryTo(message.id, DORA).reason ?? "", /given up: nobody answers/);
  assert.deepEqual(store.outbound(message), { [FAR]: "failed" });
});

Deno.test("D5 a connection lost midway leaves the unanswered pending, and what was said stands", async () => {
  const { store: opened, message } = await sentTo(CAROL, DORA, "@fred@far.example");
  await using store = opened;
  const lost = { kind: "codes", codes: [200, 100], lost: "connection lost" } as const;
  assert.equal(await store.record(message, FAR, lost), "waiting");
  assert.deepEqual(store.delivery(message.id), {
    [CAROL]: "delivered 200",
    [DORA]: "failed 100",
    "@fred@far.example": "pending",
  });
  assert.match(
    store.deliveryTo(message.id, "@fred@far.example").reason ?? "",
    /connection lost/,
  );
  assert.equal(await store.record(message, FAR, codes(103, 100, 200)), "finished");
  assert.deepEqual(store.delivery(message.id), {
    [CAROL]: "delivered 200",
    [DORA]: "failed 100",
    "@fred@far.example": "delivered 200",
  });
  store.audit();
});

Deno.test("D7 a connection lost when everybody's last word is known is no reason to send again", async () => {
  const { store: opened, message } = await sentTo(CAROL, DORA);
  await using store = opened;
  await store.record(message, FAR, codes(101, 200));
  const lost = { kind: "codes", codes: [200], lost: "connection lost" } as const;
  assert.equal(await store.record(message, FAR, lost), "finished");
  assert.deepEqual(store.outbound(message), { [FAR]: "done" });
});

Deno.test("D5 a later code never replaces a 200", async () => {
  for (const later of [100, 101, 102, 103, 105]) {
    const { store: opened, message } = await sentTo(CAROL, DORA);
    await using store = opened;
    await store.record(message, FAR, codes(200, 101));
    await store.record(message, FAR, codes(later, 200));
    assert.deepEqual(store.delivery(message.id), {
      [CAROL]: "delivered 200",
      [DORA]: "delivered 200",
    }, `${later} came later`);
    assert.deepEqual(store.outbound(message), { [FAR]: "done" });
  }
});

Deno.test("D5 a 200 after a final refusal counts: the host takes them now", async () => {
  const { store: opened, message } = await sentTo(CAROL, DORA);
  await using store = opened;
  assert.equal(await store.record(message, FAR, codes(100, 101)), "waiting");
  assert.equal(await store.record(message, FAR, codes(200, 200)), "finished");
  assert.deepEqual(store.delivery(message.id), {
    [CAROL]: "delivered 200",
    [DORA]: "delivered 200",
  });
});

Deno.test("D7 after a crash, 10 counts as delivered for those who wait, whatever they had", async () => {
  const { store: opened, message } = await sentTo(CAROL, DORA, "@fred@far.example");
  await using store = opened;
  await store.record(message, FAR, codes(100, 101, 200));
  await store.reopen();
  await store.record(message, FAR, rejected(10));
  assert.deepEqual(store.delivery(message.id), {
    [CAROL]: "failed 100",
    [DORA]: "delivered 10",
    "@fred@far.example": "delivered 200",
  });
  assert.deepEqual(store.outbound(message), { [FAR]: "done" });
});

Deno.test("D7 what is queued is there after a restart, with its attempts and its time", async () => {
  using clock = holdClock();
  const { store: opened, message } = await sentTo(CAROL, EVE);
  await using store = opened;
  await store.record(message, FAR, rejected(5), clock.at + 30);
  const before = store.read((mailbox) => mailbox.queue());
  await store.reopen();
  assert.deepEqual(store.read((mailbox) => mailbox.queue()), before);
  assert.deepEqual(store.readAsHost((reader) => reader.waitingDomains()), [
    { domain: FAR, due: clock.at + 30 },
    { domain: "other.example", due: clock.at },
  ]);
  assert.deepEqual(before.map(({ domain, attempts }) => [domain, attempts]), [
    ["other.example", 0],
    [FAR, 1],
  ]);
});

for (
  const [end, outcome] of [
    ["delivered", codes(200)],
    ["refused", rejected(1)],
    ["given up", { kind: "failed", reason: "nobody answers" }],
  ] as const
) {
  Deno.test(`D6 what waited for a message goes out once that is ${end}`, async () => {
    using clock = holdClock();
    const { store: opened, message } = await sentTo(CAROL, EVE);
    await using store = opened;
    const start = { replyTo: message.id };
    clock.at += 1;
    const answer = sent(await store.send({ from: ALICE, to: [CAROL, EVE], start }));
    const batch = sent(await store.addTo(message.id, ALICE, DORA));
    assert.deepEqual(store.outbound(answer)[FAR], "blocked");
    assert.deepEqual(store.outbound(batch)[FAR], "blocked");
    if (end === "given up") clock.at += WINDOW - 1;
    store.changes.length = 0;
    await store.record(message, FAR, outcome);
    assert.deepEqual(store.outbound(answer), { [FAR]: "waiting", "other.example": "blocked" });
    assert.deepEqual(store.outbound(batch), { [FAR]: "waiting", "other.example": "blocked" });
    assert.deepEqual(store.woken, [FAR]);
    const due = store.readAsHost((reader) => reader.dueDeliveries(FAR, clock.at, 9));
    assert.deepEqual(due.map((delivery) => delivery.message), [answer.id, batch.id], "at once");
    store.audit();
  });
}

Deno.test("what comes of a delivery that is not there changes nothing", async () => {
  const { store: opened, message } = await sentTo(CAROL);
  await using store = opened;
  assert.equal(await store.record({ id: 99 }, FAR, codes(200)), "finished");
  assert.equal(await store.record(message, "elsewhere.example", codes(200)), "finished");
  assert.deepEqual(store.delivery(message.id), { [CAROL]: "pending" });
});
