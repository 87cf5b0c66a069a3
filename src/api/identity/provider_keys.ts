// The keys of an identity provider: kept, fetched again before they are old, and for a key that is not known yet.

import type { Log } from "../../host/mod.ts";
import { fetchProviderKeys, type ProviderKey } from "./provider_fetch.ts";
import { unauthorized, unavailable } from "./refusal.ts";

export interface ProviderTimes {
  /** Milliseconds after which the keys are fetched again, while those that are known still count. */
  readonly refreshMs: number;
  /** Milliseconds after which they count no more: so long a provider may fail, or go on trusting a key it withdrew. */
  readonly freshMs: number;
  /** Milliseconds between fetches: strangers can make up keys to look for. */
  readonly pauseMs: number;
}

const TIMES: ProviderTimes = { refreshMs: 600_000, freshMs: 3_600_000, pauseMs: 2000 };

export class ProviderKeys implements AsyncDisposable {
  readonly #ending = new AbortController();
  readonly #times: ProviderTimes;
  #keys: readonly ProviderKey[] = [];
  #fetched = -Infinity;
  #tried = -Infinity;
  #failed = false;
  /** The fetch that is under way, or was; never rejects. */
  #current: Promise<void> = Promise.resolve();
  /** One that has not begun yet; never rejects. */
  #next: Promise<void> | null = null;

  /** `extraRoots` reads what is trusted besides the usual roots (PEM); it may throw. */
  constructor(
    readonly url: string,
    private readonly extraRoots: () => string | null,
    private readonly log: Log,
    times: Partial<ProviderTimes> = {},
  ) {
    this.#times = { ...TIMES, ...times };
  }

  /**
   * The key that signed a token which names `kid`. A key that is not known yet is looked for, so that none of the
   * provider's new keys is refused. Throws an ApiError: 401 when there is none, 503 while it cannot be told.
   */
  async find(kid: string | null): Promise<CryptoKey> {
    if (!this.#isFresh()) {
      if (this.#failed && this.#next === null && this.#isPause()) throw cannotTell();
      await this.#upcoming();
      if (!this.#isFresh()) throw cannotTell();
    } else if (performance.now() - this.#fetched > this.#times.refreshMs) {
      this.#upcoming();
    }
    const known = this.#select(kid);
    if (known !== null) return known;
    if (kid === null && this.#keys.length > 1) throw unauthorized(NO_KID);
    // What is on its way may bring it. Else the provider is asked, once for all who wait by then.
    await this.#current;
    const found = this.#select(kid);
    if (found !== null) return found;
    if (!(this.#failed && this.#isPause())) await this.#upcoming();
    const late = this.#select(kid);
    if (late !== null) return late;
    if (this.#failed) throw cannotTell();
    throw unauthorized(
      kid === null ? NO_KID : "The identity provider has no such key as the token names (kid)",
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort(new Error("the host stops"));
    await this.#next;
    await this.#current;
  }

  #select(kid: string | null): CryptoKey | null {
    if (kid !== null) return this.#keys.find((one) => one.kid === kid)?.key ?? null;
    const [only, ...more] = this.#keys;
    return more.length === 0 ? only?.key ?? null : null;
  }

  #isFresh(): boolean {
    return performance.now() - this.#fetched < this.#times.freshMs;
  }

  #isPause(): boolean {
    return performance.now() - this.#tried < this.#times.pauseMs;
  }

  /** A fetch that has not begun: what it brings is not older than the question. Shared by all who ask. */
  #upcoming(): Promise<void> {
    return this.#next ??= this.#fetchLater();
  }

  async #fetchLater(): Promise<void> {
    await this.#current;
    await this.#sleep(this.#tried + this.#times.pauseMs - performance.now());
    this.#next = null;
    this.#current = this.#fetch();
    await this.#current;
  }

  async #fetch(): Promise<void> {
    this.#tried = performance.now();
    try {
      const keys = await fetchProviderKeys(this.url, this.extraRoots(), this.#ending.signal);
      this.#keys = keys;
      // What came was sent after the question, so it is at least as fresh as that.
      this.#fetched = this.#tried;
      if (this.#failed) this.log.info("The identity provider's keys are back", { url: this.url });
      this.#failed = false;
    } catch (error) {
      if (this.#ending.signal.aborted) return;
      if (!this.#failed) {
        this.log.warn(
          "The identity provider's keys cannot be fetched: see api.idp.jwks, and whether this machine reaches it",
          { url: this.url, reason: error instanceof Error ? error.message : String(error) },
        );
      }
      this.#failed = true;
    }
  }

  async #sleep(ms: number): Promise<void> {
    const { signal } = this.#ending;
    if (!(ms > 0) || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    const stop = (): void => resolve();
    signal.addEventListener("abort", stop);
    await promise;
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

const NO_KID = "The token does not say which of the identity provider's keys signed it (kid)";

function cannotTell(): Error {
  return unavailable(
    "The identity provider does not answer, so its tokens cannot be checked: try again",
  );
}
