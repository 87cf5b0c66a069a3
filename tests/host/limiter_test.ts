// A bound on how many things run at once.
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { Places, PlacesByKey } from "../../src/host/limiter.ts";
import { PATIENCE, within } from "../support/wait.ts";

/** Lets everything happen that is only waiting for its turn. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

function soon<Value>(promise: Promise<Value>): Promise<Value> {
  return within(PATIENCE, "a place", promise);
}

/** Takes a place when one is free, and notes its name then. */
function queue(places: Pick<Places, "take">, names: string[], name: string): Promise<Disposable> {
  return places.take().then((place) => {
    names.push(name);
    return place;
  });
}

Deno.test("no more places are given than there are, and the excess waits in order", async () => {
  const places = new Places({ limit: () => 2 });
  const had: string[] = [];
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => queue(places, had, name));
  await settle();
  assert.deepEqual(had, ["a", "b"]);
  (await soon(b ?? assert.fail()))[Symbol.dispose]();
  await settle();
  assert.deepEqual(had, ["a", "b", "c"]);
  for (const place of [a, c, d]) (await soon(place ?? assert.fail()))[Symbol.dispose]();
  assert.deepEqual(had, ["a", "b", "c", "d"]);
  assert.ok(places.idle);
});

Deno.test("whoever comes while others wait does not overtake them", async () => {
  const places = new Places({ limit: () => 1 });
  const had: string[] = [];
  const first = await soon(places.take());
  const waiting = queue(places, had, "waiting");
  first[Symbol.dispose]();
  const late = queue(places, had, "late");
  (await soon(waiting))[Symbol.dispose]();
  (await soon(late))[Symbol.dispose]();
  assert.deepEqual(had, ["waiting", "late"]);
});

Deno.test("who gives up leaves the queue, and the place goes to the next", async () => {
  const places = new Places({ limit: () => 1 });
  const first = await soon(places.take());
  const stop = new AbortController();
  const gaveUp = assert.rejects(places.take(stop.signal), /^Error: no longer wanted$/);
  const next = places.take();
  stop.abort(new Error("no longer wanted"));
  await soon(gaveUp);
  first[Symbol.dispose]();
  (await soon(next))[Symbol.dispose]();
  assert.ok(places.idle);
});

Deno.test("who has given up before takes no place, though one is free", async () => {
  const places = new Places({ limit: () => 1 });
  const stopped = AbortSignal.abort(new Error("no longer wanted"));
  await assert.rejects(places.take(stopped), /^Error: no longer wanted$/);
  assert.ok(places.idle);
  (await soon(places.take()))[Symbol.dispose]();
});

Deno.test("a place that was given in the moment of giving up is not lost", async () => {
  const places = new Places({ limit: () => 1 });
  const first = await soon(places.take());
  const stop = new AbortController();
  const taken = places.take(stop.signal);
  first[Symbol.dispose]();
  stop.abort();
  (await soon(taken))[Symbol.dispose]();
  assert.ok(places.idle);
});

Deno.test("a place is given back also when what was done with it fails", async () => {
  const places = new Places({ limit: () => 1 });
  await assert.rejects(async () => {
    using _place = await places.take();
    throw new Error("failed");
  }, /failed/);
  (await soon(places.take()))[Symbol.dispose]();
});

Deno.test("C2 each key has its own places", async () => {
  const places = new PlacesByKey({ limit: () => 1 });
  const had: string[] = [];
  const a = await soon(places.take("a"));
  const b = await soon(places.take("b"));
  const second = queue({ take: () => places.take("a") }, had, "a again");
  await settle();
  assert.deepEqual(had, []);
  b[Symbol.dispose]();
  await settle();
  assert.deepEqual(had, []);
  a[Symbol.dispose]();
  (await soon(second))[Symbol.dispose]();
});

Deno.test("C2 the limit of a key holds for who comes after a place was given back", async () => {
  const places = new PlacesByKey({ limit: () => 2 });
  const [first, second] = [await soon(places.take("key")), await soon(places.take("key"))];
  first[Symbol.dispose]();
  const third = await soon(places.take("key"));
  const had: string[] = [];
  const fourth = queue({ take: () => places.take("key") }, had, "fourth");
  await settle();
  assert.deepEqual(had, []);
  second[Symbol.dispose]();
  for (const place of [third, await soon(fourth)]) place[Symbol.dispose]();
});

Deno.test("a signal that outlives many waits is not burdened with them", async () => {
  const places = new Places({ limit: () => 1 });
  const stop = new AbortController();
  for (let i = 0; i < 10; i++) {
    const first = await soon(places.take(stop.signal));
    const second = places.take(stop.signal);
    first[Symbol.dispose]();
    (await soon(second))[Symbol.dispose]();
  }
  assert.equal(getEventListeners(stop.signal, "abort").length, 0);
});

Deno.test("C2 the limit of a key holds for those who wait, give up and come again", async () => {
  const places = new PlacesByKey({ limit: () => 2 });
  let now = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      const stop = new AbortController();
      if (i % 3 === 0) queueMicrotask(() => stop.abort(new Error("no longer wanted")));
      try {
        using _place = await places.take("key", stop.signal);
        most = Math.max(most, ++now);
        await settle();
        now--;
      } catch (error) {
        assert.match(String(error), /no longer wanted/);
      }
    }),
  );
  assert.deepEqual([now, most], [0, 2]);
  // The two places are there again.
  const again = [await soon(places.take("key")), await soon(places.take("key"))];
  for (const place of again) place[Symbol.dispose]();
});
