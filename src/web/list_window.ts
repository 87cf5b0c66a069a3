// Which lines of a long list are to be there, and how far it moved. Pure; nothing here grows with the list.

import type { Lines } from "./sorted_runs.ts";

/** Lines above and below what is seen, so that none is missing while it scrolls. */
const BEYOND = 8;
/** The window moves by so many lines at once: in between nothing has to be made. */
const STEP = 4;

export interface ListWindow {
  /** The first line that is there. */
  readonly first: number;
  /** One more than the last. */
  readonly end: number;
}

/** `top`, `height` and `line` (the height of one) in pixels. */
export function windowOf(
  { top, height, line, count }: {
    readonly top: number;
    readonly height: number;
    readonly line: number;
    readonly count: number;
  },
): ListWindow {
  const at = Math.max(0, Math.floor(top / line / STEP) * STEP - BEYOND);
  const end = Math.ceil((top + height) / line / STEP) * STEP + BEYOND;
  return { first: Math.min(at, Math.max(0, count - 1)), end: Math.min(count, end) };
}

/** So far around its old place a line is looked for. */
const FAR = 500;

/**
 * By how many lines those that are seen went down (or up): what most of them did. A thread that itself came to the top does
 * not count. 0 when none of them is found.
 */
export function shiftOf<Item>(
  before: Lines<Item>,
  now: Lines<Item>,
  { keyOf, first, end }: ListWindow & { readonly keyOf: (item: Item) => number | string },
): number {
  const shifts: number[] = [];
  for (let at = first; at < Math.min(end, before.length); at++) {
    const item = before.at(at);
    if (item === undefined) continue;
    const found = indexNear(now, keyOf, keyOf(item), at);
    if (found >= 0) shifts.push(found - at);
  }
  return shifts.sort((a, b) => a - b)[shifts.length >>> 1] ?? 0;
}

/** Where it is, looked for from where it was; -1: not within 500 lines. */
export function indexNear<Item>(
  items: Lines<Item>,
  keyOf: (item: Item) => number | string,
  key: number | string,
  hint: number,
): number {
  for (let away = 0; away <= FAR; away++) {
    for (const at of away === 0 ? [hint] : [hint + away, hint - away]) {
      const item = at < 0 ? undefined : items.at(at);
      if (item !== undefined && keyOf(item) === key) return at;
    }
  }
  return -1;
}
