// Ids in their order: which are there, and which lie within a stretch, without looking at all of them.

/** Largest first: pages of lists, which are most of what comes, go on at the end, where adding is cheap. */
export class SortedIds {
  readonly #ids: number[] = [];

  has(id: number): boolean {
    return this.#ids[this.#at(id)] === id;
  }

  add(id: number): void {
    const at = this.#at(id);
    if (this.#ids[at] !== id) this.#ids.splice(at, 0, id);
  }

  delete(id: number): void {
    const at = this.#at(id);
    if (this.#ids[at] === id) this.#ids.splice(at, 1);
  }

  /** Those from `low`, and below `high`, the largest first. */
  within(low: number, high: number): number[] {
    return this.#ids.slice(this.#at(high - 1), this.#at(low - 1));
  }

  /** So many at most, the largest first. */
  largest(count: number): number[] {
    return this.#ids.slice(0, count);
  }

  /** Where the first that is not larger stands, or would stand. */
  #at(id: number): number {
    let [low, high] = [0, this.#ids.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ids[middle] ?? -Infinity) > id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
