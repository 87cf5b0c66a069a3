// What an operator sees of a store at a glance.

import assert from "node:assert/strict";
import type { QuotaUse } from "../../src/store/mod.ts";
import { draft, noise } from "../support/message.ts";
import { HERE, sending, sent, settings, TestStore } from "./support.ts";

const ALICE = `@alice@${HERE}`;
const BOB = `@bob@${HERE}`;
const CAROL = "@carol@far.example";
const { quota: NO_LIMITS } = settings();

/** All that is near its end, and after how many looks. */
function near(store: TestStore, defaults: Partial<typeof NO_LIMITS> = {}): [QuotaUse[], number] {
  return store.readAsHost((reader) => {
    const looks = [...reader.quotasNearTheirEnd({ ...NO_LIMITS, ...defaults })];
    return [[...looks.at(-1) ?? []], looks.length];
  });
}

/** Limits that are near their end, as `address limit used/max`. */
function uses(store: TestStore, defaults: Partial<typeof NO_LIMITS> = {}): string[] {
  return near(store, defaults)[0].map(({ address, limit, used, max }) =>
    `${address} ${limit} ${used}/${max}`
  );
}

Deno.test("an empty store holds nothing, and nothing waits", async () => {
  await using store = await TestStore.open();
  assert.deepEqual(store.readAsHost((reader) => [reader.overview(), reader.mostWaiting()]), [
    { messages: 0, users: 0, staged: 0, waiting: 0, oldest: null },
    [],
  ]);
});

Deno.test("messages, users and what is on its way in are counted", async () => {
  await using store = await TestStore.open([ALICE, BOB]);
  await store.accept(draft({ from: CAROL, to: [ALICE, BOB] }));
  sent(await store.send({ from: ALICE, to: [BOB] }));
  await store.group({ name: "stage", input: { token: "x", bytes: noise(10) } });
  const { messages, users, staged } = store.readAsHost((reader) => reader.overview());
  assert.deepEqual([messages, users, staged], [2, 2, 1]);
});

Deno.test("what waits is counted by domain, the most first, with the error of what was tried most", async () => {
  await using store = await TestStore.open([ALICE]);
  const first = sent(await store.send({ from: ALICE, to: [CAROL, "@d@far.example"] }));
  const second = sent(await store.send({ from: ALICE, to: ["@e@other.example", CAROL] }));
  const done = sent(await store.send({ from: ALICE, to: ["@z@gone.example"] }));
  await store.record(done, "gone.example", { kind: "rejected", code: 4 });
  await store.record(second, "far.example", { kind: "failed", reason: "once" }, 5000);
  await store.record(first, "far.example", { kind: "failed", reason: "once" }, 4000);
  await store.record(first, "far.example", { kind: "failed", reason: "twice" }, 6000);
  const [overview, domains] = store.readAsHost((reader) => [
    reader.overview(),
    reader.mostWaiting(),
  ]);
  const time = store.rows("SELECT time FROM message WHERE id = ?", first.id)[0]?.real("time");
  assert.deepEqual([overview.waiting, overview.oldest], [3, time]);
  const [far, other, ...rest] = domains;
  assert.deepEqual(far, {
    domain: "far.example",
    waiting: 2,
    attempts: 2,
    next_attempt: 5000,
    last_error: "twice",
  });
  assert.deepEqual([other?.domain, other?.attempts, other?.last_error], ["other.example", 0, null]);
  assert.deepEqual(rest, []);
});

Deno.test("a reply that waits for the message before it waits too, and adds no attempt", async () => {
  await using store = await TestStore.open([ALICE]);
  const parent = sent(await store.send({ from: ALICE, to: [CAROL] }));
  await store.record(parent, "far.example", { kind: "failed", reason: "nobody" }, 4000);
  sent(await store.send({ from: ALICE, to: [CAROL], start: { replyTo: parent.id } }));
  const [domain] = store.readAsHost((reader) => reader.mostWaiting());
  assert.deepEqual([domain?.waiting, domain?.attempts, domain?.next_attempt], [2, 1, 4000]);
  assert.equal(store.readAsHost((reader) => reader.overview()).waiting, 2);
});

Deno.test("of many domains those for which most waits are told", async () => {
  await using store = await TestStore.open([ALICE]);
  const to = Array.from({ length: 30 }, (_, i) => `@x@d${String(i).padStart(2, "0")}.example`);
  sent(await store.send({ from: ALICE, to }));
  sent(await store.send({ from: ALICE, to: to.slice(25) }));
  const domains = store.readAsHost((reader) => reader.mostWaiting());
  assert.equal(domains.length, 20);
  assert.deepEqual(domains.slice(0, 6).map(({ domain, waiting }) => [domain, waiting]), [
    ...[25, 26, 27, 28, 29].map((i) => [`d${i}.example`, 2]),
    ["d00.example", 1],
  ]);
  assert.equal(store.readAsHost((reader) => reader.overview()).waiting, 35);
});

Deno.test("S5 limits of which most is used are told, the fullest first", async () => {
  await using store = await TestStore.open([
    { address: ALICE, limits: { recv_messages: 5, recv_bytes: 100 } },
    { address: BOB, limits: { send_messages_per_day: 1, recv_messages: null } },
  ]);
  for (let i = 0; i < 4; i++) {
    await store.accept(draft({ from: CAROL, to: [ALICE, BOB], body: "x".repeat(10) }));
  }
  sent(await store.send({ from: BOB, to: [CAROL] }));
  assert.deepEqual(uses(store), [
    `${BOB} send_messages_per_day 1/1`,
    `${ALICE} recv_messages 4/5`,
  ]);
});

Deno.test("S5 the host's defaults count for who has no limit of their own", async () => {
  await using store = await TestStore.open([ALICE, { address: BOB, limits: { recv_bytes: null } }]);
  await store.accept(draft({ from: CAROL, to: [ALICE, BOB], body: "x".repeat(90) }));
  assert.deepEqual(uses(store), []);
  assert.deepEqual(uses(store, { recv_bytes: 100 }), [`${ALICE} recv_bytes 90/100`]);
  assert.deepEqual(uses(store, { recv_bytes: 113 }), []);
  assert.deepEqual(uses(store, { recv_bytes_per_day: 90 }), [
    `${ALICE} recv_bytes_per_day 90/90`,
    `${BOB} recv_bytes_per_day 90/90`,
  ]);
});

Deno.test("S5 what may not be used at all is not near its end", async () => {
  await using store = await TestStore.open([{ address: ALICE, limits: { recv_bytes: 0 } }]);
  assert.deepEqual(uses(store), []);
});

Deno.test("S3 many users are looked at some at a time, and the hundred fullest limits are told", async () => {
  await using store = await TestStore.open();
  const name = (i: number): string => `@u${String(i).padStart(3, "0")}@${HERE}`;
  await store.group(...Array.from({ length: 350 }, (_, i) =>
    ({
      name: "addUser",
      input: {
        address: name(i),
        name: "",
        accepting: true,
        limits: { send_messages_per_day: i < 150 ? 2 : 1 },
      },
    }) as const));
  await store.group(
    ...Array.from({ length: 350 }, (_, i) => sending({ from: name(i), to: [CAROL] })),
  );
  const [uses, looks] = near(store);
  assert.equal(looks, 4);
  assert.equal(uses.length, 100);
  // Half of a limit is not near its end.
  assert.ok(uses.every(({ used, max, address }) => used === max && address >= name(150)));
});
