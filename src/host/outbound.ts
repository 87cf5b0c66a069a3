// Outgoing messages: what is due goes out, at most so many exchanges at once in all and for a domain.

import { retryDelay, Terminate } from "../protocol/mod.ts";
import type { DueDelivery, StoreReader, StoreWriter } from "../store/mod.ts";
import type { Config } from "../config.ts";
import { attemptDelivery, type Attempted, type AttemptParts } from "./attempt.ts";
import { elapsed, type Exchange } from "./exchange.ts";
import { Places } from "./limiter.ts";
import type { Log } from "./log.ts";

export interface OutboundParts extends Omit<AttemptParts, "exchanges"> {
  readonly config: () => Config;
  readonly reader: StoreReader;
  readonly writer: StoreWriter;
  readonly log: Log;
  /** Told of each exchange when it ends. */
  readonly ended: (exchange: Exchange) => void;
}

/** Exchanges with one domain at once; one, while its host cannot be reached. */
const PER_DOMAIN = 12;

/**
 * Connections that are being made at once. They cost little, and there are more places for them than for exchanges, so
 * that hosts which do not answer hold up no others.
 */
const DIALLING = 256;

/** Deliveries of a domain that are looked up together. */
const PREFETCH = 32;

/** Seconds after which a result that the store could not take is offered again. */
const RECORD_AGAIN = 1;

interface DomainState {
  readonly domain: string;
  /** Messages on their way, by id. */
  readonly active: Set<number>;
  /** Due, and not yet on their way. */
  due: DueDelivery[];
  unreachable: boolean;
  timer: ReturnType<typeof setTimeout> | undefined;
}

export class Outbound {
  readonly #parts: OutboundParts;
  readonly #exchanges: Places;
  readonly #domains = new Map<string, DomainState>();
  readonly #ready = new Set<DomainState>();
  readonly #attempts = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  #dialling = 0;
  #started = false;
  #stopping = false;

  constructor(parts: OutboundParts) {
    this.#parts = parts;
    this.#exchanges = new Places({ limit: () => parts.config().delivery.max_concurrent });
  }

  /** Attempts under way, from the look-up until their result is stored. */
  get exchanges(): number {
    return this.#attempts.size;
  }

  /** Starts with what waits in the store. */
  start(): void {
    this.#started = true;
    const now = Date.now() / 1000;
    for (const { domain, due } of this.#parts.reader.waitingDomains()) {
      const state = this.#state(domain);
      if (due <= now) this.#ready.add(state);
      else this.#wakeAt(state, due);
    }
    this.#dispatch();
  }

  /** Something for this domain may be due. */
  wake(domain: string): void {
    // Before the start nothing is lost: what waits then is read from the store.
    if (this.#stopping || !this.#started) return;
    this.#ready.add(this.#state(domain));
    this.#dispatch();
  }

  /** Starts nothing more, and lets exchanges under way finish for `graceMs`; what is cut stays in the queue. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    for (const { timer } of this.#domains.values()) clearTimeout(timer);
    const timer = setTimeout(() => this.#stop.abort(new Terminate("host is stopping")), graceMs);
    await Promise.allSettled(this.#attempts);
    clearTimeout(timer);
  }

  /** Domains take turns, one message at a time, while there are places to dial. */
  #dispatch(): void {
    for (const state of this.#ready) {
      if (this.#dialling >= DIALLING || this.#stopping) return;
      this.#ready.delete(state);
      const delivery = this.#next(state);
      if (delivery === null) continue;
      const attempt = this.#attempt(state, delivery).finally(() => this.#attempts.delete(attempt));
      this.#attempts.add(attempt);
      this.#ready.add(state);
    }
  }

  /** The next delivery that may start, or null; then the domain sleeps until something changes. */
  #next(state: DomainState): DueDelivery | null {
    const limit = state.unreachable ? 1 : PER_DOMAIN;
    if (state.active.size >= limit) return null;
    const now = Date.now() / 1000;
    if (state.due.length === 0) {
      const rows = this.#parts.reader.dueDeliveries(
        state.domain,
        now,
        PREFETCH + state.active.size,
      );
      state.due = rows.filter(({ message }) => !state.active.has(message));
    }
    for (let delivery = state.due.shift(); delivery !== undefined; delivery = state.due.shift()) {
      if (this.#parts.reader.isWaiting(delivery.message, delivery.domain)) return delivery;
    }
    if (state.active.size === 0) this.#sleep(state);
    return null;
  }

