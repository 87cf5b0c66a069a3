// What holds for every header and every way to cut it, on arbitrary headers, the largest ones and mutated ones.

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
import {
  addressOf,
  decodableHeaders,
  headerBytes,
  largestHeader,
  validHeaders,
} from "../support/arbitraries.ts";
import { fuzzDecoder } from "./decoder.ts";

Deno.test("W9 what a conforming sender makes is the same after encoding and decoding", () => {
  fc.assert(fc.property(validHeaders(), (header) => {
    assert.deepEqual(decodeHeader(encodeHeader(header)), header);
  }));
});

Deno.test("W9 whatever can be decoded is the same after encoding and decoding", () => {
  fc.assert(fc.property(decodableHeaders(), (header) => {
    assert.deepEqual(decodeHeader(encodeHeader(header)), header);
  }));
});

Deno.test("W9 bytes put together without the encoder are the same after decoding and encoding", () => {
  fc.assert(fc.property(headerBytes(), (bytes) => {
    assert.equal(encodeHeader(decodeHeader(bytes)).toHex(), bytes.toHex());
  }));
});

Deno.test("W9 chunks of any sizes decode to the same header, and leave what follows it", () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(headerBytes(), fc.uint8Array(), sizes, (bytes, behind, sizes) => {
      const result = decodeChunks(concat([bytes, behind]), [...sizes, Infinity]);
      if (result.kind !== "header") assert.fail(`It is ${result.kind}`);
      assert.equal(result.decoded.bytes.toHex(), bytes.toHex());
      assert.deepEqual(result.decoded.header, decodeHeader(bytes));
      assert.equal(result.rest.toHex(), behind.subarray(0, result.rest.length).toHex());
    }),
    { numRuns: 300 },
  );
});

Deno.test("W9 a header in two chunks is unfinished after the first, wherever it is cut", () => {
  const bytes = longHeaderBytes();
  const header = decodeHeader(bytes);
  for (let length = 0; length < bytes.length; length++) {
    const start = bytes.subarray(0, length);
    assert.throws(() => decodeHeader(start), /its length is wrong/);
    const decoder = new HeaderDecoder();
    assert.deepEqual(decoder.push(start), { kind: "more" });
    const result = decoder.push(bytes.subarray(length));
    if (result.kind !== "header") assert.fail(`Cut after ${length} bytes it is ${result.kind}`);
    if (length % 16 === 0) assert.deepEqual(result.decoded, { header, bytes });
    else assert.equal(result.decoded.bytes.toHex(), bytes.toHex());
  }
  assert.throws(() => decodeHeader(concat([bytes, Uint8Array.of(0)])), /its length is wrong/);
});

Deno.test("W9 a chunk may be overwritten once it is pushed, and the outcome as well", () => {
  const bytes = encodeHeader(largestHeader());
  const header = decodeHeader(bytes);
  const decoder = new HeaderDecoder();
  const first = bytes.slice(0, 5000);
  decoder.push(first);
  first.fill(0xff);
  const second = concat([bytes.subarray(5000), Uint8Array.of(7)]);
  const result = decoder.push(second);
  second.fill(0xff);
  if (result.kind !== "header") assert.fail(`It is ${result.kind}`);
  result.rest.fill(0);
  assert.deepEqual(result.decoded, { header, bytes });
});

Deno.test("W9 a decoder that has answered takes no more bytes", () => {
  for (const bytes of [encodeHeader(largestHeader()), Uint8Array.of(2)]) {
    const decoder = new HeaderDecoder();
    assert.notEqual(decoder.push(bytes).kind, "more");
    assert.throws(() => decoder.push(Uint8Array.of(1)), Error);
  }
});

Deno.test("W8 255 recipients, 255 added, 255 attachments and texts of 255 bytes: the same after a round", () => {
  const header = largestHeader();
  const bytes = encodeHeader(header);
  // No header has both a pid and a topic, so the largest stays below the bound by the 32 bytes of a pid.
  assert.equal(bytes.length, MAX_HEADER_SIZE - 32);
  assert.deepEqual(decodeHeader(bytes), header);
});

Deno.test("W8 a decoder holds no more than the largest header and the last chunk", () => {
  const bytes = concat([encodeHeader(largestHeader()), new Uint8Array(500)]);
  const result = decodeChunks(bytes, [1000]);
  if (result.kind !== "header") assert.fail(`It is ${result.kind}`);
  assert.ok(result.rest.length > 0);
  // The rest lies in the decoder's own buffer, so this is what it held.
  assert.ok(result.rest.buffer.byteLength <= MAX_HEADER_SIZE + 1000);
});

