// How often an identity or an address may ask, how often it may be wrong, and how many uploads it may have at once.

import { Rates } from "../../host/mod.ts";
import { sourceKey } from "../../net/mod.ts";
import { ApiError } from "../error.ts";

/** Seconds' worth of requests that may come at once. */
const BURST = 10;

/** Refused credentials of one address: so many at once, and then so many a second. */
const FAILURES_AT_ONCE = 50;
const FAILURES_A_SECOND = 1;

/** Tries of one address to sign in: so many at once, and so many a minute. */
const SIGN_INS = 10;

export interface RateSettings {
  /** Requests a second. */
  readonly rate: number;
  /** Uploads at once. */
  readonly uploads: number;
}

/** Bytes of large JSON bodies that are in memory at once, of all clients: the executable's heap is small (192 MiB). */
const LARGE_BYTES = 32 * 1024 * 1024;

/** Every refusal is an ApiError, with 429 unless another status is told. */
export class RequestRates {
  readonly #settings: () => RateSettings;
  readonly #addresses: Rates;
  readonly #identities: Rates;
  readonly #failures: Rates;
  readonly #signIns: Rates;
  readonly #uploads = new Map<string, number>();
  #largeBytes = 0;

  /** `now` is a clock in seconds that is never set. */
  constructor(settings: () => RateSettings, now?: () => number) {
    this.#settings = settings;
    this.#addresses = new Rates(now);
    this.#identities = new Rates(now);
    this.#failures = new Rates(now);
    this.#signIns = new Rates(now);
  }

  /** A request of this address. */
  ofAddress(ip: string): void {
    this.#count(this.#addresses, sourceKey(ip));
  }

  /** A request for the address with this key. */
  ofIdentity(key: string): void {
    this.#count(this.#identities, key);
  }

  /** Before credentials of this address are looked at. */
  beforeCredentials(ip: string): void {
    if (this.#failures.has(sourceKey(ip), FAILURES_A_SECOND, FAILURES_AT_ONCE)) return;
    throw new ApiError(429, "Too many refused credentials from this address: try again later", {
      "retry-after": "10",
    });
  }

  /** Credentials of this address were refused. */
  refusedCredentials(ip: string): void {
    this.#failures.take(sourceKey(ip), FAILURES_A_SECOND, FAILURES_AT_ONCE);
  }

  /** This address tries to sign in. */
  signIn(ip: string): void {
    if (this.#signIns.take(sourceKey(ip), SIGN_INS / 60, SIGN_INS)) return;
    throw new ApiError(429, "Too many sign-ins from this address: try again in a minute", {
      "retry-after": "60",
    });
  }

  /** A place for one upload, which disposing of gives back. */
  upload(key: string): Disposable {
    const under = this.#uploads.get(key) ?? 0;
    if (under >= this.#settings().uploads) {
      throw new ApiError(429, "Too many uploads at once: wait for one to end", {
        "retry-after": "1",
      });
    }
    this.#uploads.set(key, under + 1);
    return {
      [Symbol.dispose]: () => {
        const left = (this.#uploads.get(key) ?? 1) - 1;
        if (left > 0) this.#uploads.set(key, left);
        else this.#uploads.delete(key);
      },
    };
  }

  /**
   * The same for a body of so many bytes that is not streamed but kept in memory: 503 when those of all clients together
   * are too much. One may always be there; what it may have at most is the route's to say.
   */
  largeBody(key: string, bytes: number): Disposable {
    const held = Math.min(bytes, LARGE_BYTES);
    if (this.#largeBytes + held > LARGE_BYTES) {
      throw new ApiError(503, "Too many large requests at once: try again", { "retry-after": "1" });
    }
    const place = this.upload(key);
    this.#largeBytes += held;
    return {
      [Symbol.dispose]: () => {
        this.#largeBytes -= held;
        place[Symbol.dispose]();
      },
    };
  }

  #count(rates: Rates, key: string): void {
    const { rate } = this.#settings();
    if (rates.take(key, rate, rate * BURST)) return;
    throw new ApiError(429, "Too many requests: ask more slowly", {
      "retry-after": String(Math.max(1, Math.ceil(1 / rate))),
    });
  }
}
