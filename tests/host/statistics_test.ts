// What a host has done since it started.

import assert from "node:assert/strict";
import type { Exchange } from "../../src/host/exchange.ts";
import { Statistics } from "../../src/host/statistics.ts";

function exchange(changes: Partial<Exchange> = {}): Exchange {
  return {
    direction: "in",
    peer: "192.0.2.1",
    domain: "far.example",
    headerHash: null,
    codes: [64, 200],
    challenge: "none",
    terminated: null,
    detail: null,
    bytes: 100,
    ms: 1,
    ...changes,
  };
}

/** The counts that are not 0, by their labels. */
function counts(statistics: Statistics, name: "exchanges" | "codes" | "challenges" | "terminated") {
  return Object.fromEntries(
    statistics[name].counts.filter(({ count }) => count > 0)
      .map(({ values, count }) => [values.join(" "), count]),
  );
}

for (
  const [what, changes, outcome] of [
    ["somebody got it", { codes: [64, 100, 200] }, "in accepted"],
    ["a batch that was recorded", { codes: [11] }, "in accepted"],
    ["somebody was added", { codes: [65, 103, 200] }, "in accepted"],
    ["it was there already", { codes: [10] }, "in repeated"],
    ["everybody had it", { codes: [64, 103, 103] }, "in repeated"],
    ["nobody got it", { codes: [64, 101] }, "in rejected"],
    ["nobody was added", { codes: [65, 103, 100] }, "in rejected"],
    ["the header was refused", { codes: [4] }, "in rejected"],
    ["an unknown code came", { direction: "out", codes: [64, 77] }, "out rejected"],
    ["it broke off", { codes: [64], terminated: "too slow" }, "in terminated"],
    [
      "it broke off between the codes",
      { direction: "out", codes: [64, 200], terminated: "connection lost" },
      "out terminated",
    ],
    ["nobody answered", { direction: "out", codes: [] }, "out unreachable"],
  ] satisfies [string, Partial<Exchange>, string][]
) {
  Deno.test(`an exchange counts as ${outcome} when ${what}`, () => {
    const statistics = new Statistics();
    statistics.exchange(exchange(changes));
    assert.deepEqual(counts(statistics, "exchanges"), { [outcome]: 1 });
  });
}

Deno.test("every outcome is there from the beginning, with 0", () => {
  const { exchanges } = new Statistics();
  assert.equal(exchanges.counts.length, 9);
  assert.ok(exchanges.counts.every(({ count }) => count === 0));
});

Deno.test("codes, challenges, bytes and reasons are counted by direction", () => {
  const statistics = new Statistics();
  statistics.exchange(exchange({ codes: [64, 200, 200, 100], challenge: "ok", bytes: 7 }));
  statistics.exchange(exchange({ direction: "out", codes: [64, 200], bytes: 5 }));
  statistics.exchange(exchange({ codes: [], terminated: "idle", challenge: "failed" }));
  assert.deepEqual(counts(statistics, "codes"), {
    "in 64": 1,
    "in 200": 2,
    "in 100": 1,
    "out 64": 1,
    "out 200": 1,
  });
  assert.deepEqual(counts(statistics, "challenges"), { "in ok": 1, "out none": 1, "in failed": 1 });
  assert.deepEqual(counts(statistics, "terminated"), { "in idle": 1 });
  assert.deepEqual(statistics.bytes.counts, [
    { values: ["in"], count: 107 },
    { values: ["out"], count: 5 },
  ]);
});

Deno.test("S3 an internal error is a fault, other reasons are none", () => {
  const statistics = new Statistics();
  statistics.exchange(exchange({ terminated: "store failed" }));
  assert.deepEqual(statistics.faults.counts, []);
  statistics.exchange(exchange({ terminated: "internal error" }));
  assert.deepEqual(statistics.faults.counts, [{ values: [], count: 1 }]);
});

Deno.test("the last 20 exchanges are remembered, the newest first, and no more of them", () => {
  const statistics = new Statistics();
  for (let i = 0; i < 50; i++) statistics.exchange(exchange({ bytes: i }));
  assert.deepEqual(
    statistics.last.map(({ bytes }) => bytes),
    Array.from({ length: 20 }, (_, i) => 49 - i),
  );
});
