// A QR code on the terminal, for a phone: two modules a character, one above the other.

import { encode } from "uqr";
import type { Output } from "./context.ts";

/** Light modules that have to be around a code (ISO/IEC 18004). */
const QUIET = 4;

/** The code of a text, as lines; null where it does not fit, or nobody looks. */
export function qrText(text: string, { isTerminal, columns, style }: Output): string | null {
  if (!isTerminal) return null;
  // Nothing wears off on a screen, so the code may be as small as it gets.
  const { data, size } = encode(text, { ecc: "L", boostEcc: true, border: QUIET });
  if (size > columns) return null;
  const isDark = (x: number, y: number): boolean => data[y]?.[x] === true;
  return Array.from({ length: Math.ceil(size / 2) }, (_, line) => {
    const halves = Array.from(
      { length: size },
      (_, x) => [isDark(x, 2 * line), isDark(x, 2 * line + 1)] as const,
    );
    // Without colours a terminal is taken for a dark one, as most are: what is drawn there is light.
    if (style.ink === null) return halves.map(([top, below]) => block(!top, !below)).join("");
    return style.ink(halves.map(([top, below]) => block(top, below)).join(""));
  }).join("\n");
}

function block(top: boolean, below: boolean): string {
  if (top) return below ? "█" : "▀";
  return below ? "▄" : " ";
}