  #sleep(state: DomainState): void {
    const due = this.#parts.reader.nextDue(state.domain);
    if (due !== null) return this.#wakeAt(state, due);
    clearTimeout(state.timer);
    this.#domains.delete(state.domain);
  }

  #wakeAt(state: DomainState, due: number): void {
    clearTimeout(state.timer);
    const hour = 3600_000;
    const delay = Math.min(Math.max(due * 1000 - Date.now(), 1), hour);
    state.timer = setTimeout(() => this.wake(state.domain), delay);
  }

  async #attempt(state: DomainState, delivery: DueDelivery): Promise<void> {
    state.active.add(delivery.message);
    this.#dialling++;
    let dialling = true;
    const dialled = (): void => {
      if (!dialling) return;
      dialling = false;
      this.#dialling--;
      this.#dispatch();
    };
    const started = performance.now();
    try {
      const attempted = await attemptDelivery(
        { ...this.#parts, exchanges: this.#exchanges },
        delivery,
        dialled,
        this.#stop.signal,
      );
      this.#ended(delivery, attempted, started);
      state.unreachable = attempted.unreachable;
      // What a stop cut off counts as no attempt: it is due when the host starts again.
      if (!this.#stop.signal.aborted || saysSomething(attempted.outcome)) {
        await this.#record(delivery, attempted);
      }
    } finally {
      dialled();
      state.active.delete(delivery.message);
      this.wake(state.domain);
    }
  }

  /** Nothing is sent twice in one run: until the store took the result, the message counts as on its way. */
  async #record(delivery: DueDelivery, { outcome }: Attempted): Promise<void> {
    const { retry_initial, retry_max } = this.#parts.config().delivery;
    for (;;) {
      const delay = retryDelay(
        delivery.attempts + 1,
        { initial: retry_initial, max: retry_max },
        Math.random(),
      );
      try {
        await this.#parts.writer.submit("record", {
          message: delivery.message,
          domain: delivery.domain,
          outcome,
          nextAttempt: Date.now() / 1000 + delay,
        });
        return;
      } catch (error) {
        this.#parts.log.error("the result of a delivery could not be stored", {
          message: delivery.message,
          domain: delivery.domain,
          error: error instanceof Error ? error.message : String(error),
        });
        if (this.#stopping) return;
        await pause(RECORD_AGAIN * 1000, this.#stop.signal);
      }
    }
  }

  #ended(delivery: DueDelivery, attempted: Attempted, started: number): void {
    const { header } = delivery;
    this.#parts.ended({
      direction: "out",
      peer: attempted.peer,
      domain: (header.addTo?.from ?? header.from).domain,
      to: delivery.domain,
      headerHash: delivery.headerHash,
      codes: attempted.codes,
      challenge: attempted.challenged ? "ok" : "none",
      terminated: attempted.terminated?.reason ?? null,
      detail: attempted.outcome.kind === "failed" ? attempted.outcome.reason : null,
      bytes: attempted.bytes,
      ms: elapsed(started),
    });
  }

  #state(domain: string): DomainState {
    let state = this.#domains.get(domain);
    if (state === undefined) {
      state = { domain, active: new Set(), due: [], unreachable: false, timer: undefined };
      this.#domains.set(domain, state);
    }
    return state;
  }
}

/** Did the receiving host say anything that counts? */
function saysSomething(outcome: Attempted["outcome"]): boolean {
  switch (outcome.kind) {
    case "failed":
      return false;
    case "codes":
      return outcome.codes.length > 0;
    case "rejected":
    case "add to accepted":
      return true;
  }
}

/** Resolves after `ms`, or at once when `signal` aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}
