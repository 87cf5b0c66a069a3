// A table for people: columns aligned by what a terminal draws, inside the width of the terminal.
import { pad, truncate, width } from "./text.ts";

/** How a table looks. Everything is counted in terminal columns. */
export interface TableOptions {
  /** The first line; an empty array leaves it out. */
  readonly head: readonly string[];
  /** What the table may take; `Infinity` where nobody looks, as in a file. */
  readonly columns: number;
  /** At which side of its column a text stands, per column. Default left. */
  readonly align?: readonly ("left" | "right")[];
  /** The column that gives way first when there is too little room. Default: whichever is widest. */
  readonly flexible?: number;
  /** Columns that are of no use when they are cut, as what is to be typed elsewhere: they give way last. */
  readonly whole?: readonly number[];
}

/**
 * The lines of the table, joined, without a line break at the end and without trailing spaces. Each text has to be
 * one line and harmless (`safe`); it may have colours.
 */
export function table(rows: readonly (readonly string[])[], options: TableOptions): string {
  const lines = options.head.length > 0 ? [options.head, ...rows] : rows;
  const widths = shrink(naturalWidths(lines), options);
  return lines.map((line) => {
    const cells = widths.map((columns, index) =>
      pad(truncate(line[index] ?? "", columns), columns, options.align?.[index])
    );
    return truncate(cells.join(GAP).trimEnd(), options.columns).trimEnd();
  }).join("\n");
}

const GAP = "  ";
/** Below this a flexible column says nothing any more, and the others give way too. */
const LEAST_FLEXIBLE = 8;

function naturalWidths(lines: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const line of lines) {
    for (const [index, cell] of line.entries()) {
      widths[index] = Math.max(widths[index] ?? 0, width(cell));
    }
  }
  return widths;
}

function shrink(natural: readonly number[], options: TableOptions): number[] {
  // A cell of megabytes would otherwise be shortened column by column.
  const widths = natural.map((one) => Math.min(one, Math.max(options.columns, 1)));
  const gaps = GAP.length * Math.max(0, widths.length - 1);
  let excess = widths.reduce((sum, one) => sum + one, gaps) - options.columns;
  const take = (index: number, least: number, most: number): void => {
    const before = widths[index] ?? 0;
    const after = Math.max(Math.min(before, least), before - Math.min(excess, most));
    widths[index] = after;
    excess -= before - after;
  };
  const isWhole = (index: number): boolean => options.whole?.includes(index) === true;
  if (excess > 0 && options.flexible !== undefined) {
    take(options.flexible, LEAST_FLEXIBLE, excess);
  }
  // One column at a time from the widest, so that the narrow ones stay whole the longest.
  while (excess > 0) {
    const givesWay = widths.some((one, index) => one > 1 && !isWhole(index))
      ? (index: number) => !isWhole(index)
      : () => true;
    const widest = Math.max(...widths.filter((_, index) => givesWay(index)));
    if (widest <= 1) break;
    take(widths.findIndex((one, index) => one === widest && givesWay(index)), 1, 1);
  }
  return widths;
}
