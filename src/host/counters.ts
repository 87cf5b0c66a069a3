// Numbers that only grow, by the names that Prometheus gives them.

/** Counts by the values of its labels, all of which come from closed lists. */
export class Counter {
  readonly #counts = new Map<string, { readonly values: readonly string[]; count: number }>();

  /** `known` are combinations of labels that are there from the beginning, with 0. */
  constructor(readonly labels: readonly string[] = [], known: readonly (readonly string[])[] = []) {
    for (const values of known) this.add(values, 0);
  }

  add(values: readonly string[] = [], by = 1): void {
    const key = values.join("\n");
    const known = this.#counts.get(key);
    if (known === undefined) this.#counts.set(key, { values, count: by });
    else known.count += by;
  }

  /** Each combination of labels that was counted, with its count. */
  get counts(): { readonly values: readonly string[]; readonly count: number }[] {
    return [...this.#counts.values()].map(({ values, count }) => ({ values, count }));
  }
}

/** How often a measure was at most so much, for each of some bounds. */
export class Histogram {
  readonly #atMost: number[];
  sum = 0;
  count = 0;

  /** `bounds` in ascending order. */
  constructor(readonly bounds: readonly number[]) {
    this.#atMost = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.sum += value;
    this.count++;
    for (const [i, bound] of this.bounds.entries()) {
      if (value <= bound) this.#atMost[i] = (this.#atMost[i] ?? 0) + 1;
    }
  }

  /** Each bound with the number of values up to it. */
  get buckets(): { readonly bound: number; readonly count: number }[] {
    return this.bounds.map((bound, i) => ({ bound, count: this.#atMost[i] ?? 0 }));
  }
}
