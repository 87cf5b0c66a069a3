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

/** Addresses with points, and addresses that are banned, each: whoever has more of them gets no more memory. */
const MAX_ADDRESSES = 10_000;

interface Watched {
  readonly points: number;
  /** When the first of them came. */
  readonly since: number;
}

interface Sentence {
  readonly ban: Ban;
  readonly ends: number;
}

/** All in memory: a restart forgives. */
export class Offenders {
  readonly #settings: () => BanSettings;
  readonly #now: () => number;
  /** The one that was last seen to offend stands last. */
  readonly #watched = new Map<string, Watched>();
  readonly #banned = new Map<string, Sentence>();

  /** `now` is a clock in seconds that is never set: a ban lasts as long as it should, whatever becomes of the time. */
  constructor(settings: () => BanSettings, now: () => number) {
    this.#settings = settings;
    this.#now = now;
  }

  standing(ip: string): Standing {
    const source = sourceKey(ip);
    const isBanned = this.#sentenceOf(source) !== null;
    const points = this.#watchedOf(source)?.points ?? 0;
    if (!isBanned && points === 0) return "free";
    // Asked again: the list may have changed since, and of a network one address may be on it.
    if (this.isAllowed(ip)) return "free";
    if (isBanned) return "banned";
    return points * 2 >= this.#settings().points ? "slowed" : "free";
  }

  /** Adds to an address' points; the ban, when that was one too many. */
  offended(ip: string, points: number, reason: string): Ban | null {
    if (points === 0 || this.isAllowed(ip)) return null;
    const source = sourceKey(ip);
    if (this.#sentenceOf(source) !== null) return null;
    const settings = this.#settings();
    const before = this.#watchedOf(source);
    const sum = (before?.points ?? 0) + points;
    if (sum >= settings.points) return this.ban(ip, settings.for, reason);
    this.#watched.delete(source);
    this.#watched.set(source, { points: sum, since: before?.since ?? this.#now() });
    const [longestAgo] = this.#watched.keys();
    if (this.#watched.size > MAX_ADDRESSES && longestAgo !== undefined) {
      this.#watched.delete(longestAgo);
    }
    return null;
  }

  /** Bans an address for so many seconds; an earlier ban is replaced. */
  ban(ip: string, seconds: number, reason: string): Ban {
    const source = sourceKey(ip);
    const ban = { address: sourceText(ip), until: Date.now() / 1000 + seconds, reason };
    this.#watched.delete(source);
    this.#banned.set(source, { ban, ends: this.#now() + seconds });
    if (this.#banned.size > MAX_ADDRESSES) this.#forgetNextToEnd();
    return ban;
  }

  /** Ends a ban, and forgets what led to it; false when there was none. */
  lift(ip: string): boolean {
    const source = sourceKey(ip);
    this.#watched.delete(source);
    return this.#sentenceOf(source) !== null && this.#banned.delete(source);
  }

  isAllowed(ip: string): boolean {
    return inRanges(ip, this.#settings().allow);
  }

  /** The bans in force, the next to end first. */
  bans(): Ban[] {
    for (const source of [...this.#banned.keys()]) this.#sentenceOf(source);
    return [...this.#banned.values()]
      .sort((a, b) => a.ends - b.ends)
      .map(({ ban }) => ban)
      .filter(({ address }) => !this.isAllowed(address.replace(/\/64$/, "")));
  }

  #sentenceOf(source: string): Sentence | null {
    const sentence = this.#banned.get(source);
    if (sentence === undefined) return null;
    if (this.#now() < sentence.ends) return sentence;
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

  /** Not the oldest: an operator's long ban is not to be pushed out by short ones. */
  #forgetNextToEnd(): void {
    let next: string | null = null;
    let soonest = Infinity;
    for (const [source, { ends }] of this.#banned) {
      if (ends < soonest) [next, soonest] = [source, ends];
    }
    if (next !== null) this.#banned.delete(next);
  }
}
