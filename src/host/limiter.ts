// A bound on how many things of a kind run at once; the excess waits in order.

/** Places to be had one by one; what waits for a place can give up. */
export class Places {
  readonly #limit: number;
  #taken = 0;
  readonly #queue = new Set<() => void>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get idle(): boolean {
    return this.#taken === 0 && this.#queue.size === 0;
  }

  /** Resolves with a place, which disposing of gives back; throws the signal's reason when it aborts before. */
  async take(signal?: AbortSignal): Promise<Disposable> {
    signal?.throwIfAborted();
    if (this.#taken >= this.#limit) await this.#wait(signal);
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
  readonly #limit: number;
  readonly #places = new Map<string, Places>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  async take(key: string, signal?: AbortSignal): Promise<Disposable> {
    const places = this.#places.get(key) ?? new Places(this.#limit);
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
