// "Computing Message Hash" and 3.4: the content of a message on its way through the digest.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { setImmediate } from "node:timers";
import { createInflate, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { ContentDigest, inflated, Terminate } from "../../src/protocol/mod.ts";
import { concat, type DecodedHeader, hex, type MessageHash } from "../../src/wire/mod.ts";
import { attachment, batchOn, bob, carol, encoded, firstMessage, someHash, utf8 } from "./facts.ts";

/** A part of content: its bytes, and the bytes of the wire when it is compressed. */
interface Piece {
  readonly plain: Uint8Array;
  readonly packed: Uint8Array | null;
}

const plain = (text: string): Piece => ({ plain: utf8(text), packed: null });
const packed = (text: string): Piece => ({ plain: utf8(text), packed: deflateSync(utf8(text)) });
const wireOf = (pieces: readonly Piece[]): Uint8Array =>
  concat(pieces.map((piece) => piece.packed ?? piece.plain));

/** A message whose data is the first piece and whose attachments are the others. */
function messageOf([data = plain(""), ...files]: readonly Piece[]): DecodedHeader {
  const sizes = (piece: Piece) => ({
    size: (piece.packed ?? piece.plain).length,
    expandedSize: piece.packed === null ? null : piece.plain.length,
  });
  const attachments = files.map((file, i) => ({ ...attachment(`f${i}`, 0), ...sizes(file) }));
  return encoded(firstMessage({ ...sizes(data), attachments }));
}

/** The hash as the specification has it, in one go. */
function expectedHash(message: DecodedHeader, pieces: readonly Piece[]): string {
  const hash = createHash("sha256").update(message.bytes);
  for (const piece of pieces) hash.update(piece.plain);
  return hash.digest("hex");
}

async function digestOf(
  message: DecodedHeader,
  chunks: Iterable<Uint8Array>,
  layout = message.header,
): Promise<MessageHash> {
  using digest = new ContentDigest(message, layout);
  for (const chunk of chunks) await digest.push(chunk);
  return await digest.finish();
}

function* inChunks(bytes: Uint8Array, size: number): Generator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function assertHash(...pieces: Piece[]): Promise<void> {
  const message = messageOf(pieces);
  const hash = await digestOf(message, [wireOf(pieces)]);
  assert.equal(hex(hash), expectedHash(message, pieces));
}

Deno.test("W7 the message hash covers the header, the data and each attachment, all decompressed", async () => {
  await assertHash(plain("data"));
  await assertHash(packed("data"));
  await assertHash(plain("data"), plain("one"), plain("two"));
  await assertHash(packed("data"), plain("one"), packed("two"), packed("three"));
});

Deno.test("W7 empty parts take part, in every place and compressed as well", async () => {
  await assertHash(plain(""));
  await assertHash(packed(""));
  await assertHash(plain(""), plain(""), plain(""));
  await assertHash(packed(""), packed(""), packed(""));
  await assertHash(plain(""), packed("one"), plain(""), packed(""), plain("end"), plain(""));
});

Deno.test("W7 compression changes the header's bytes and no byte of what is hashed behind them", async () => {
  const one = [plain("the same content")];
  const other = [packed("the same content")];
  assert.notEqual(expectedHash(messageOf(one), one), expectedHash(messageOf(other), other));
  await assertHash(...one);
  await assertHash(...other);
});

Deno.test("any chunking of any parts gives the same hash", async () => {
  const bytes = fc.uint8Array({ maxLength: 200 });
  const piece = fc.tuple(bytes, fc.integer({ min: -1, max: 9 })).map(([plain, level]): Piece => ({
    plain,
    packed: level < 0 ? null : deflateSync(plain, { level }),
  }));
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { minLength: 1, maxLength: 4 }),
      fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1 }),
      async (pieces, lengths) => {
        const message = messageOf(pieces);
        const wire = wireOf(pieces);
        const chunks: Uint8Array[] = [];
        for (let at = 0; at < wire.length; at += chunks.at(-1)?.length ?? 0) {
          const length = lengths[chunks.length % lengths.length];
          chunks.push(wire.subarray(at, at + (length || 1)));
        }
        assert.equal(hex(await digestOf(message, chunks)), expectedHash(message, pieces));
      },
    ),
    { numRuns: 150 },
  );
});

Deno.test("a large compressed part that comes in small chunks is whole", async () => {
  const text = Array.from({ length: 60_000 }, (_, i) => `${i * 7919 % 10_007} `).join("");
  const pieces = [packed(text), plain("after it")];
  const message = messageOf(pieces);
  const hash = await digestOf(message, inChunks(wireOf(pieces), 1400));
  assert.equal(hex(hash), expectedHash(message, pieces));
});

