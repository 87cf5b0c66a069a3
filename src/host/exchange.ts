// The log's line for each exchange ("Monitoring and Logging"; row S4).

import { type HeaderHash, hex } from "../wire/mod.ts";
import type { TerminateReason } from "../protocol/mod.ts";
import type { Log } from "./log.ts";

export interface Exchange {
  readonly direction: "in" | "out";
  /** The peer's IP address. */
  readonly peer: string;
  /** The sender's domain, once the header told it. */
  readonly domain: string | null;
  /** Of an outgoing exchange: the domain it goes to. */
  readonly to?: string;
  readonly headerHash: HeaderHash | null;
  readonly codes: readonly number[];
  readonly challenge: "none" | "ok" | "failed";
  readonly terminated: TerminateReason | null;
  readonly detail: string | null;
  readonly bytes: number;
  /** How long it took, in milliseconds. */
  readonly ms: number;
}

export function logExchange(log: Log, exchange: Exchange): void {
  log.info("exchange", {
    direction: exchange.direction,
    peer: exchange.peer,
    domain: exchange.domain,
    ...(exchange.to === undefined ? {} : { to: exchange.to }),
    header_hash: exchange.headerHash === null ? null : hex(exchange.headerHash),
    codes: exchange.codes,
    challenge: exchange.challenge,
    terminated: exchange.terminated,
    ...(exchange.detail === null ? {} : { detail: exchange.detail }),
    bytes: exchange.bytes,
    ms: exchange.ms,
  });
}

/** Milliseconds since `started`, a reading of `performance.now()`. */
export function elapsed(started: number): number {
  return Math.round((performance.now() - started) * 10) / 10;
}
