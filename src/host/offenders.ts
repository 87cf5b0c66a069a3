// Repeat offenders (row S6): addresses that misbehave collect points; they are slowed, and then banned for a while.

import { inRanges, sourceKey, sourceText } from "../net/mod.ts";

/** fmsg.yaml's `ban`: times in seconds. */
export interface BanSettings {
  readonly points: number;
  readonly within: number;
  readonly for: number;
  /** Ranges of addresses that are never banned. */
  readonly allow: readonly string[];
}

export interface Ban {
  /** An IPv4 address, or an IPv6 network of 64 bits. */
  readonly address: string;
  /** POSIX seconds. */
  readonly until: number;
  readonly reason: string;
}

/** What an address may do: connect, connect once a second, or nothing. */
export type Standing = "free" | "slowed" | "banned";

/** Addresses with points, and addresses that are banned; of more, the oldest are forgotten. */
const MAX_ADDRESSES = 10_000;

interface Watched {
  points: number;
  /** When the first of them came, in POSIX seconds. */
  readonly since: number;
}

/** All in memory: a restart forgives. */
export class Offenders {
  readonly #settings: () => BanSettings;
  readonly #now: () => number;
  readonly #watched = new Map<string, Watched>();
  readonly #banned = new Map<string, Ban>();

  /** `now` is a clock in POSIX seconds. */
  constructor(settings: () => BanSettings, now: () => number = () => Date.now() / 1000) {
    this.#settings = settings;
    this.#now = now;
  }

  standing(ip: string): Standing {
    const source = sourceKey(ip);
    if (this.#banOf(source) !== null) return "banned";
    const { points } = this.#settings();
    return (this.#watchedOf(source)?.points ?? 0) * 2 >= points ? "slowed" : "free";
  }

  /** Adds to an address' points; the ban, when that was one too many. */
  offended(ip: string, points: number, reason: string): Ban | null {
    const settings = this.#settings();
    if (points === 0 || inRanges(ip, settings.allow)) return null;
    const source = sourceKey(ip);
    if (this.#banOf(source) !== null) return null;
    const watched = this.#watchedOf(source) ?? { points: 0, since: this.#now() };
    watched.points += points;
    if (watched.points >= settings.points) return this.ban(ip, settings.for, reason);
    remember(this.#watched, source, watched);
    return null;
  }

  /** Bans an address for so many seconds; an earlier ban is replaced. */
  ban(ip: string, seconds: number, reason: string): Ban {
    const source = sourceKey(ip);
    const ban = { address: sourceText(ip), until: this.#now() + seconds, reason };
    this.#watched.delete(source);
    remember(this.#banned, source, ban);
    return ban;
  }

  /** Ends a ban, and forgets what led to it; false when there was none. */
  lift(ip: string): boolean {
    const source = sourceKey(ip);
    this.#watched.delete(source);
    return this.#banOf(source) !== null && this.#banned.delete(source);
  }

  isAllowed(ip: string): boolean {
    return inRanges(ip, this.#settings().allow);
  }

  /** The bans in force, the next to end first. */
  bans(): Ban[] {
    for (const source of [...this.#banned.keys()]) this.#banOf(source);
    return [...this.#banned.values()].sort((a, b) => a.until - b.until);
  }

  #banOf(source: string): Ban | null {
    const ban = this.#banned.get(source);
    if (ban === undefined) return null;
    if (this.#now() < ban.until) return ban;
    this.#banned.delete(source);
    return null;
  }

  #watchedOf(source: string): Watched | null {
    const watched = this.#watched.get(source);
    if (watched === undefined) return null;
    if (this.#now() - watched.since < this.#settings().within) return watched;
    this.#watched.delete(source);
    return null;
  }
}

function remember<Value>(map: Map<string, Value>, source: string, value: Value): void {
  map.delete(source);
  map.set(source, value);
  if (map.size <= MAX_ADDRESSES) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
