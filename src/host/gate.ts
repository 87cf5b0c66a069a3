// Who may connect, and how often: bans, rates, and what is counted against an address (rows S1, S6).

import type { Config } from "../config.ts";
import { localAddresses, type RefusedReason, sourceKey } from "../net/mod.ts";
import type { OutgoingRecord } from "../protocol/mod.ts";
import type { Exchange } from "./exchange.ts";
import type { Log } from "./log.ts";
import { type Ban, Offenders } from "./offenders.ts";
import { type Offence, offenceOf, offenceOfRefusal } from "./offences.ts";
import { Rates } from "./rate.ts";
import { Refusals } from "./refusals.ts";
import type { Statistics } from "./statistics.ts";

/** How long this machine's addresses are believed to be the same. */
const OWN_SECONDS = 60;

/** New connections a second of an address that is on its way to a ban. */
const SLOWED_RATE = 1;

export class Gate implements Disposable {
  readonly offenders: Offenders;
  readonly #config: () => Config;
  readonly #outgoing: OutgoingRecord;
  readonly #statistics: Statistics;
  readonly #log: Log;
  readonly #rates: Rates;
  readonly #refusals: Refusals;
  readonly #now: () => number;
  #own: { readonly since: number; readonly addresses: ReadonlySet<string> } | null = null;

  /** `now` is a clock in seconds that is never set. */
  constructor(
    config: () => Config,
    outgoing: OutgoingRecord,
    statistics: Statistics,
    log: Log,
    now: () => number = () => performance.now() / 1000,
  ) {
    this.#config = config;
    this.#outgoing = outgoing;
    this.#statistics = statistics;
    this.#log = log;
    this.#now = now;
    this.offenders = new Offenders(() => config().ban, now);
    this.#rates = new Rates(now);
    this.#refusals = new Refusals(log);
  }

  /** Asked before the handshake: why this address may not connect now, or null. */
  admit(peer: string): RefusedReason | null {
    // Whoever we are sending to may have a challenge for us, whatever it did otherwise.
    if (this.#outgoing.isSendingTo(peer)) return null;
    const standing = this.offenders.standing(peer);
    if (standing === "banned") return "banned";
    const { accept_rate_per_ip: limit } = this.#config().limits;
    const rate = standing === "slowed" ? Math.min(SLOWED_RATE, limit ?? SLOWED_RATE) : limit;
    return rate === null || this.#rates.take(sourceKey(peer), rate, rate) ? null : "too fast";
  }

  /** A connection ended before there was an exchange. */
  refused(peer: string, reason: RefusedReason, detail: string | null): void {
    this.#statistics.refusal(reason);
    this.#refusals.add(peer, reason, detail);
    this.#offended(peer, offenceOfRefusal(reason));
  }

  /** An exchange ended. Those that go out are with addresses of our own choice. */
  ended(exchange: Exchange): void {
    if (exchange.direction === "out") return;
    this.#offended(exchange.peer, offenceOf(exchange));
  }

  ban(ip: string, seconds: number, reason: string): Ban {
    const ban = this.offenders.ban(ip, seconds, reason);
    this.#banned(ban);
    return ban;
  }

  [Symbol.dispose](): void {
    this.#refusals[Symbol.dispose]();
  }

  #offended(ip: string, { points, reason }: Offence): void {
    // "fmsg host check" misbehaves on purpose, and other hosts on this machine have the same address.
    if (points > 0 && this.#isOwn(ip)) return;
    const ban = this.offenders.offended(ip, points, reason);
    if (ban !== null) this.#banned(ban);
  }

  /** Loopback is for ban.allow to say. */
  #isOwn(ip: string): boolean {
    const now = this.#now();
    if (this.#own === null || now - this.#own.since > OWN_SECONDS) {
      this.#own = { since: now, addresses: localAddresses({ loopback: false }) };
    }
    return this.#own.addresses.has(ip);
  }

  #banned({ address, until, reason }: Ban): void {
    this.#statistics.bans.add();
    this.#log.warn("banned", {
      address,
      until: new Date(until * 1000).toISOString(),
      reason,
    });
  }
}
