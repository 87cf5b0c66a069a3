// Work that blocks the one thread of the host: one piece of it at a time, and a rest after each that is as long.

/** Exchanges with other hosts and other clients have at least half of the time, however much of such work comes. */
export class TakingTurns {
  #last: Promise<void> = Promise.resolve();
  /** When the rest is over, by `performance.now()`. */
  #restedAt = 0;

  /** Throws what the work throws. */
  async do<Value>(work: () => Value): Promise<Value> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    try {
      const rest = this.#restedAt - performance.now();
      if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
      return this.#measured(work);
    } finally {
      resolve();
    }
  }

  #measured<Value>(work: () => Value): Value {
    const started = performance.now();
    try {
      return work();
    } finally {
      const ended = performance.now();
      this.#restedAt = ended + (ended - started);
    }
  }
}
