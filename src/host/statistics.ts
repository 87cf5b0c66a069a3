// What a host has done since it started: for `host status` and for the metrics.

import { ACCEPT, ACCEPT_ADD_TO } from "../wire/mod.ts";
import type { RefusedReason } from "../net/mod.ts";
import { Counter, Histogram } from "./counters.ts";
import type { Exchange } from "./exchange.ts";

/** Exchanges that are remembered one by one. */
const LAST = 20;

export interface EndedExchange extends Exchange {
  /** POSIX seconds. */
  readonly time: number;
}

export class Statistics {
  readonly started = Date.now() / 1000;
  readonly exchanges = new Counter(["direction", "outcome"]);
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

function outcomeOf({ terminated, codes }: Exchange): "accepted" | "rejected" | "terminated" {
  if (terminated !== null) return "terminated";
  return codes.some((code) => code === ACCEPT || code === ACCEPT_ADD_TO) ? "accepted" : "rejected";
}
