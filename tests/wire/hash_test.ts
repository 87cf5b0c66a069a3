import assert from "node:assert/strict";
import { inflateSync } from "node:zlib";
import fc from "fast-check";
import {
  asHeaderHash,
  asMessageHash,
  concat,
  decodeHeader,
  equal,
  headerHash,
  hex,
  MessageHasher,
  parts,
} from "../../src/wire/mod.ts";

// The digests below come from sha256sum, fed with the bytes that the comments name.

/** From @a@b to @c@d, topic "hi", type a/b; data of 5 bytes, no attachments. */
const PLAIN = bytes(
  "01 00 0440614062 01 0440634064 000000000000f03f 02 6869 03 612f62 05000000 00",
);
/** The same with compressed data, a compressed attachment "a" and a plain one "b". */
const COMPRESSED = bytes(`
  01 20 0440614062 01 0440634064 000000000000f03f 02 6869 03 612f62 10000000 05000000
  02 03 38 01 61 0c000000 64000000 00 03 612f62 01 62 03000000
`);

const HELLO = new TextEncoder().encode("hello");
/** "hello" as RFC 1950 has it: CMF and FLG; a last, stored block; LEN and NLEN; the bytes; Adler-32. */
const HELLO_STORED = bytes("7801 01 0500 faff 68656c6c6f 062c0215");
/** "a" a hundred times, deflated. */
const HUNDRED_DEFLATED = bytes("78da 4b4ca43d0000 7a4725e5");

Deno.test("W7 the header hash is SHA-256 of the bytes of the header", () => {
  // The bytes of PLAIN, the bytes of COMPRESSED.
  assert.equal(
    hex(headerHash(PLAIN)),
    "9d66b54818a95d30355ce484c12eb99427acb23214493a3bb594f8ad57383e47",
  );
  assert.equal(
    hex(headerHash(COMPRESSED)),
    "aa990201a9be07e2f8f83cd29414fa086cbd78dacd21bdaa0e8378de1c35bf66",
  );
});

Deno.test("W7 the message hash is SHA-256 of the header and the data", () => {
  // The bytes of PLAIN, then "hello".
  assert.equal(
    hex(messageHash(PLAIN, [HELLO])),
    "2013aab6abc8c784890cf7f5aa62d24679b09312305e847873bd22f86694fb98",
  );
});

Deno.test("W7 compressed parts count decompressed, attachments follow the data in their order", () => {
  // The bytes of COMPRESSED, then "hello", a hundred times "a", "xyz".
  const xyz = new TextEncoder().encode("xyz");
  assert.equal(
    hex(messageHash(COMPRESSED, [HELLO_STORED, HUNDRED_DEFLATED, xyz])),
    "a7af04a23c0cf17b6e0b743ab66c143cf165b19bf46634c87de7b9031bc049b1",
  );
});

Deno.test("W7 the message hash does not depend on the pieces in which the content comes", () => {
  fc.assert(fc.property(fc.array(fc.uint8Array()), (pieces) => {
    const hasher = new MessageHasher(PLAIN);
    for (const piece of pieces) hasher.update(piece);
    assert.equal(hex(hasher.digest()), hex(headerHash(concat([PLAIN, ...pieces]))));
  }));
});

Deno.test("W7 a hash taken from the wire is a copy of 32 bytes, no more and no fewer", () => {
  for (const take of [asMessageHash, asHeaderHash]) {
    const buffer = new Uint8Array(1000).fill(7);
    const hash = take(buffer.subarray(3, 35));
    buffer.fill(0);
    assert.equal(hex(hash), "07".repeat(32));
    assert.equal(hash.buffer.byteLength, 32);
    for (const length of [0, 31, 33]) {
      assert.throws(() => take(new Uint8Array(length)), RangeError);
    }
  }
});

Deno.test("W7 two hashes are equal when all their bytes are", () => {
  const hash = headerHash(PLAIN);
  assert.ok(equal(hash, asHeaderHash(hash)));
  assert.ok(!equal(hash, headerHash(COMPRESSED)));
  for (const at of [0, 15, 31]) {
    assert.ok(!equal(hash, hash.map((byte, i) => i === at ? byte ^ 1 : byte)));
  }
  assert.ok(!equal(hash, hash.subarray(0, 31)) && !equal(hash.subarray(0, 31), hash));
});

/** The message hash of `header` with content as on the wire: what the header calls compressed is inflated first. */
function messageHash(header: Uint8Array, content: readonly Uint8Array[]): Uint8Array {
  const hasher = new MessageHasher(header);
  const headers = parts(decodeHeader(header));
  assert.deepEqual(content.map((part) => part.length), headers.map((part) => part.size));
  for (const [i, part] of headers.entries()) {
    const wire = content[i] ?? new Uint8Array();
    const expanded = part.expandedSize === null ? wire : inflateSync(wire);
    assert.equal(expanded.length, part.expandedSize ?? part.size);
    hasher.update(expanded);
  }
  return hasher.digest();
}

function bytes(hex: string): Uint8Array {
  return Uint8Array.fromHex(hex.replace(/\s/g, ""));
}
