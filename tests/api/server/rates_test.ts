// How often an identity or an address may ask.
import assert from "node:assert/strict";
import { ApiError } from "../../../src/api/error.ts";
import { RequestRates } from "../../../src/api/server/rates.ts";

function withClock(
  settings = { rate: 2, uploads: 2 },
): { rates: RequestRates; clock: { now: number } } {
  const clock = { now: 0 };
  return { rates: new RequestRates(() => settings, () => clock.now), clock };
}

/** How often something may happen at once. */
function untilRefused(happen: () => void): { times: number; refusal: ApiError } {
  for (let times = 0; times < 10_000; times++) {
    try {
      happen();
    } catch (error) {
      assert.ok(error instanceof ApiError);
      return { times, refusal: error };
    }
  }
  throw new Error("It is never refused");
}

Deno.test("N9 requests of an identity and of an address are bounded, each for itself, and go on at the rate", () => {
  const { rates, clock } = withClock();
  const { times, refusal } = untilRefused(() => rates.ofIdentity("@a@a.test"));
  assert.equal(times, 20);
  assert.equal(refusal.status, 429);
  assert.equal(refusal.headers["retry-after"], "1");
  rates.ofIdentity("@b@a.test");
  assert.equal(untilRefused(() => rates.ofAddress("192.0.2.1")).times, 20);
  clock.now += 3;
  assert.equal(untilRefused(() => rates.ofIdentity("@a@a.test")).times, 6);
});

Deno.test("N9 the addresses of one IPv6 network count as one", () => {
  const { rates } = withClock();
  let host = 0;
  const { times } = untilRefused(() => rates.ofAddress(`2001:db8::${(++host).toString(16)}`));
  assert.equal(times, 20);
  rates.ofAddress("2001:db8:0:1::1");
});

Deno.test("N9 refused credentials of an address are bounded apart from its requests, and others are not touched", () => {
  const { rates, clock } = withClock();
  const guess = (): void => {
    rates.beforeCredentials("192.0.2.1");
    rates.refusedCredentials("192.0.2.1");
  };
  const { times, refusal } = untilRefused(guess);
  assert.equal(times, 50);
  assert.equal(refusal.status, 429);
  rates.beforeCredentials("192.0.2.2");
  clock.now += 5;
  assert.equal(untilRefused(guess).times, 5);
});

Deno.test("N9 large bodies that are in memory at once are bounded for all clients together", () => {
  const { rates } = withClock();
  const MIB = 1024 * 1024;
  const places = Array.from(
    { length: 16 },
    (_, i) => rates.largeBody(`@${i >> 1}@a.test`, 2 * MIB),
  );
  assert.throws(() => rates.largeBody("@z@a.test", MIB), { name: "ApiError", status: 503 });
  // What is streamed takes no memory.
  rates.upload("@z@a.test");
  places[0]?.[Symbol.dispose]();
  assert.throws(() => rates.largeBody("@1@a.test", MIB), { name: "ApiError", status: 429 });
  rates.largeBody("@z@a.test", 2 * MIB);
  // One whose length is not told counts as all there may be, and has to be alone.
  assert.throws(() => rates.largeBody("@y@a.test", Infinity), { name: "ApiError", status: 503 });
  for (const place of places.slice(1)) place[Symbol.dispose]();
});

Deno.test("N9 uploads of an identity at once are bounded, and a place is free when one ends", () => {
  const { rates } = withClock();
  const first = rates.upload("@a@a.test");
  rates.upload("@a@a.test");
  assert.throws(() => rates.upload("@a@a.test"), { name: "ApiError", status: 429 });
  rates.upload("@b@a.test");
  first[Symbol.dispose]();
  rates.upload("@a@a.test");
  assert.throws(() => rates.upload("@a@a.test"), { name: "ApiError", status: 429 });
});
