// A bound on how often something happens for a key.
import assert from "node:assert/strict";
import fc from "fast-check";
import { Rates } from "../../src/host/rate.ts";

/** Buckets, and the clock that they go by. */
function withClock(): { rates: Rates; clock: { now: number } } {
  const clock = { now: 0 };
  return { rates: new Rates(() => clock.now), clock };
}

const RATE = fc.double({ min: 0.001, max: 1000, noNaN: true });
const BURST = fc.double({ min: 0, max: 100, noNaN: true });
const PAUSES = fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { maxLength: 300 });

Deno.test("S1 in no span of time is there more than a burst and what the rate makes of that span", () => {
  fc.assert(fc.property(RATE, BURST, PAUSES, (rate, burst, pauses) => {
    const { rates, clock } = withClock();
    const granted: number[] = [];
    for (const pause of pauses) {
      clock.now += pause;
      if (rates.take("key", rate, burst)) granted.push(clock.now);
    }
    for (const [first, from] of granted.entries()) {
      for (const [last, to] of granted.entries()) {
        if (last < first) continue;
        assert.ok(last - first + 1 <= Math.max(1, burst) + (to - from) * rate + 1e-6);
      }
    }
  }));
});

Deno.test("S1 whoever keeps to the rate is never refused, and whoever was refused may soon", () => {
  fc.assert(fc.property(RATE, BURST, fc.nat({ max: 200 }), (rate, burst, flood) => {
    const { rates, clock } = withClock();
    for (let i = 0; i < flood; i++) rates.take("key", rate, burst);
    for (let i = 0; i < 50; i++) {
      clock.now += 1.000001 / rate;
      assert.ok(rates.take("key", rate, burst));
    }
  }));
});

Deno.test("S1 a burst comes at once, and is there again after a pause", () => {
  const { rates, clock } = withClock();
  const atOnce = (): number => {
    let granted = 0;
    while (rates.take("key", 2, 20)) granted++;
    return granted;
  };
  assert.equal(atOnce(), 20);
  clock.now += 3;
  assert.equal(atOnce(), 6);
  clock.now += 3600;
  assert.equal(atOnce(), 20);
});

Deno.test("S1 one may always, however small the rate and the burst", () => {
  const { rates, clock } = withClock();
  assert.ok(rates.take("key", 0.001, 0.001));
  clock.now += 999;
  assert.ok(!rates.take("key", 0.001, 0.001));
  clock.now += 1.001;
  assert.ok(rates.take("key", 0.001, 0.001));
});

Deno.test("S1 keys do not touch each other", () => {
  const { rates } = withClock();
  assert.ok(rates.take("a", 1, 1));
  assert.ok(!rates.take("a", 1, 1));
  assert.ok(rates.take("b", 1, 1));
});

Deno.test("S1 a rate that is changed holds from the next time on", () => {
  const { rates, clock } = withClock();
  for (let i = 0; i < 10; i++) assert.ok(rates.take("key", 10, 10));
  assert.ok(!rates.take("key", 10, 10));
  clock.now += 0.5;
  assert.ok(!rates.take("key", 1, 1));
  clock.now += 0.5;
  assert.ok(rates.take("key", 1, 1));
  clock.now += 100;
  assert.ok(rates.take("key", 1, 1));
  assert.ok(!rates.take("key", 1, 1));
});

Deno.test("S3 however many keys come, only so many are remembered: those that were seen last", () => {
  const { rates } = withClock();
  assert.ok(rates.take("seen again", 1, 1));
  assert.ok(rates.take("seen once", 1, 1));
  for (let i = 0; i < 9_998; i++) rates.take(`key ${i}`, 1, 1);
  assert.ok(!rates.take("seen again", 1, 1));
  for (let i = 0; i < 5_000; i++) rates.take(`another ${i}`, 1, 1);
  assert.equal(rates.size, 10_000);
  assert.ok(!rates.take("seen again", 1, 1));
  assert.ok(rates.take("seen once", 1, 1));
  assert.equal(rates.size, 10_000);
});
