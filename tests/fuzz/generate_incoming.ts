// Recipes for what is sent to the host under test: mostly one or two things odd at a time.

import { edit, ENDINGS, lineFault } from "./generate_parts.ts";
import { type Below, pick, randomBytes, some } from "./random.ts";
import type { Change, Incoming } from "./recipe.ts";
import {
  ALICE,
  ANN,
  BOB,
  CAROL_REFUSES,
  ELSEWHERE,
  FRED_IS_FULL,
  HOST,
  MAX_EXPANDED_SIZE,
  MAX_SIZE,
  ODD,
} from "./scene.ts";

export function incoming(below: Below): Incoming {
  const base = pick(below, BASES);
  // What is odd about this one.
  const odd = new Set(some(below, 4, () => below(8)));
  const ending = pick(below, ENDINGS);
  return {
    kind: "incoming",
    base,
    changes: odd.has(0) || odd.has(1) || odd.has(2)
      ? [change(below), ...some(below, 2, () => change(below))]
      : [],
    header: odd.has(3) ? [edit(below), ...some(below, 3, () => edit(below))] : [],
    data: odd.has(4) ? [edit(below), ...some(below, 2, () => edit(below))] : [],
    cut: odd.has(5) ? below(pick(below, [40, 4000, 4000, MAX_SIZE])) : null,
    then: odd.has(5) ? ending : pick(below, ["wait", "wait", "wait", ending]),
    piece: pick(below, [1, 1, 7, 64, 1000, 16384, 16384, 16384]),
    gap: pick(below, [0, 0, 0, 0, 1, 5, 20]),
    deaf: below(3) === 0,
    answer: odd.has(6)
      ? pick(below, ["wrong", "short", "long", "empty", "slow", "silent", "reset"])
      : pick(below, ["right", "right", "open"]),
    line: odd.has(7) ? lineFault(below) : null,
  };
}

const BASES: readonly Incoming["base"][] = [
  "message",
  "parts",
  "parts",
  "reply",
  "own reply",
  "batch",
  "notification",
  "early batch",
  "everybody",
  "large",
];

function change(below: Below): Change {
  const part = pick(below, [0, 0, 0, 1, 2]);
  const of = pick(below, ["to", "addTo"] as const);
  const size = pick(below, SIZES) + below(3);
  switch (below(23)) {
    case 0:
      return { change: "size", part, value: size };
    case 1:
      return { change: "expanded", part, value: pick(below, [null, size]) };
    case 2:
      return {
        change: "count",
        of: pick(below, ["to", "addTo", "attachments"]),
        value: below(256),
      };
    case 3:
      return { change: "flags", part, xor: below(2) === 0 ? 1 << below(8) : below(256) };
    case 4:
      return { change: "type", part, value: pick(below, [below(256), ...TYPES]) };
    case 5:
      return { change: "version", value: pick(below, [0, 2, 127, 128, 129, 254, 255, below(256)]) };
    case 6:
      return { change: "time", value: pick(below, TIMES) };
    case 7:
      return { change: "pid", value: pick(below, ["none", "random", "letter", "batch", "own"]) };
    case 8:
      return {
        change: "topic",
        hex: pick(below, [null, "", randomBytes(below(256), below).toHex()]),
      };
    case 9:
      return { change: "from", address: pick(below, ADDRESSES) };
    case 10:
      return { change: "adder", address: pick(below, [null, ...ADDRESSES]) };
    case 11:
      return { change: "recipient", of, address: pick(below, ADDRESSES) };
    case 12:
      return { change: "recipients", of, count: pick(below, [2, 40, 254, 255]) };
    case 13:
      return { change: "attachments", count: pick(below, [0, 1, 40, 255]) };
    case 14:
      return { change: "filename", hex: pick(below, FILENAMES) };
    case 15:
      return { change: "body", part, length: pick(below, LENGTHS) + below(3) };
    case 16:
      return { change: "compress", part };
    case 17:
    case 18:
    case 19: {
      const length = pick(below, [0, 1000, 1000, 2 ** 20, 2 ** 25]);
      const near = Math.max(0, length - 1 + below(3));
      return { change: "bomb", part, length, declared: pick(below, [near, near, size]) };
    }
    default:
      return {
        change: "stream",
        part,
        how: pick(below, ["cut", "trailing", "garbage", "twice"]),
        length: pick(below, [0, 1, 2, 4, 30]),
      };
  }
}

const SIZES = [
  0,
  1,
  100,
  65_535,
  MAX_SIZE - 3,
  MAX_SIZE,
  MAX_EXPANDED_SIZE - 3,
  2 ** 31 - 1,
  2 ** 32 - 3,
];
const LENGTHS = [0, 1, 100, 16_384, 65_536, MAX_SIZE - 2000, MAX_SIZE];
const TIMES = [
  "NaN",
  "Infinity",
  "-Infinity",
  "zero",
  "largest",
  -1e9,
  -700_000,
  -30,
  -15,
  15,
  30,
  1e9,
] as const;
const TYPES = ["", "text", "text/", "text/plain\0", "a/b", "x".repeat(255), "multipart/mixed; a=b"];
const ADDRESSES = [
  ANN,
  ALICE,
  BOB,
  CAROL_REFUSES,
  FRED_IS_FULL,
  `@ALICE@${HOST.toUpperCase()}`,
  `@nobody@${HOST}`,
  `@zoe@${ELSEWHERE}`,
  `@${"ß".repeat(100)}@${ODD}`,
  "@kim@honest.test",
  `@a..b@${HOST}`,
  `@\u{10400}@${HOST}`,
  "@",
  "",
  "@alice@",
  "alice",
  `@${"x".repeat(243)}@${HOST}`,
];
/** `a`, the same as the first in another case, a path, a NUL, an ending dot, no UTF-8, and none. */
const FILENAMES = ["61", "412e545854", "2e2e2f78", "610062", "612e", "c328", ""];
