// Events are sent off the path of the commit, in their order, and leave the thread to others in between.

import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { Feed } from "../../../src/api/events/feed.ts";
import { waitFor } from "../../support/wait.ts";

Deno.test("what is added is done in its order, and not before whoever added it is through", async () => {
  const done: number[] = [];
  await using feed = new Feed<number>((item) => {
    done.push(item);
    // What comes meanwhile comes behind.
    if (item < 3) feed.add(item + 10);
  });
  for (let i = 0; i < 1000; i++) feed.add(i);
  assert.deepEqual(done, []);
  await waitFor(() => done.length === 1003);
  assert.deepEqual(done, [...Array(1000).keys(), 10, 11, 12]);
});

Deno.test("what is added at the moment when the last is done is done too", async () => {
  const done: number[] = [];
  await using feed = new Feed<number>((item) => {
    done.push(item);
    if (item < 10) queueMicrotask(() => feed.add(item + 1));
  });
  feed.add(0);
  await waitFor(() => done.length === 11);
});

Deno.test("a storm leaves others their turns between short slices of work", async () => {
  let done = 0;
  await using feed = new Feed<null>(() => {
    const until = performance.now() + 1;
    while (performance.now() < until);
    done++;
  });
  for (let i = 0; i < 100; i++) feed.add(null);
  let turns = 0;
  while (done < 100) {
    await new Promise((resolve) => setImmediate(resolve));
    turns++;
  }
  // 100 ms of work in slices of 4 ms or a little more.
  assert.ok(turns >= 10, `${turns} turns`);
});

Deno.test("a feed that is closed does nothing more, and lets nothing be added", async () => {
  const done: number[] = [];
  const feed = new Feed<number>((item) => done.push(item));
  feed.add(1);
  await feed[Symbol.asyncDispose]();
  feed.add(2);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(done, []);
});