Deno.test("a batch is hashed over its own header and the content laid out as its original's", async () => {
  const original = [packed("data"), plain("file")];
  const { header } = messageOf(original);
  // The batch declares other wire sizes, as after another compression.
  const batch = encoded(
    batchOn(header, someHash(1), bob, [carol], { size: 4, expandedSize: null }),
  );
  const hash = await digestOf(batch, [wireOf(original)], header);
  assert.equal(hex(hash), expectedHash(batch, original));
});

const TEXT = utf8("What the quick brown fox jumps over is the lazy dog. ".repeat(40));
const STREAM = new Uint8Array(deflateSync(TEXT));

/** Streams that are not what their header says: the wire's bytes, the size declared, and what is found out. */
function lies(): [string, Uint8Array, number, RegExp][] {
  const flipped = (at: number): Uint8Array => {
    const copy = STREAM.slice();
    copy[at] = 0xff & ~(copy[at] ?? 0);
    return copy;
  };
  const more = (...bytes: Uint8Array[]): Uint8Array => concat([STREAM, ...bytes]);
  const size = TEXT.length;
  const empty = new Uint8Array(deflateSync(new Uint8Array()));
  const dictionary = concat([Uint8Array.of(0x78, 0xbb, 0, 0, 0, 1), deflateRawSync(TEXT)]);
  return [
    ["one byte more than declared", STREAM, size - 1, /more than the \d+ bytes declared/],
    ["something where nothing is declared", STREAM, 0, /more than the 0 bytes/],
    ["one byte less than declared", STREAM, size + 1, /2120 bytes where 2121 are declared/],
    ["much less than declared", STREAM, 0xffff_ffff, /bytes where 4294967295 are declared/],
    ["nothing where something is declared", empty, 1, /0 bytes where 1 are declared/],
    ["truncated by a byte", STREAM.subarray(0, -1), size, /unexpected end/],
    ["truncated by its checksum", STREAM.subarray(0, -4), size, /unexpected end/],
    ["truncated in the middle", STREAM.subarray(0, 20), size, /unexpected end/],
    ["truncated to one byte", STREAM.subarray(0, 1), size, /unexpected end/],
    ["no byte at all", STREAM.subarray(0, 0), 0, /unexpected end/],
    ["no byte at all, with a size", STREAM.subarray(0, 0), 9, /unexpected end/],
    ["a wrong header", flipped(0), size, /incorrect header/],
    ["a wrong checksum", flipped(STREAM.length - 1), size, /incorrect data check/],
    ["no zlib stream", utf8("plain text that was never deflated"), 34, /incorrect header/],
    ["a preset dictionary", dictionary, size, /dictionary/],
    ["gzip", new Uint8Array(gzipSync(TEXT)), size, /incorrect header/],
    ["raw deflate", new Uint8Array(deflateRawSync(TEXT)), size, /: /],
    ["a byte behind its end", more(Uint8Array.of(0)), size, /bytes after the end/],
    ["many bytes behind its end", more(new Uint8Array(100_000)), size, /bytes after the end/],
    ["a stream behind its end", more(STREAM), size, /bytes after the end/],
    ["a stream behind its end, counted", more(STREAM), 2 * size, /2120 bytes where 4240/],
    ["a byte behind an empty stream", concat([empty, Uint8Array.of(1)]), 0, /bytes after the end/],
  ];
}

Deno.test("P2 a compressed part that is not what it declares is terminated, however it comes", async () => {
  for (const [what, wire, size, reason] of lies()) {
    const data = encoded(firstMessage({ size: wire.length, expandedSize: size }));
    const inside = encoded(firstMessage({
      size: 3,
      attachments: [attachment("a", wire.length, size), attachment("b", 2)],
    }));
    const around = concat([utf8("abc"), wire, utf8("yz")]);
    const failure = new RegExp(`^Terminate: bad compressed data.*${reason.source}`);
    const short = wire.length < 10_000 ? [1, 7] : [1000];
    for (const chunk of [...short, STREAM.length, STREAM.length + 1, Infinity]) {
      await assert.rejects(digestOf(data, inChunks(wire, chunk)), failure, `${what}, by ${chunk}`);
      await assert.rejects(digestOf(inside, inChunks(around, chunk)), failure, `${what}, inside`);
    }
  }
});

