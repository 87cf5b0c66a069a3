// Answers for as long as they may be kept; the oldest goes when there are too many.

export class Cache<T> {
  readonly #entries = new Map<string, { value: T; expires: number }>();

  /** `now` in milliseconds. */
  constructor(readonly maxEntries: number, readonly now: () => number) {}

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): T | null {
    const entry = this.#entries.get(key);
    if (entry === undefined) return null;
    if (entry.expires > this.now()) return entry.value;
    this.#entries.delete(key);
    return null;
  }

  /** Kept until the clock shows `expires`. */
  set(key: string, value: T, expires: number): void {
    this.#entries.delete(key);
    if (expires <= this.now()) return;
    this.#entries.set(key, { value, expires });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > this.maxEntries && oldest !== undefined) this.#entries.delete(oldest);
  }
}
