// What counts as misbehaviour, and how much.
import assert from "node:assert/strict";
import type { TerminateReason } from "../../src/protocol/mod.ts";
import type { RefusedReason } from "../../src/net/mod.ts";
import type { Exchange } from "../../src/host/exchange.ts";
import { offenceOf, offenceOfRefusal } from "../../src/host/offences.ts";

function ended(changes: Partial<Exchange>): Exchange {
  return {
    direction: "in",
    peer: "192.0.2.1",
    domain: null,
    headerHash: null,
    codes: [],
    challenge: "none",
    terminated: null,
    detail: null,
    bytes: 0,
    ms: 0,
    ...changes,
  };
}

const codes = (...codes: number[]): number => offenceOf(ended({ codes })).points;

/** As README.md says it. */
const TERMINATED: Record<TerminateReason, number> = {
  "bad compressed data": 20,
  "challenge answer wrong": 20,
  "malformed header": 10,
  "sender not authorised": 10,
  "header not in time": 5,
  "idle": 5,
  "too slow": 5,
  "challenge not answered": 5,
  "challenge version not supported": 2,
  "challenge matches nothing": 2,
  "challenge connection failed": 1,
  "connection lost": 0,
  "host is stopping": 0,
  "sender look-up failed": 0,
  "dnssec validation failed": 0,
  "store failed": 0,
  "internal error": 0,
  "answer not in time": 0,
  "unexpected code": 0,
};

Deno.test("S6 each reason of a TERMINATE has its points, and is the reason of the ban", () => {
  const reasons = Object.keys(TERMINATED)
    .filter((key): key is TerminateReason => key in TERMINATED);
  for (const reason of reasons) {
    const offence = { points: TERMINATED[reason], reason };
    assert.deepEqual(offenceOf(ended({ terminated: reason })), offence);
    // Codes that were sent before make no difference.
    assert.deepEqual(offenceOf(ended({ terminated: reason, codes: [64, 100] })), offence);
  }
});

Deno.test("S6 an invalid header counts, and what an honest host meets does not", () => {
  assert.deepEqual(offenceOf(ended({ codes: [1] })), { points: 10, reason: "invalid header" });
  assert.deepEqual(offenceOf(ended({ codes: [2] })), { points: 2, reason: "unsupported version" });
  for (const code of [3, 4, 5, 6, 7, 8, 9, 10, 11]) assert.equal(codes(code), 0, String(code));
  assert.equal(codes(), 0);
  assert.equal(codes(64, 200), 0);
  assert.equal(codes(65, 103, 200), 0);
  assert.equal(codes(64, 101, 102, 103, 200), 0);
});

Deno.test("S6 each unknown user counts once, also where users are not disclosed", () => {
  assert.deepEqual(offenceOf(ended({ codes: [64, 100, 200, 100] })), {
    points: 2,
    reason: "unknown users",
  });
  assert.equal(codes(64, 105, 105, 105), 3);
  assert.equal(codes(65, 103, 100), 1);
});

Deno.test("S6 one message with many unknown users is half a ban at most", () => {
  assert.equal(codes(64, ...new Array<number>(50).fill(100)), 50);
  assert.equal(codes(64, ...new Array<number>(510).fill(100)), 50);
});

Deno.test("S6 what ends before an exchange counts when it is not only too much", () => {
  const points: Record<RefusedReason, number> = {
    "no server name": 2,
    "wrong server name": 2,
    "handshake failed": 1,
    "no byte came": 1,
    "host is stopping": 0,
    "no certificate yet": 0,
    "banned": 0,
    "too fast": 0,
    "too many connections": 0,
    "too many connections from this address": 0,
  };
  const reasons = Object.keys(points).filter((key): key is RefusedReason => key in points);
  for (const reason of reasons) {
    assert.deepEqual(offenceOfRefusal(reason), { points: points[reason], reason });
  }
});
