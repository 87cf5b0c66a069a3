// When to try again, and what a code means for that.

import assert from "node:assert/strict";
import fc from "fast-check";
import { type Meaning, meaningOf, retryDelay } from "../../src/protocol/mod.ts";

const POLICY = { initial: 20, max: 3600 };
/** The random number that leaves the delay as it is. */
const MIDDLE = 0.5;

Deno.test("D6 of all codes, 3, 5 and 101 are temporary, and 10, 11, 103 and 200 mean delivered", () => {
  const meanings = new Map<number, Meaning>([
    [3, "temporary"],
    [5, "temporary"],
    [101, "temporary"],
    [10, "delivered"],
    [11, "delivered"],
    [103, "delivered"],
    [200, "delivered"],
  ]);
  for (let code = 0; code < 256; code++) {
    assert.equal(meaningOf(code), meanings.get(code) ?? "final", `${code}`);
  }
});

Deno.test("D6 the delay doubles from the first failure on, up to the maximum", () => {
  const delays = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((n) => retryDelay(n, POLICY, MIDDLE));
  assert.deepEqual(delays, [20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]);
});

Deno.test("D6 the jitter is 20 % at most, in both directions, and uses all of it", () => {
  assert.equal(retryDelay(1, POLICY, 0), 16);
  assert.ok(retryDelay(1, POLICY, 1 - 2 ** -53) <= 24);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1e6 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempts, random) => {
        const exact = retryDelay(attempts, POLICY, MIDDLE);
        const delay = retryDelay(attempts, POLICY, random);
        assert.ok(delay >= exact * 0.8 && delay <= exact * 1.2, `${delay} of ${exact}`);
      },
    ),
  );
});

Deno.test("D6 the delay never shrinks with more failures and stays finite", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER - 1 }),
      fc.double({ min: 0.001, max: 1e6, noNaN: true }),
      fc.double({ min: 0.001, max: 1e6, noNaN: true }),
      (attempts, initial, max) => {
        const policy = { initial, max };
        const delay = retryDelay(attempts, policy, MIDDLE);
        const later = retryDelay(attempts + 1, policy, MIDDLE);
        assert.ok(delay > 0 && later >= delay && later <= max);
      },
    ),
  );
});

Deno.test("D6 a maximum below the first delay is the delay", () => {
  assert.equal(retryDelay(1, { initial: 100, max: 10 }, MIDDLE), 10);
});
