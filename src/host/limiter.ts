// A bound on how many things of a kind run at once; the excess waits in order.

/** Too many wait already. */
export class Busy extends Error {
  override readonly name = "Busy";
}

export interface PlaceLimits {
  /** How many at once; asked each time, since it may change. */
  readonly limit: () => number;
  /** How many may wait; any number unless given. */
  readonly maxWaiting?: number;
}

/** Places to be had one by one; what waits for a place can give up. */
export class Places {
  readonly #limits: PlaceLimits;
  #taken = 0;
  readonly #queue = new Set<() => void>();

  constructor(limits: PlaceLimits) {
    this.#limits = limits;
  }

  /** Places that are taken now. */
  get taken(): number {
    return this.#taken;
  }

  get idle(): boolean {
    return this.#taken === 0 && this.#queue.size === 0;
  }

  /**
   * Resolves with a place, which disposing of gives back; throws the signal's reason when it aborts before, and a Busy
   * when too many wait already.
   */
  async take(signal?: AbortSignal): Promise<Disposable> {
    signal?.throwIfAborted();
    const { limit, maxWaiting = Infinity } = this.#limits;
    if (this.#queue.size >= maxWaiting) throw new Busy(`${this.#queue.size} others wait already`);
    if (this.#taken >= limit()) await this.#wait(signal);
    else this.#taken++;
    return { [Symbol.dispose]: () => this.#release() };
  }

  #wait(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const granted = (): void => {
        signal?.removeEventListener("abort", aborted);
        resolve();
      };
      const aborted = (): void => {
        this.#queue.delete(granted);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", aborted, { once: true });
      this.#queue.add(granted);
    });
  }

  /** The place goes to whoever waits longest. */
  #release(): void {
    const [next] = this.#queue;
    if (next === undefined) {
      this.#taken--;
      return;
    }
    this.#queue.delete(next);
    next();
  }
}

/** Places for each key, such as a destination; keys that nobody uses take no memory. */
export class PlacesByKey {
  readonly #limits: PlaceLimits;
  readonly #places = new Map<string, Places>();

  constructor(limits: PlaceLimits) {
    this.#limits = limits;
  }

  async take(key: string, signal?: AbortSignal): Promise<Disposable> {
    const places = this.#places.get(key) ?? new Places(this.#limits);
    this.#places.set(key, places);
    try {
      const place = await places.take(signal);
      return {
        [Symbol.dispose]: () => {
          place[Symbol.dispose]();
          this.#forget(key, places);
        },
      };
    } catch (error) {
      this.#forget(key, places);
      throw error;
    }
  }

  #forget(key: string, places: Places): void {
    if (places.idle) this.#places.delete(key);
  }
}
