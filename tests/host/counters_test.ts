// Numbers that only grow.

import assert from "node:assert/strict";
import fc from "fast-check";
import { Counter, Histogram } from "../../src/host/counters.ts";

Deno.test("a counter counts each combination of its labels for itself", () => {
  const counter = new Counter(["direction", "code"]);
  assert.deepEqual(counter.counts, []);
  counter.add(["in", "200"]);
  counter.add(["in", "200"], 3);
  counter.add(["out", "200"]);
  counter.add(["in", "1"], 0.5);
  assert.deepEqual(counter.counts, [
    { values: ["in", "200"], count: 4 },
    { values: ["out", "200"], count: 1 },
    { values: ["in", "1"], count: 0.5 },
  ]);
});

Deno.test("a counter has what is known before it happens, from 0 on", () => {
  const counter = new Counter(["outcome"], [["accepted"], ["rejected"]]);
  counter.add(["rejected"]);
  counter.add(["terminated"]);
  assert.deepEqual(counter.counts, [
    { values: ["accepted"], count: 0 },
    { values: ["rejected"], count: 1 },
    { values: ["terminated"], count: 1 },
  ]);
});

Deno.test("a counter without labels is one number", () => {
  const counter = new Counter();
  counter.add();
  counter.add();
  assert.deepEqual(counter.counts, [{ values: [], count: 2 }]);
});

Deno.test("what a counter gave does not change with it", () => {
  const counter = new Counter();
  counter.add();
  const { counts } = counter;
  counter.add();
  assert.deepEqual(counts, [{ values: [], count: 1 }]);
});

Deno.test("a value at a bound counts for it, one above all counts for none of them", () => {
  const histogram = new Histogram([1, 2, 4]);
  for (const value of [0, 1, 1.5, 4, 5]) histogram.observe(value);
  assert.deepEqual(histogram.buckets, [
    { bound: 1, count: 2 },
    { bound: 2, count: 3 },
    { bound: 4, count: 4 },
  ]);
  assert.deepEqual([histogram.count, histogram.sum], [5, 11.5]);
});

Deno.test("a histogram tells how many values there are up to each bound, whatever they are", () => {
  const bounds = [0.001, 0.01, 0.5, 1, 5];
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 10, noNaN: true })), (values) => {
      const histogram = new Histogram(bounds);
      for (const value of values) histogram.observe(value);
      assert.deepEqual(
        histogram.buckets,
        bounds.map((bound) => ({ bound, count: values.filter((value) => value <= bound).length })),
      );
      assert.equal(histogram.count, values.length);
    }),
  );
});
