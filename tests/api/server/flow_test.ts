// How slow a client may be.
import assert from "node:assert/strict";
import { Flow, PIECE } from "../../../src/api/server/flow.ts";

const LIMITS = { idleMs: 10_000, minRate: 5000 };

/** A flow, and the clock that it goes by. */
function withClock(): { flow: Flow; clock: { now: number } } {
  const clock = { now: 0 };
  return { flow: new Flow(() => clock.now), clock };
}

Deno.test("N9 a client that does nothing while it is waited for is stuck, and one that is not waited for never", async () => {
  const { flow, clock } = withClock();
  clock.now = 1_000_000;
  assert.equal(flow.isStuck(LIMITS), false);
  const moving = Promise.withResolvers<number>();
  const wait = flow.wait(moving.promise);
  clock.now += 9999;
  assert.equal(flow.isStuck(LIMITS), false);
  clock.now += 1;
  assert.equal(flow.isStuck(LIMITS), true);
  moving.resolve(1);
  await wait;
  assert.equal(flow.isStuck(LIMITS), false);
});

Deno.test("N9 a client that moves a byte now and then is stuck before long, and one that keeps to the rate never", async () => {
  for (const [bytes, stuck] of [[1, true], [4000, true], [6000, false]] as const) {
    const { flow, clock } = withClock();
    let seen = false;
    for (let second = 0; second < 120; second++) {
      const moving = Promise.withResolvers<number>();
      const wait = flow.wait(moving.promise);
      clock.now += 1000;
      seen ||= flow.isStuck(LIMITS);
      moving.resolve(bytes);
      await wait;
    }
    assert.equal(seen, stuck, `${bytes} bytes a second`);
  }
});

Deno.test("N9 what the system has not taken yet counts in a slow client's favour", async () => {
  const { flow, clock } = withClock();
  const moving = Promise.withResolvers<number>();
  const wait = flow.wait(moving.promise);
  // The rate alone would have it over after three seconds, were it not for the piece that is on its way.
  clock.now += PIECE / 5000 * 1000;
  assert.equal(flow.isStuck({ idleMs: 1_000_000, minRate: 5000 }), false);
  moving.resolve(PIECE);
  await wait;
});
