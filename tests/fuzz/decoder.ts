// Feeds mutated headers to the decoder in chunks of random sizes, and checks what must hold for every input. Each input
// comes from a seed of its own, which a finding names: `deno task fuzz --seed` with it meets the input at once.

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  concat,
  decodeHeader,
  type Decoding,
  encodeHeader,
  type Header,
  HeaderDecoder,
  MAX_HEADER_SIZE,
} from "../../src/wire/mod.ts";
import { decodableHeaders, largestHeader, validHeaders } from "../support/arbitraries.ts";
import { type Below, generator, randomBytes } from "./random.ts";

/** How many inputs ended in which way. */
export type Tally = Record<Decoding["kind"], number>;

/** An input for which something does not hold that must; `cause` says what. */
export class Finding extends Error {
  constructor(readonly seed: number, readonly input: Uint8Array, cause: unknown) {
    const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    super(`The decoder's input of --seed ${seed} breaks it: ${why}\nInput: ${input.toHex()}`, {
      cause,
    });
  }
}

/** Tries the inputs of `seed`, `seed` + 1 and so on, for as long as `goOn` says; throws the first Finding. */
export function fuzzDecoder(seed: number, goOn: (inputs: number) => boolean): Tally {
  const valid = corpus();
  const tally: Tally = { more: 0, header: 0, malformed: 0 };
  for (let inputs = 0; goOn(inputs); inputs++) {
    const below = generator(seed + inputs);
    const input = mutated(valid, below);
    try {
      tally[examine(input, below)]++;
    } catch (error) {
      throw new Finding(seed + inputs, input, error);
    }
  }
  return tally;
}

interface Outcome {
  readonly kind: Decoding["kind"];
  /** The length of the header, or what is malformed. */
  readonly detail: number | string;
}

/** The same on every run, or the seed of a finding would not lead back to its input. */
function corpus(): readonly Uint8Array[] {
  const headers = [
    ...fc.sample(validHeaders(), { numRuns: 200, seed: 1 }),
    ...fc.sample(decodableHeaders(), { numRuns: 200, seed: 1 }),
    largestHeader(),
  ];
  return headers.map(encodeHeader);
}

function mutated(corpus: readonly Uint8Array[], below: Below): Uint8Array {
  const anyHeader = () => corpus[below(corpus.length)] ?? new Uint8Array();
  let bytes = anyHeader();
  // One input in five stays as it is, with whatever follows it.
  for (let left = below(5); left > 0; left--) bytes = mutatedOnce(bytes, anyHeader(), below);
  return concat([bytes, randomBytes(below(3) * below(40), below)]);
}

function mutatedOnce(bytes: Uint8Array, other: Uint8Array, below: Below): Uint8Array {
  // The first bytes hold the flags and the first lengths, so half of the mutations happen there.
  const at = below(below(2) === 0 ? Math.min(64, bytes.length) : bytes.length);
  const run = bytes.subarray(at, at + 1 + below(24));
  const before = bytes.subarray(0, at);
  const after = bytes.subarray(at + run.length);
  switch (below(7)) {
    case 0:
      return replaced(bytes, at, (bytes[at] ?? 0) ^ (1 << below(8)));
    case 1:
      return replaced(bytes, at, [0, 1, 0x40, 0x7f, 0x80, 0xc3, 0xff][below(7)] ?? 0);
    case 2:
      return concat([before, after]);
    case 3:
      return concat([before, randomBytes(run.length, below), after]);
    case 4:
      return concat([before, run, run, after]);
    case 5:
      return before;
    default:
      return concat([before, other.subarray(below(other.length))]);
  }
}

function replaced(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = value;
  return copy;
}

/** Decodes `input` whole and in chunks of two random ranges of sizes: the outcome must be the same. */
function examine(input: Uint8Array, below: Below): Outcome["kind"] {
  const whole = feed(input, () => input.length);
  for (const largest of [1 << below(5), 1 << below(15)]) {
    assert.deepEqual(feed(input, () => below(largest + 1)), whole);
  }
  return whole.kind;
}

/** What the decoder makes of `input`, with checks of each of its answers. Chunks may be empty. */
function feed(input: Uint8Array, chunkSize: () => number): Outcome {
  const decoder = new HeaderDecoder();
  let fed = 0;
  do {
    const start = fed;
    fed = Math.min(input.length, start + chunkSize());
    const result = decoder.push(input.subarray(start, fed));
    switch (result.kind) {
      case "more":
        assert.ok(fed < MAX_HEADER_SIZE, `More than ${fed} bytes wanted, no header is so long`);
        break;
      case "header": {
        const { header, bytes } = result.decoded;
        assert.ok(bytes.length <= MAX_HEADER_SIZE, `A header of ${bytes.length} bytes`);
        // The rest lies in the decoder's own buffer, so this is what it held.
        assert.ok(result.rest.buffer.byteLength <= MAX_HEADER_SIZE + fed - start, "Too much held");
        assert.ok(bytes.length > start, `The header was whole ${start - bytes.length} bytes ago`);
        assertSameBytes(concat([bytes, result.rest]), input.subarray(0, fed));
        examineHeader(header, bytes);
        return { kind: "header", detail: bytes.length };
      }
      case "malformed":
        return { kind: "malformed", detail: result.reason };
    }
  } while (fed < input.length);
  return { kind: "more", detail: fed };
}

function examineHeader(header: Header, bytes: Uint8Array): void {
  const again = encodeHeader(header);
  // The bits of a NaN are not kept: a number holds one NaN only, and no receiver accepts such a time.
  if (Number.isNaN(header.time)) assert.deepEqual(decodeHeader(again), header);
  else assertSameBytes(again, bytes);
}

function assertSameBytes(actual: Uint8Array, expected: Uint8Array): void {
  assert.equal(actual.toHex(), expected.toHex());
}
