// Randomness that a seed brings back.

/** A whole number from 0 to below `end`; 0 when `end` is 0. */
export type Below = (end: number) => number;

/** Random numbers from a seed (mulberry32): the same sequence everywhere. */
export function generator(seed: number): Below {
  let state = seed | 0;
  return (end) => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return Math.floor(((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32 * end);
  };
}

export function randomBytes(length: number, below: Below): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => below(256));
}

/** One of them; those that stand there several times come up more often. */
export function pick<Item>(below: Below, items: readonly Item[]): Item {
  for (const item of items.slice(below(items.length))) return item;
  throw new RangeError("There is nothing to pick from");
}

/** So many of what `make` makes, from 0 to below `end`. */
export function some<Item>(below: Below, end: number, make: () => Item): Item[] {
  return Array.from({ length: below(end) }, make);
}
