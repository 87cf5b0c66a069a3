/**
 * Comparison without regard to case, as the specification's "Terms" define it: equality after
 * Unicode default case folding, independent of the locale.
 */
import { expansions, shifts } from "./fold_table.ts";

/**
 * `text` after full Unicode default case folding, for comparing and as a key; never for showing.
 *
 * The result can be longer than `text` (ß becomes ss). Nothing is normalized, the specification
 * asks for folding alone: é as one code point stays different from e with a combining accent.
 */
export function fold(text: string): string {
  // Nearly every address is ASCII, where toLowerCase is the same as folding and much faster.
  let hasCapitals = false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return foldByTable(text);
    if (unit >= 0x41 && unit <= 0x5a) hasCapitals = true;
  }
  return hasCapitals ? text.toLowerCase() : text;
}

/** Whether `a` and `b` are equal without regard to case. */
export function same(a: string, b: string): boolean {
  return a === b || fold(a) === fold(b);
}

let table: Map<string, string> | undefined;

function foldByTable(text: string): string {
  // Built at the first need: most runs of the command line never meet a character beyond ASCII.
  table ??= buildTable();
  let folded = "";
  for (const character of text) folded += table.get(character) ?? character;
  return folded;
}

function buildTable(): Map<string, string> {
  const built = new Map<string, string>();
  for (const [first, last, step, distance] of shifts) {
    for (let from = first; from <= last; from += step) {
      built.set(String.fromCodePoint(from), String.fromCodePoint(from + distance));
    }
  }
  for (const [from, ...to] of expansions) {
    built.set(String.fromCodePoint(from), String.fromCodePoint(...to));
  }
  return built;
}
