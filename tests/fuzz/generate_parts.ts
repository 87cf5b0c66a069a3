// What recipes of all kinds are made of.

import { type Below, pick, randomBytes } from "./random.ts";
import type { Edit, LineFault } from "./recipe.ts";

export const ENDINGS = ["wait", "stay", "end", "fin", "reset"] as const;

export function edit(below: Below): Edit {
  // The first bytes hold the flags and the first lengths.
  const at = below(pick(below, [4, 40, 400, 4000]));
  const length = 1 + below(pick(below, [2, 30, 300]));
  switch (below(5)) {
    case 0:
      return { edit: "flip", at, bit: below(8) };
    case 1:
      return { edit: "set", at, value: pick(below, [0, 1, 0x40, 0x7f, 0x80, 0xc3, 0xff]) };
    case 2:
      return { edit: "drop", at, length };
    case 3:
      return { edit: "repeat", at, length };
    default:
      return { edit: "insert", at, hex: randomBytes(Math.min(length, 40), below).toHex() };
  }
}

export function lineFault(below: Below): LineFault {
  return {
    way: pick(below, ["up", "down"]),
    fault: pick(below, ["flip", "cut", "reset", "split", "split", "drop", "repeat", "insert"]),
    // A ClientHello and a flight of a server take some hundred bytes each; data comes behind.
    at: below(pick(below, [6, 300, 1500, 4000])),
    length: pick(below, [1, 2, 5, 22, 300]),
  };
}