Deno.test("P2 any flipped bit of a compressed part is terminated, or leaves the same bytes", async () => {
  const good = await digestOf(messageOf([{ plain: TEXT, packed: STREAM }]), [STREAM]);
  const message = messageOf([{ plain: TEXT, packed: STREAM }]);
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: STREAM.length * 8 - 1 }), async (bit) => {
      const wire = STREAM.slice();
      wire[bit >> 3] = (wire[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const outcome = await digestOf(message, [wire]).catch((error: unknown) => error);
      if (outcome instanceof Uint8Array) assert.deepEqual(outcome, good);
      else assert.ok(outcome instanceof Terminate && outcome.reason === "bad compressed data");
    }),
    { numRuns: 100 },
  );
});

/** How many bytes all inflaters give out while `work` runs. */
async function bytesInflated(work: () => Promise<void>): Promise<number> {
  const sample = createInflate();
  const inflaters: object = Object.getPrototypeOf(sample);
  sample.destroy();
  let count = 0;
  Object.defineProperty(inflaters, "push", {
    configurable: true,
    value: function (this: Readable, chunk: Uint8Array | null): boolean {
      count += chunk?.length ?? 0;
      return Readable.prototype.push.call(this, chunk);
    },
  });
  try {
    await work();
  } finally {
    Reflect.deleteProperty(inflaters, "push");
  }
  return count;
}

Deno.test("P2 a bomb is stopped at its bound: two windows more than declared at most", async () => {
  const bomb = new Uint8Array(deflateSync(new Uint8Array(40_000_000)));
  for (const declared of [0, 1000, 1_000_000]) {
    for (const chunk of [100, 16_384, Infinity]) {
      const message = encoded(firstMessage({ size: bomb.length, expandedSize: declared }));
      const count = await bytesInflated(() =>
        assert.rejects(digestOf(message, inChunks(bomb, chunk)), /bad compressed data: more than/)
      );
      assert.ok(count > declared && count <= declared + 2 * 64 * 1024, `${count} of ${declared}`);
    }
  }
});

Deno.test("S3 while little is inflated to much, others have their turns in between", async () => {
  const bytes = new Uint8Array(4 * 1024 * 1024);
  const pieces = [{ plain: bytes, packed: deflateSync(bytes) }];
  assert.ok(wireOf(pieces).length < 5000);
  let turns = 0;
  let done = false;
  const count = (): void => {
    turns++;
    if (!done) setImmediate(count);
  };
  setImmediate(count);
  await digestOf(messageOf(pieces), [wireOf(pieces)]);
  done = true;
  assert.ok(turns >= 32, `there were ${turns} turns`);
});

Deno.test("what was counted as inflated is all of it when nothing is wrong", async () => {
  const message = messageOf([{ plain: TEXT, packed: STREAM }]);
  assert.equal(
    await bytesInflated(async () => void await digestOf(message, [STREAM])),
    TEXT.length,
  );
});

Deno.test("a part that failed goes on failing, and the digest can be left at any point", async () => {
  const message = encoded(firstMessage({ size: 100, expandedSize: 5 }));
  using digest = new ContentDigest(message);
  await assert.rejects(digest.push(STREAM.subarray(0, 50)), /more than the 5 bytes/);
  await assert.rejects(digest.push(STREAM.subarray(50, 60)), /more than the 5 bytes/);
  using unused = new ContentDigest(message);
  using begun = new ContentDigest(messageOf([{ plain: TEXT, packed: STREAM }]));
  await begun.push(STREAM.subarray(0, 9));
  assert.ok(unused);
});

Deno.test("more or less content than the header declares is a mistake of the caller", async () => {
  const message = messageOf([plain("four"), plain("")]);
  await assert.rejects(digestOf(message, [utf8("fou")]), RangeError);
  await assert.rejects(digestOf(message, [utf8("fours")]), RangeError);
  await assert.rejects(
    digestOf(messageOf([plain("four"), plain("x")]), [utf8("four")]),
    RangeError,
  );
});

async function collected(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return concat(all);
}

Deno.test("stored content is inflated for reading, in whatever chunks it is stored", async () => {
  for (const chunk of [1, 50, Infinity]) {
    assert.deepEqual(await collected(inflated(inChunks(STREAM, chunk))), new Uint8Array(TEXT));
  }
});

Deno.test("S3 a store that fails while content is read is an error of the reader, not of the process", async () => {
  const failing = function* (): Generator<Uint8Array, void> {
    yield STREAM.subarray(0, 20);
    throw new Error("the disk is gone");
  };
  await assert.rejects(collected(inflated(failing())), /the disk is gone/);
});

Deno.test("content that is read no further lets go of the store", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stored = function* (): Generator<Uint8Array, void> {
    try {
      for (;;) yield new Uint8Array(deflateSync(new Uint8Array(1_000_000), { level: 0 }));
    } finally {
      resolve();
    }
  };
  for await (const piece of inflated(stored())) {
    assert.ok(piece.length > 0);
    break;
  }
  await promise;
});
