// A long list in its order that changes here and there: kept in runs, so that a change copies one of them and not all.

/** Longer runs are cut in two. */
const LONGEST = 512;

/** What a view shows lines of: an array is such a list too. */
export interface Lines<Item> {
  readonly length: number;
  /** `index` from 0. */
  at(index: number): Item | undefined;
}

export class SortedRuns<Item> {
  /** None is empty. */
  #runs: Item[][] = [];
  /** Those that are in no snapshot: they may be changed where they are. */
  readonly #own = new Set<Item[]>();
  #now: Snapshot<Item> | null = new Snapshot<Item>([]);
  readonly #compare: (a: Item, b: Item) => number;

  /** `compare` tells any two apart: 0 is for the same one only. */
  constructor(compare: (a: Item, b: Item) => number) {
    this.#compare = compare;
  }

  add(item: Item): void {
    if (this.#runs.length === 0) this.#put(0, 0, [[item]]);
    else {
      // Behind all: in the last run, which grows.
      const at = Math.min(this.#runOf(item), this.#runs.length - 1);
      const run = this.#changing(at);
      run.splice(this.#placeIn(run, item), 0, item);
      if (run.length > LONGEST) this.#put(at, 1, [run, run.splice(LONGEST / 2)]);
    }
  }

  /** Nothing, where it is not there. */
  delete(item: Item): void {
    const at = this.#runOf(item);
    const held = this.#runs[at];
    if (held === undefined) return;
    const place = this.#placeIn(held, item);
    if (held[place] !== item) return;
    if (held.length === 1) return this.#put(at, 1, []);
    this.#changing(at).splice(place, 1);
  }

  /** As it is now, for good. The same one as long as nothing changed. */
  now(): Snapshot<Item> {
    if (this.#now === null) {
      this.#now = new Snapshot(this.#runs.slice());
      this.#own.clear();
    }
    return this.#now;
  }

  #changing(at: number): Item[] {
    this.#now = null;
    const run = this.#runs[at] ?? [];
    if (this.#own.has(run)) return run;
    const copy = run.slice();
    this.#put(at, 1, [copy]);
    return copy;
  }

  #put(at: number, gone: number, runs: Item[][]): void {
    this.#now = null;
    for (const run of this.#runs.splice(at, gone, ...runs)) this.#own.delete(run);
    for (const run of runs) this.#own.add(run);
  }

  /** The first run whose last does not come before it. */
  #runOf(item: Item): number {
    return firstOf(this.#runs.length, (at) => {
      const last = this.#runs[at]?.at(-1);
      return last === undefined || this.#compare(last, item) >= 0;
    });
  }

  #placeIn(run: readonly Item[], item: Item): number {
    return firstOf(run.length, (at) => {
      const other = run[at];
      return other === undefined || this.#compare(other, item) >= 0;
    });
  }
}

/** It never changes. */
export class Snapshot<Item> implements Lines<Item>, Iterable<Item> {
  readonly length: number;
  readonly #runs: readonly (readonly Item[])[];
  /** Where each run begins. */
  readonly #starts: readonly number[];

  constructor(runs: readonly (readonly Item[])[]) {
    const starts: number[] = [];
    let length = 0;
    for (const run of runs) {
      starts.push(length);
      length += run.length;
    }
    [this.#runs, this.#starts, this.length] = [runs, starts, length];
  }

  at(index: number): Item | undefined {
    const run = firstOf(this.#starts.length, (at) => (this.#starts[at] ?? 0) > index) - 1;
    return this.#runs[run]?.[index - (this.#starts[run] ?? 0)];
  }

  *[Symbol.iterator](): Iterator<Item> {
    for (const run of this.#runs) yield* run;
  }
}

/** The first of 0 … `count` - 1 for which `is` holds, which holds for all behind it too; `count`: none. */
function firstOf(count: number, is: (at: number) => boolean): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (is(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
