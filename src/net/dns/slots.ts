// A bound on how much goes on at once; who comes later waits in order.

export class Slots {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(limit: number, readonly maxWaiting: number) {
    this.#free = limit;
  }

  /** True when a slot was taken; false when `signal` came first or too many wait already. */
  take(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve(true);
    }
    if (this.#waiting.size >= this.maxWaiting) return Promise.resolve(false);
    return new Promise((resolve) => {
      const settle = (taken: boolean): void => {
        this.#waiting.delete(turn);
        signal.removeEventListener("abort", giveUp);
        resolve(taken);
      };
      const turn = (): void => settle(true);
      const giveUp = (): void => settle(false);
      this.#waiting.add(turn);
      signal.addEventListener("abort", giveUp);
    });
  }

  /** Gives a taken slot to whoever has waited longest. */
  release(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#free++;
    else next();
  }
}
