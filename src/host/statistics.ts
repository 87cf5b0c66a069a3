// What a host has done since it started: for `host status` and for the metrics.

import {
  ACCEPT,
  ACCEPT_ADD_TO,
  CONTINUE,
  DUPLICATE,
  SKIP_DATA,
  USER_DUPLICATE,
} from "../wire/mod.ts";
import type { RefusedReason } from "../net/mod.ts";
import { Counter, Histogram } from "./counters.ts";
import type { Exchange } from "./exchange.ts";

/** Exchanges that are remembered one by one. */
const LAST = 20;

/**
 * What became of an exchange: somebody got the message (`accepted`), everybody had it before (`repeated`), nobody did
 * (`rejected`); it broke off (`terminated`); or there was nobody to talk to (`unreachable`).
 */
export type ExchangeOutcome = "accepted" | "repeated" | "rejected" | "terminated" | "unreachable";

/** Counted from 0 on, so that the first one of its kind is seen to be more than there were. */
const OUTCOMES: readonly (readonly ["in" | "out", ExchangeOutcome])[] = [
  ["in", "accepted"],
  ["in", "repeated"],
  ["in", "rejected"],
  ["in", "terminated"],
  ["out", "accepted"],
  ["out", "repeated"],
  ["out", "rejected"],
  ["out", "terminated"],
  ["out", "unreachable"],
];

/** It was taken by the push service; that said that the browser is subscribed no more; no try succeeded; too much waited. */
const PUSH_OUTCOMES = ["sent", "gone", "failed", "dropped"];

export interface EndedExchange extends Exchange {
  /** POSIX seconds. */
  readonly time: number;
}

export class Statistics {
  readonly started = Date.now() / 1000;
  readonly exchanges = new Counter(["direction", "outcome"], OUTCOMES);
  readonly codes = new Counter(["direction", "code"]);
  readonly challenges = new Counter(["direction", "outcome"]);
  readonly terminated = new Counter(["direction", "reason"]);
  readonly bytes = new Counter(["direction"]);
  readonly refused = new Counter(["reason"]);
  readonly bans = new Counter();
  /** Errors that nobody foresaw. */
  readonly faults = new Counter();
  readonly commitSeconds = new Histogram([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5]);
  readonly commitOperations = new Histogram([1, 2, 4, 8, 16, 32, 64, 128, 256]);
  /** Of the interface for clients. */
  readonly requests = new Counter(["method", "status"]);
  readonly requestSeconds = new Histogram([
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.5,
    1,
    5,
    30,
  ]);
  /** Notifications (Web Push) of the interface. */
  readonly pushes = new Counter(["outcome"], PUSH_OUTCOMES.map((outcome) => [outcome]));
  readonly #last: EndedExchange[] = [];

  exchange(exchange: Exchange): void {
    const { direction } = exchange;
    this.exchanges.add([direction, outcomeOf(exchange)]);
    for (const code of exchange.codes) this.codes.add([direction, String(code)]);
    this.challenges.add([direction, exchange.challenge]);
    this.bytes.add([direction], exchange.bytes);
    if (exchange.terminated !== null) {
      this.terminated.add([direction, exchange.terminated]);
      if (exchange.terminated === "internal error") this.faults.add();
    }
    this.#last.unshift({ ...exchange, time: Date.now() / 1000 });
    if (this.#last.length > LAST) this.#last.pop();
  }

  refusal(reason: RefusedReason): void {
    this.refused.add([reason]);
  }

  commit(operations: number, ms: number): void {
    this.commitOperations.observe(operations);
    this.commitSeconds.observe(ms / 1000);
  }

  /** The newest first. */
  get last(): readonly EndedExchange[] {
    return this.#last;
  }
}

export function outcomeOf(
  { terminated, codes }: Pick<Exchange, "terminated" | "codes">,
): ExchangeOutcome {
  if (terminated !== null) return "terminated";
  if (codes.length === 0) return "unreachable";
  if (codes.some((code) => code === ACCEPT || code === ACCEPT_ADD_TO)) return "accepted";
  return codes.every((code) => HAD_BEFORE.has(code)) ? "repeated" : "rejected";
}

/** Codes of an exchange in which nobody got what they did not have. */
const HAD_BEFORE: ReadonlySet<number> = new Set([DUPLICATE, USER_DUPLICATE, CONTINUE, SKIP_DATA]);
