// The bytes of messages as hosts exchange them (rows W1 to W7), sent and received by a running host.

import assert from "node:assert/strict";
import { hex } from "../../src/wire/mod.ts";
import { addTo, draft, type Message, noise, replyTo } from "../support/message.ts";
import { messageOf } from "../support/peer_receive.ts";
import { received } from "./outcome.ts";
import { Stage } from "./stage.ts";

const TAKEN = { codes: [64, 200] };

Deno.test("what this host sends has the bytes of the specification", async (t) => {
  await using stage = await Stage.set({ users: ["bob"] });
  const { host, peer, ann, alice } = stage;
  const next = async (): Promise<Message> => messageOf(await peer.next());
  /** The second reading of "Message" lays the same fields out to the same bytes. */
  const isLaidOut = (message: Message) =>
    assert.equal(hex(message.header), hex(draft(message.fields).header));

  const before = Date.now() / 1000;
  const body = "compressible ".repeat(500);
  const { id, hash } = await host.send({
    from: alice,
    to: [ann, host.address("bob")],
    topic: "Größe",
    body,
    important: true,
    attach: [
      { filename: "a b.html", body: "<p>".repeat(500) },
      { filename: "noise.xyz", body: noise(70_000) },
    ],
  });
  const first = await next();
  await t.step("W2 a first message, field by field", () => {
    isLaidOut(first);
    const { from, to, topic, pid, addTo } = first.fields;
    assert.deepEqual([from, to, topic, pid, addTo], [
      alice,
      [ann, host.address("bob")],
      "Größe",
      null,
      undefined,
    ]);
  });
  await t.step("W1 integers are little-endian, and the time is now", () => {
    const time = Number(first.fields.time);
    assert.ok(time >= before - 1 && time <= Date.now() / 1000 + 1);
    const { header } = first;
    const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
    // The last field is the size of the last attachment, which does not compress.
    assert.equal(view.getUint32(header.length - 4, true), 70_000);
  });
  await t.step("W3 expanded sizes stand where something is compressed, and only there", () => {
    const { compress, expandedSize, size = 0, attachments = [] } = first.fields;
    assert.deepEqual([compress, expandedSize], [true, body.length]);
    assert.ok(size < body.length / 10);
    assert.deepEqual(attachments.map(({ expandedSize }) => expandedSize), [1500, null]);
  });
  await t.step("W4 types of the table take one byte", () => {
    const [html, unknown] = first.fields.attachments ?? [];
    assert.deepEqual([first.fields.type, html?.type, unknown?.type], [56, 51, 5]);
  });
  await t.step("W5 attachments have their own flags and names, and their data in order", () => {
    assert.deepEqual(first.fields.attachments?.map(({ filename }) => filename), [
      "a b.html",
      "noise.xyz",
    ]);
    assert.deepEqual(first.content.map(({ length }) => length), [body.length, 1500, 70_000]);
    assert.deepEqual(first.content[2], noise(70_000));
  });
  await t.step("W6 reserved bits are zero, important is bit 3, no reply bit 4", async () => {
    assert.equal((first.header[1] ?? 0) & 0b1101_1000, 0b0000_1000);
    await host.send({ from: alice, to: [ann], noReply: true, body: "" });
    assert.equal((await next()).header[1], 0b0001_0100);
  });
  await t.step("W7 the hash is over the header as sent and the content as it was", () => {
    assert.equal(hex(first.hash), hash);
  });
  await t.step("W3 a reply has a pid and no topic", async () => {
    await host.send({ from: host.address("bob"), to: [ann], replyTo: id, body: "x" });
    const reply = await next();
    isLaidOut(reply);
    assert.deepEqual([reply.fields.pid, reply.fields.topic], [first.hash, null]);
    assert.equal((reply.header[1] ?? 0) & 1, 1);
  });
  await t.step("W3 a batch has a pid, who adds, and who is added, in this order", async () => {
    const { hash } = await host.addTo(id, alice, "@zoe@elsewhere.test");
    const batch = await next();
    isLaidOut(batch);
    assert.deepEqual(batch.fields.addTo, { from: alice, to: ["@zoe@elsewhere.test"] });
    assert.deepEqual([batch.fields.pid, batch.fields.topic], [first.hash, null]);
    assert.deepEqual([(batch.header[1] ?? 0) & 3, hex(batch.hash)], [3, hash]);
  });
  await t.step("W4 a type that is not in the table is spelled out", async () => {
    await host.send({ from: alice, to: [ann], type: "text/x-own; a=b" });
    const { fields, header } = await next();
    assert.ok(fields.type instanceof Uint8Array);
    assert.equal(new TextDecoder().decode(fields.type), "text/x-own; a=b");
    assert.equal((header[1] ?? 0) & 4, 0);
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

Deno.test("what this host receives it shows, saves and knows again as it was sent", async (t) => {
  await using stage = await Stage.set();
  const { host, ann, alice } = stage;
  const message = stage.letter({
    topic: "T".repeat(255),
    body: "body ".repeat(2000),
    compress: true,
    type: "text/markdown",
    attachments: [
      { filename: "plain.bin", body: noise(66_000), type: "image/x-own" },
      { filename: "small", body: "attached ".repeat(1000), compress: true, type: 3 },
      { filename: "empty", body: "", type: 64 },
    ],
  });
  await stage.expect(message, TAKEN);
  const [shown] = received(host, "alice");
  const id = shown?.id ?? 0;

  await t.step("W1 the time keeps its exact bits", () => {
    assert.equal(shown?.time, message.fields.time);
  });
  await t.step("W5 attachments with and without their own types and compression", async () => {
    assert.deepEqual(shown?.attachments, [
      { filename: "plain.bin", type: "image/x-own", size: 66_000 },
      { filename: "small", type: "application/json", size: 9000 },
      { filename: "empty", type: "video/webm", size: 0 },
    ]);
    assert.deepEqual([shown?.type, shown?.size], ["text/markdown", 10_000]);
    const saved = await Promise.all(
      [undefined, "plain.bin", "small", "empty"].map((name) => host.save(id, name)),
    );
    for (const [i, bytes] of saved.entries()) {
      assert.deepEqual(new Uint8Array(bytes), message.content[i]);
    }
  });
  await t.step(
    "W7 hashes are over what was decompressed, for messages and for batches",
    async () => {
      const batch = addTo(message, { from: ann, to: ["@x@elsewhere.test"] });
      await stage.expect(batch, { codes: [11] });
      assert.equal(shown?.hash, hex(message.hash));
      assert.equal(received(host, "alice")[0]?.add_to[0]?.hash, hex(batch.hash));
      await stage.expect(replyTo(message, { from: ann, to: [alice] }), TAKEN);
      await stage.expect(replyTo(batch, { from: ann, to: [alice] }), TAKEN);
    },
  );
  await t.step("S3 afterwards all is in order", () => stage.settles());
});
