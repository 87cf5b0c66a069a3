// No input makes the host exit, leak a connection, or grow without bound (row S3).

import assert from "node:assert/strict";
import { once } from "node:events";
import { concat } from "../../src/wire/mod.ts";
import { largest } from "../support/hostile.ts";
import { addTo, draft, noise } from "../support/message.ts";
import { within } from "../support/wait.ts";
import { peakMemory, Stage } from "./stage.ts";

const MIB = 1024 * 1024;

Deno.test("whatever strangers do, the host stays up and within bounds", async (t) => {
  await using stage = await Stage.set({
    limits: { header_timeout: "3s", idle_timeout: "2s", max_connections_per_ip: 200 },
  });
  const { host, peer, ann, alice } = stage;
  await stage.expect(stage.letter(), { codes: [64, 200] });
  const whole = addTo(draft({ from: ann, to: [alice], topic: "Topic" }), {
    from: ann,
    to: [host.address("nobody")],
  }, {
    body: "Compressed ".repeat(50),
    compress: true,
    attachments: [{ filename: "a.txt", body: "One" }, { filename: "b", type: "image/x-test" }],
  });

  await t.step("S3 what is no TLS, and TLS that is cut off", async () => {
    const beginnings = [
      "GET / HTTP/1.1\r\nHost: fmsg.host1.test\r\n\r\n",
      "EHLO strangers\r\n",
      new TextDecoder("latin1").decode(noise(20_000)),
      "\x16\x03\x01\xff\xff" + "x".repeat(20_000),
      "\x15\x03\x03\x00\x02\x02\x28",
    ];
    await Promise.all(beginnings.map(async (beginning) => {
      const raw = await peer.dialTcp();
      raw.on("error", () => {});
      raw.resume();
      raw.write(beginning, "latin1");
      await within(20_000, "the end", Promise.race([once(raw, "end"), once(raw, "close")]));
      raw.destroy();
    }));
    for (let i = 0; i < 20; i++) (await peer.dialTcp()).resetAndDestroy();
  });
  await t.step("S3 connections that are reset at every point of an exchange", async () => {
    await inParallel(whole.header.length, async (cutHeader) => {
      await peer.send(whole, { cutHeader, then: "reset" });
    });
    await inParallel(whole.payload.length, async (cutData) => {
      await peer.send(whole, { cutData, then: "reset" });
    });
    await inParallel(30, async () => {
      const connection = await peer.dial();
      await connection.write(stage.letter().header);
      connection.reset();
    });
  });
  /** Says all that at once and ends its side; gives what is answered. */
  const blurt = async (...pieces: readonly Uint8Array[]) => {
    const connection = await peer.dial();
    await connection.write(concat(pieces));
    connection.end();
    const answer = await connection.take(1000);
    assert.notEqual(connection.ended, null);
    await connection.close();
    return answer;
  };
  await t.step("S3 headers with any byte changed, and all their data", async () => {
    const { header, payload } = whole;
    await inParallel(header.length * 3, async (i) => {
      const changed = header.slice();
      const at = i % header.length;
      changed[at] = (changed[at] ?? 0) ^ ([1, 128, 255][Math.floor(i / header.length)] ?? 0);
      await blurt(changed, payload);
    });
  });
  await t.step("S3 headers with a byte left out or put in, and all their data", async () => {
    const { header, payload } = whole;
    await inParallel(header.length * 2, async (i) => {
      const [before, behind] = [header.subarray(0, i >> 1), header.subarray(i >> 1)];
      if (i % 2 === 0) await blurt(before, behind.subarray(1), payload);
      else await blurt(before, Uint8Array.of(i & 255), behind, payload);
    });
  });
  await t.step("S3 content with any byte changed", async () => {
    const { header, payload } = whole;
    await inParallel(payload.length, async (at) => {
      const changed = payload.slice();
      changed[at] = (changed[at] ?? 0) ^ 255;
      await blurt(header, changed);
    });
  });
  await t.step("S3 the largest headers, never finished, from many connections", async () => {
    const memory = await peakMemory(host.pid);
    const { header } = largest(ann, alice);
    const connections = await Promise.all(Array.from({ length: 64 }, () => peer.dial()));
    await Promise.all(connections.map((connection) => connection.write(header.subarray(0, -1))));
    // They are held until their time is over; the host serves others meanwhile.
    await stage.expect(stage.letter(), { codes: [64, 200] });
    await Promise.all(connections.map(async (connection) => {
      assert.equal((await connection.take(1)).length, 0);
      await connection.close();
    }));
    const growth = await peakMemory(host.pid) - memory;
    // The bytes of a header, and what is decoded of them: a few times the 256 KiB of each.
    assert.ok(growth < 64 * 4 * MIB, `they took ${growth} bytes`);
  });
  await t.step("W8 the largest header is taken when it is finished", async () => {
    const codes = [64, ...new Array<number>(255).fill(100), ...new Array<number>(255).fill(100)];
    codes[1] = 200;
    const message = largest(ann, alice);
    assert.ok(message.header.length > 250_000);
    await stage.expect(message, { codes });
    assert.equal(await stage.stores(message), true);
  });
  await t.step("S3 data that nobody asked for, without end", async () => {
    const memory = await peakMemory(host.pid);
    const connection = await peer.dial();
    await connection.write(stage.letter({ to: [] }).header);
    const piece = noise(MIB);
    let sent = 0;
    while (sent < 64 * MIB && await connection.write(piece)) sent += MIB;
    assert.ok(sent < 64 * MIB, "the host took it all");
    await connection.close();
    assert.ok(await peakMemory(host.pid) - memory < 64 * MIB);
  });
  await t.step("S3 much data early, while the challenge is awaited", async () => {
    const memory = await peakMemory(host.pid);
    await host.configure({ challenge: "always" });
    await host.reload();
    const message = stage.letter({ body: noise(8 * MIB) });
    const sending = Array.from(
      { length: 8 },
      () => peer.send(message, { pipeline: true, answer: "silent", ms: 20_000 }),
    );
    for (const { codes } of await Promise.all(sending)) assert.deepEqual(codes, []);
    const growth = await peakMemory(host.pid) - memory;
    assert.ok(growth < 96 * MIB, `they took ${growth} bytes`);
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

/** Calls `use` for 0 to `count` - 1, a few at a time. */
async function inParallel(count: number, use: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await use(next++);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}
