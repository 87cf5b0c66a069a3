// T5: asking again until an authority is through, as often as it wants it and no oftener.

import assert from "node:assert/strict";
import { poll, sleep } from "../../src/certificate/acme/polling.ts";
import { within } from "../support/wait.ts";

/** Waits between the answers, in milliseconds; each answer says `retryAfter` milliseconds, or nothing. */
async function waits(
  retryAfter: number | null,
  { answers, firstMs }: { readonly answers: number; readonly firstMs: number },
): Promise<number[]> {
  const asked: number[] = [];
  const ask = () => {
    asked.push(performance.now());
    const at = retryAfter === null ? null : new Date(Date.now() + retryAfter);
    return Promise.resolve({ value: asked.length, status: 200, location: null, retryAfter: at });
  };
  const { signal } = new AbortController();
  const value = await poll(ask, (count) => count === answers, { firstMs, now: Date.now, signal });
  assert.equal(value, answers, "what it is asked for until is what comes");
  return asked.slice(1).map((time, i) => time - (asked[i] ?? 0));
}

Deno.test("T5 what is through at once is not asked for again", async () => {
  assert.deepEqual(await waits(null, { answers: 1, firstMs: 60_000 }), []);
});

Deno.test("T5 without a Retry-After each wait is longer than the one before", async () => {
  const [first = 0, second = 0, third = 0] = await waits(null, { answers: 4, firstMs: 40 });
  // Not too early; how late is the machine's matter.
  assert.ok(first >= 39 && second >= 59 && third >= 89, `${first} ${second} ${third}`);
});

Deno.test("T5 a Retry-After is waited for, and one that is over or too short does not make us hasty", async () => {
  assert.ok((await waits(120, { answers: 3, firstMs: 1 })).every((ms) => ms >= 110));
  assert.ok((await waits(-1e9, { answers: 3, firstMs: 40 })).every((ms) => ms >= 39));
});

Deno.test("T5 a sleep ends with its time or with the reason of the signal, before it or during it", async () => {
  const reason = new Error("enough");
  await assert.rejects(sleep(60_000, AbortSignal.abort(reason)), (error) => error === reason);
  const stop = new AbortController();
  const asleep = sleep(60_000, stop.signal);
  stop.abort(reason);
  await assert.rejects(within(10_000, "the end", asleep), (error) => error === reason);
  await sleep(1, new AbortController().signal);
});
