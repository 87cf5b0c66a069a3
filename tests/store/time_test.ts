// The time of what is sent is strictly increasing for each store (row D11).

import assert from "node:assert/strict";
import type { Sent } from "../../src/store/mod.ts";
import { draft } from "../support/message.ts";
import { HERE, holdClock, sending, sent, TestStore } from "./support.ts";

const ALICE = `@alice@${HERE}`;
const TO = "@carol@far.example";

async function send(store: TestStore): Promise<Sent> {
  return sent(await store.send({ from: ALICE, to: [TO], body: "the same" }));
}

function assertIncreasing(times: readonly number[]): void {
  for (const [i, time] of times.entries()) {
    const earlier = times[i - 1];
    if (earlier !== undefined) assert.ok(time > earlier, `${time} comes after ${earlier}`);
  }
}

Deno.test("D11 equal messages in one group get times of their own, and so hashes", async () => {
  using clock = holdClock();
  await using store = await TestStore.open([ALICE]);
  const one = () => sending({ from: ALICE, to: [TO], body: "the same" });
  await store.group(...Array.from({ length: 50 }, one));
  const rows = store.rows("SELECT time, hash FROM message ORDER BY id");
  const times = rows.map((row) => row.real("time"));
  assert.equal(times[0], clock.at);
  assertIncreasing(times);
  assert.ok((times[49] ?? 0) - clock.at < 50 * 1.5e-6, "a microsecond apart");
  assert.equal(new Set(rows.map((row) => row.blob("hash").toHex())).size, 50);
});

Deno.test("D11 the time is now, as soon as that is later than the last", async () => {
  using clock = holdClock();
  await using store = await TestStore.open([ALICE]);
  await send(store);
  clock.at += 5;
  const { id, time } = await send(store);
  assert.equal(time, clock.at);
  const batch = sent(await store.addTo(id, ALICE, "@dora@far.example"));
  assert.ok(batch.time > time);
});

Deno.test("D11 a clock that goes back takes no time along, also over a restart", async () => {
  using clock = holdClock();
  await using store = await TestStore.open([ALICE]);
  const times: number[] = [];
  for (const shift of [0, -3600, 0, -86400]) {
    clock.at += shift;
    times.push((await send(store)).time);
    await store.reopen();
    times.push((await send(store)).time);
  }
  assertIncreasing(times);
  store.audit();
});

Deno.test("D11 a batch counts too: what follows a restart is later than the newest batch", async () => {
  using clock = holdClock();
  await using store = await TestStore.open([ALICE]);
  const { id } = await send(store);
  clock.at += 100;
  const batch = sent(await store.addTo(id, ALICE, "@dora@far.example"));
  clock.at -= 100;
  await store.reopen();
  assert.ok((await send(store)).time > batch.time);
});

Deno.test("D11 the times of others do not move this store's", async () => {
  using clock = holdClock();
  await using store = await TestStore.open([ALICE]);
  await store.accept(draft({ from: TO, to: [ALICE], time: clock.at + 1e6 }));
  await store.reopen();
  assert.equal((await send(store)).time, clock.at);
});

Deno.test("W1 a time keeps its exact bits in the store", async () => {
  await using store = await TestStore.open([ALICE]);
  for (const time of [1654503265.679954, 5e-324, -0, 1e308, 2 ** 53 + 2]) {
    const message = draft({ from: TO, to: [ALICE], time, topic: `${time}` });
    await store.accept(message);
    const stored = store.readAsHost((reader) => reader.stored(message.hash));
    assert.ok(Object.is(stored?.header.time, time), `${time}`);
  }
});
