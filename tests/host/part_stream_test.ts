// Parts that stream in: stored byte for byte, compressed where that makes them smaller, and gone when nobody takes them.

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { inflateSync } from "node:zlib";
import fc from "fast-check";
import { stageStream } from "../../src/host/part_stream.ts";
import { stageParts } from "../../src/host/parts.ts";
import { noise } from "../support/message.ts";
import { HERE, TestStore } from "../store/support.ts";

const MOST = 2 * 1024 * 1024;
const ALICE = `@alice@${HERE}`;

async function* pieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

/** Text that shrinks, `length` bytes of it. */
function prose(length: number): Uint8Array<ArrayBuffer> {
  const line = "All work and no play makes Jack a dull boy.\n";
  return new TextEncoder().encode(line.repeat(length / line.length + 1)).slice(0, length);
}

/** Stages, sends as the body of a message, and gives what the store has. */
async function stored(
  store: TestStore,
  type: string,
  bytes: Uint8Array,
  length: number,
): Promise<{ readonly isCompressed: boolean; readonly bytes: Uint8Array }> {
  await using staged = await stageStream(store.writer, type, pieces(bytes, length), MOST);
  const { part, content } = staged;
  const sent = await store.writer.submit("send", {
    from: ALICE,
    to: [ALICE],
    start: { topic: "" },
    body: part,
    attachments: [],
    content,
    important: false,
    noReply: false,
  });
  ok(sent.kind === "sent", "message" in sent ? sent.message : "");
  staged.adopted();
  const rows = store.rows(
    "SELECT c.bytes FROM chunk c JOIN message m ON c.id / 1048576 = m.content WHERE m.id = ? ORDER BY c.id",
    sent.id,
  );
  const wire = await new Blob(rows.map((row) => row.blob("bytes"))).bytes();
  equal(wire.length, part.size);
  equal(part.expandedSize ?? part.size, bytes.length);
  const isCompressed = part.expandedSize !== null;
  if (isCompressed) ok(part.size < bytes.length);
  return { isCompressed, bytes: isCompressed ? inflateSync(wire) : wire };
}

Deno.test("a part of any size and in any pieces is stored as it came", async () => {
  await using store = await TestStore.open([ALICE]);
  const input = fc.record({
    length: fc.oneof(
      fc.nat(300_000),
      fc.constantFrom(0, 1, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073, MOST),
    ),
    piece: fc.oneof(fc.integer({ min: 1000, max: 200_000 }), fc.constant(MOST)),
    isText: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(input, async ({ length, piece, isText }) => {
      const bytes = isText ? prose(length) : noise(length);
      const got = await stored(store, "text/plain", bytes, piece);
      equal(got.isCompressed, isText && length > 60 || got.isCompressed && !isText);
      ok(bytes.length === got.bytes.length && bytes.every((byte, i) => byte === got.bytes[i]));
    }),
    { numRuns: 40 },
  );
  store.audit();
});

Deno.test("what its format compresses already is not compressed again, nor what begins with noise", async () => {
  await using store = await TestStore.open([ALICE]);
  const text = prose(400_000);
  equal((await stored(store, "application/zip", text, 65_536)).isCompressed, false);
  equal((await stored(store, "text/plain", text, 65_536)).isCompressed, true);
  const mixed = new Uint8Array([...noise(200_000), ...text]);
  const got = await stored(store, "text/plain", mixed, 65_536);
  deepEqual([got.isCompressed, got.bytes.length], [false, 600_000]);
  const turned = new Uint8Array([...text, ...noise(1_000_000)]);
  equal((await stored(store, "text/plain", turned, 65_536)).isCompressed, true);
  store.audit();
});

Deno.test("a part that breaks off, or that nobody takes, leaves nothing in the store", async () => {
  await using store = await TestStore.open([ALICE]);
  async function* breaking(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
    yield* pieces(bytes, 65_536);
    throw new Error("The client is gone");
  }
  for (const length of [0, 100_000, 1_000_000]) {
    for (const bytes of [prose(length), noise(length)]) {
      await rejects(stageStream(store.writer, "text/plain", breaking(bytes), MOST), /gone/);
      const staged = await stageStream(store.writer, "text/plain", pieces(bytes, 65_536), MOST);
      await staged[Symbol.asyncDispose]();
    }
  }
  let ended = false;
  async function* endless(): AsyncGenerator<Uint8Array, void> {
    try {
      for (;;) yield noise(65_536);
    } finally {
      ended = true;
    }
  }
  await rejects(stageStream(store.writer, "text/plain", endless(), MOST), RangeError);
  ok(ended);
  store.audit();
});

Deno.test("a file that cannot be read to its end is an error, and not the end of the program", async () => {
  await using store = await TestStore.open([ALICE]);
  let reads = 0;
  async function* failing(): AsyncGenerator<Uint8Array, void> {
    reads++;
    yield* pieces(prose(3_000_000), 65_536);
    if (reads > 1) throw new Error("The disk is gone");
  }
  await rejects(stageParts(store.writer, [{ type: "text/plain", open: failing }]), /gone/);
  store.audit();
});
