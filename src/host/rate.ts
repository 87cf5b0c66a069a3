// A bound on how often something happens for a key: an address that connects, a domain that sends.

/** Keys that are remembered; of more, the one that was seen longest ago starts afresh. */
const MAX_KEYS = 10_000;

interface Bucket {
  tokens: number;
  /** When it had so many. */
  at: number;
}

/** Buckets of tokens that fill up again at a rate. */
export class Rates {
  readonly #buckets = new Map<string, Bucket>();
  readonly #now: () => number;

  /** `now` is a clock in seconds that is never set. */
  constructor(now: () => number = () => performance.now() / 1000) {
    this.#now = now;
  }

  /** Keys that are remembered now. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Would `take` grant it? */
  has(key: string, rate: number, burst: number): boolean {
    const bucket = this.#buckets.get(key);
    return bucket === undefined || this.#tokens(bucket, rate, Math.max(1, burst)) >= 1;
  }

  /** May it happen now? Then it counts. `rate` is a second; `burst` may happen at once, and one always may. */
  take(key: string, rate: number, burst: number): boolean {
    const now = this.#now();
    const most = Math.max(1, burst);
    const before = this.#buckets.get(key);
    const tokens = before === undefined ? most : this.#tokens(before, rate, most);
    const granted = tokens >= 1;
    // Last in the order of the map: it is the one that was seen last.
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: granted ? tokens - 1 : tokens, at: now });
    if (this.#buckets.size > MAX_KEYS) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return granted;
  }

  #tokens({ tokens, at }: Bucket, rate: number, most: number): number {
    return Math.min(most, tokens + (this.#now() - at) * rate);
  }
}
