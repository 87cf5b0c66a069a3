// Recipes for challenges that match nothing, and for what lies below the protocol.

import { edit, ENDINGS, lineFault } from "./generate_parts.ts";
import { type Below, pick, some } from "./random.ts";
import type { Challenge, Frame, Frames, Raw, RawChunk } from "./recipe.ts";

export function challenge(below: Below): Challenge {
  return {
    kind: "challenge",
    version: pick(below, [255, 255, 255, 254, 129, 128]),
    hash: pick(below, ["random", "stored"]),
    cut: pick(below, [0, 1, 32, 33, 5000, below(33)]),
    extra: pick(below, [0, 0, 1, 5000]),
    then: pick(below, ENDINGS),
    line: below(4) === 0 ? lineFault(below) : null,
  };
}

export function raw(below: Below): Raw {
  return {
    kind: "raw",
    chunks: [chunk(below), ...some(below, 3, () => chunk(below))],
    gap: pick(below, [0, 0, 5]),
    then: pick(below, ENDINGS),
  };
}

function chunk(below: Below): RawChunk {
  switch (below(6)) {
    case 0:
      return { chunk: "noise", length: below(pick(below, [10, 1000, 70_000])) };
    case 1:
      return { chunk: "hex", hex: pick(below, [ALERT, HTTP, SSL_2, CHANGE_CIPHER]) };
    case 2:
    case 3:
      return {
        chunk: "hello",
        edits: some(below, 4, () => edit(below)),
        fragment: pick(below, [0, 0, 1, 5, 100]),
      };
    default:
      return {
        chunk: "record",
        type: pick(below, [20, 21, 22, 22, 22, 23, below(256)]),
        declared: pick(below, [0, 1, 16_384, 16_640, 16_641, 65_535]),
        length: below(pick(below, [2, 1000, 70_000])),
      };
  }
}

const ALERT = "15030300020228";
const HTTP = "474554202f20485454502f312e310d0a0d0a";
const SSL_2 = "802e0100020015000000100100800200800300800400800500800600400700c0";
const CHANGE_CIPHER = "140303000101".repeat(20);

export function frames(below: Below): Frames {
  return {
    kind: "frames",
    frames: [frame(below), ...some(below, 5, () => frame(below))],
    then: pick(below, ["wait", "wait", "close", "reset"]),
  };
}

function frame(below: Below): Frame {
  switch (below(7)) {
    case 0:
      return { frame: "key updates", count: pick(below, [1, 2, 40, 500]) };
    case 1:
      return {
        frame: "record",
        type: pick(below, [0, 20, 21, 22, 23, 24, 255]),
        length: pick(below, [0, 1, 2, 100, 16_384, 16_385, 60_000]),
      };
    case 2:
      return { frame: "hex record", type: 22, hex: pick(below, HANDSHAKES) };
    case 3:
      return { frame: "plain", type: pick(below, [20, 21, 22, 23]), length: below(100) };
    case 4:
      return { frame: "pause", ms: below(100) };
    default:
      return {
        frame: "message",
        bytes: pick(below, [1, 20, 5000]),
        piece: pick(below, [1, 3, 50, 16_384]),
      };
  }
}

/** After the handshake: a KeyUpdate of a wrong value, half of one, a ticket, a ClientHello, a request for a certificate. */
const HANDSHAKES = [
  "1800000107",
  "180000",
  "04000015000000010000000000000006aabbccddeeff0000",
  "01000000",
  "0d00000800000000000000",
  "00000000",
];