Deno.test("W8 the largest header that comes byte by byte costs a few steps a byte, not a pass a byte", () => {
  const bytes = encodeHeader(largestHeader());
  const work = countWork(() => {
    const result = decodeChunks(bytes, [1]);
    assert.equal(result.kind, "header");
  });
  assert.ok(work > bytes.length, `The count of ${work} misses the bytes themselves`);
  assert.ok(work < 10 * bytes.length, `${work} steps for ${bytes.length} bytes`);
});

Deno.test("W8 what no header can hold is not encoded: too many, too long, beyond 32 bits", () => {
  const header = largestHeader();
  const [first] = header.attachments;
  assert.ok(first);
  const one = addressOf("@a@b");
  const long = "n".repeat(256);
  const wrong: readonly Header[] = [
    { ...header, to: [...header.to, one] },
    { ...header, addTo: { from: one, to: [...header.to, one] } },
    { ...header, attachments: [...header.attachments, first] },
    { ...header, attachments: [{ ...first, filename: long }] },
    { ...header, attachments: [{ ...first, size: 2 ** 32 }] },
    { ...header, type: { kind: "text", text: long } },
    { ...header, type: { kind: "text", text: "text/plän" } },
    { ...header, pid: null, topic: "é".repeat(128) },
    { ...header, size: 2 ** 32 },
    { ...header, size: -1 },
    { ...header, size: 0.5 },
    { ...header, expandedSize: NaN },
  ];
  for (const header of wrong) assert.throws(() => encodeHeader(header), RangeError);
});

Deno.test("W9 3000 mutated headers in random chunks decode alike, encode back, and never throw", () => {
  const { header, malformed, more } = fuzzDecoder(20_260_803, (inputs) => inputs < 3000);
  // Were nearly all inputs to end in the same way, the rest would go untried.
  assert.ok(Math.min(header, malformed, more) > 200, `${header}, ${malformed}, ${more}`);
});

/** About 3,000 bytes: long enough for the decoder to run out of the room that it starts with. */
function longHeaderBytes(): Uint8Array {
  const { to, attachments, ...others } = largestHeader();
  return encodeHeader({
    ...others,
    to: to.slice(0, 3),
    addTo: null,
    attachments: attachments.slice(0, 3),
  });
}

/** Feeds `bytes` in chunks of the given sizes, the last of them again and again, until there is an answer. */
function decodeChunks(bytes: Uint8Array, sizes: readonly number[]): Decoding {
  const decoder = new HeaderDecoder();
  let result: Decoding = { kind: "more" };
  let at = 0;
  for (let i = 0; result.kind === "more" && at < bytes.length; i++) {
    const size = sizes[Math.min(i, sizes.length - 1)] ?? 1;
    result = decoder.push(bytes.subarray(at, at + size));
    at += size;
  }
  return result;
}

/**
 * How much the built-in functions that copy and look at bytes do during `run`: bytes copied or decoded as text, numbers
 * read, and steps of generators. A decoder that starts anew with each chunk does this for the square of the bytes.
 */
function countWork(run: () => void): number {
  let work = 0;
  const { set } = Uint8Array.prototype;
  const { decode } = TextDecoder.prototype;
  const { getUint8 } = DataView.prototype;
  const generator: Generator = Object.getPrototypeOf(
    Object.getPrototypeOf(function* () {}.prototype),
  );
  const { next } = generator;
  Uint8Array.prototype.set = function (source, offset) {
    work += source.length;
    set.call(this, source, offset);
  };
  TextDecoder.prototype.decode = function (input, options) {
    work += input?.byteLength ?? 0;
    return decode.call(this, input, options);
  };
  DataView.prototype.getUint8 = function (at) {
    work++;
    return getUint8.call(this, at);
  };
  generator.next = function (...value) {
    work++;
    return next.apply(this, value);
  };
  try {
    run();
  } finally {
    // The first is inherited from all typed arrays; the others are put back.
    Reflect.deleteProperty(Uint8Array.prototype, "set");
    TextDecoder.prototype.decode = decode;
    DataView.prototype.getUint8 = getUint8;
    generator.next = next;
  }
  return work;
}
