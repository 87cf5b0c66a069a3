// The content of a message: exactly as many bytes as were declared (3.4), inflating to exactly as many (rows P1, P2).

import assert from "node:assert/strict";
import { constants, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { type Bytes, concat } from "../../src/wire/mod.ts";
import { addTo, compressed, type Message, noise, type PartFields } from "../support/message.ts";
import type { Ending, SendOptions } from "../support/peer_send.ts";
import { peakMemory, Stage } from "./stage.ts";

const TAKEN = { codes: [64, 200] };
const MIB = 1024 * 1024;

Deno.test("content of exactly the declared size is taken in", async (t) => {
  await using stage = await Stage.set({ users: ["bob"] });
  const { host, peer, ann, alice } = stage;
  const taken = async (message: Message, options: SendOptions = {}) => {
    const { line } = await stage.expect(message, TAKEN, options);
    assert.equal(line.bytes, message.header.length + message.payload.length);
    assert.equal(await stage.stores(message), true);
  };

  await t.step("P1 of any size, around the sizes in which it is stored", async () => {
    for (const size of [0, 1, 65_535, 65_536, 65_537, 131_072, 2 * MIB + 1]) {
      await taken(stage.letter({ body: noise(size) }));
    }
  });
  await t.step("P1 in several parts, some of them empty", async () => {
    const sizes = [0, 65_536, 1, 0, 100_000, 0];
    const attachments = sizes.map((size, i) => ({ filename: `a${i}`, body: noise(size) }));
    await taken(stage.letter({ body: "", attachments }));
    await taken(stage.letter({ body: noise(3), attachments }));
  });
  await t.step("P1 in pieces of one byte, and at once with the header", async () => {
    await taken(stage.letter({ body: noise(200) }), { piece: 1, dataGap: 1 });
    await taken(stage.letter({ body: noise(200) }), { pipeline: true });
    await taken(stage.letter({ body: noise(MIB) }), { pipeline: true, piece: 1000 });
  });
  await t.step("P1 what comes behind it is not read", async () => {
    for (const size of [1, 1000, 500_000]) {
      await taken(stage.letter(), { extra: noise(size) });
      await taken(stage.letter(), { extra: noise(size), pipeline: true });
    }
  });
  await t.step("P1 nor is anything where no data is wanted", async () => {
    const original = stage.letter();
    await stage.expect(original, TAKEN);
    const batch = addTo(original, { from: ann, to: [host.address("bob")] });
    const extra = { pipeline: true, extra: noise(1000) };
    const { line } = await stage.expect(batch, { codes: [65, 103, 200] }, extra);
    assert.equal(line.bytes, batch.header.length);
  });
  await t.step("P1 a sender may end its side before it has its codes", async () => {
    await taken(stage.letter({ body: noise(100_000) }), { then: "end" });
    const connection = await peer.dial();
    const message = stage.letter();
    await connection.write(concat([message.header, message.payload]));
    connection.end();
    assert.deepEqual([...await connection.take(10)], TAKEN.codes);
    await connection.close();
  });
  for (const then of ["end", "fin", "reset"] satisfies Ending[]) {
    await t.step(`P1 content that is cut short is not kept: ${then}`, async () => {
      for (const cutData of [0, 1, 70_000, 99_999]) {
        const message = stage.letter({ to: [alice], body: noise(100_000) });
        const sent = await stage.send(message, { cutData, then });
        assert.deepEqual([sent.codes, sent.line.terminated], [[64], "connection lost"]);
        assert.equal(await stage.stores(message), false);
      }
    });
  }
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

/** "zlib " 1000 times, with the preset dictionary "zlib "; made by zlib itself, since the runtime's has no dictionaries. */
const WITH_DICTIONARY = Uint8Array.fromHex(
  "78f9063601d2edc42101000000c3a0de4fbf14772098244992244992a47b01ed7818d2",
);

/** A zlib stream (RFC 1950) of `count` MiB of zeros, for a thousandth of it. */
function bomb(count: number): Bytes {
  const block = deflateRawSync(new Uint8Array(MIB), { finishFlush: constants.Z_FULL_FLUSH });
  // An empty last block, and a checksum that nobody comes to.
  const end = Uint8Array.of(3, 0, 0, 0, 0, 0);
  return concat([Uint8Array.of(0x78, 0x9c), ...new Array<Uint8Array>(count).fill(block), end]);
}

Deno.test("compressed content inflates to exactly the declared size", async (t) => {
  await using stage = await Stage.set({ challenge: "always", limits: { min_rate: 1 } });
  const { host, peer } = stage;
  const text = "zlib ".repeat(1000);
  const part = (wire: Uint8Array, changes: PartFields = {}): PartFields => ({
    body: text,
    compress: true,
    wire,
    ...changes,
  });
  const half = compressed(text.slice(0, 2500));
  const deflated = compressed(text);
  const spoilt = (at: number) => {
    const wire = deflated.slice();
    const index = at < 0 ? wire.length + at : at;
    wire[index] = (wire[index] ?? 0) ^ 0x55;
    return wire;
  };

  const good: readonly (readonly [string, PartFields])[] = [
    ["as it is", part(deflated)],
    ["with stored blocks only", part(deflateSync(text, { level: 0 }))],
    ["with the least window", part(deflateSync(text, { windowBits: 9 }))],
    ["with the best compression", part(deflateSync(text, { level: 9, memLevel: 9 }))],
    ["of nothing", part(deflateSync(""), { body: "" })],
    ["larger than what it holds", part(compressed(noise(5000)), { body: noise(5000) })],
    ["of many blocks", {
      compress: true,
      body: new Uint8Array(8 * MIB),
      wire: compressed(new Uint8Array(8 * MIB)),
    }],
  ];
  for (const [what, part] of good) {
    await t.step(`P2 taken, as data and as an attachment: a stream ${what}`, async () => {
      await stage.expect(stage.letter(part), TAKEN);
      const attachments = [{ filename: "first", ...part }, { filename: "second", body: "x" }];
      await stage.expect(stage.letter({ attachments }), TAKEN, { piece: 100 });
    });
  }

  const bad: readonly (readonly [string, PartFields])[] = [
    ["one byte more than declared", part(deflated, { expandedSize: text.length - 1 })],
    ["one byte less than declared", part(deflated, { expandedSize: text.length + 1 })],
    ["something where nothing is declared", part(deflated, { expandedSize: 0 })],
    ["nothing where something is declared", part(deflateSync(""))],
    ["a stream without its last byte", part(deflated.subarray(0, -1))],
    ["half a stream", part(deflated.subarray(0, deflated.length / 2))],
    ["the header of a stream", part(deflated.subarray(0, 2))],
    ["no stream at all", part(new Uint8Array())],
    ["no stream, for nothing", part(new Uint8Array(), { body: "" })],
    ["a wrong checksum", part(spoilt(-1))],
    ["a corrupt stream", part(spoilt(10))],
    ["a wrong header", part(spoilt(0))],
    ["a byte behind the stream's end", part(concat([deflated, Uint8Array.of(0)]))],
    ["another stream behind its end", part(concat([half, half]))],
    ["much behind its end", part(concat([deflated, noise(200_000)]))],
    ["raw deflate", part(deflateRawSync(text))],
    ["gzip", part(gzipSync(text))],
    ["a stream with a dictionary", part(WITH_DICTIONARY)],
    ["what is not compressed", part(new TextEncoder().encode(text))],
    ["noise", part(noise(5000))],
  ];
  const wrong = { codes: [64], terminated: "bad compressed data" };
  for (const [what, part] of bad) {
    await t.step(`P2 terminated: ${what}`, async () => {
      const message = stage.letter(part);
      await stage.expect(message, wrong);
      assert.equal(await stage.stores(message), false);
      // In its place between others, and in pieces.
      const attachments = [
        { filename: "first", body: text, compress: true },
        { filename: "second", ...part },
        { filename: "third", body: "x" },
      ];
      await stage.expect(stage.letter({ attachments }), wrong, { piece: 7 });
    });
  }

  await t.step("P2 a bomb is stopped at its bound, whatever it expands to", async () => {
    const memory = await peakMemory(host.pid);
    const wire = bomb(4000);
    const bombs = [0, 1000, 10 * MIB].map((expandedSize) =>
      stage.letter({ body: "", compress: true, wire, expandedSize })
    );
    const results = await Promise.all([...bombs, ...bombs].map((message) => peer.send(message)));
    for (const { codes, terminated } of results) {
      assert.deepEqual([codes, terminated], [[64], true]);
    }
    const growth = await peakMemory(host.pid) - memory;
    assert.ok(growth < 128 * MIB, `the bombs took ${growth} bytes of memory`);
  });
  await t.step("P2 what expands to the allowed size takes no such memory either", async () => {
    const memory = await peakMemory(host.pid);
    const body = new Uint8Array(10 * MIB);
    const wire = compressed(body);
    const letters = Array.from({ length: 8 }, () => stage.letter({ body, wire, compress: true }));
    const results = await Promise.all(letters.map((message) => peer.send(message)));
    for (const { codes } of results) assert.deepEqual(codes, TAKEN.codes);
    const growth = await peakMemory(host.pid) - memory;
    assert.ok(growth < 128 * MIB, `8 messages of 10 MiB took ${growth} bytes of memory`);
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});
