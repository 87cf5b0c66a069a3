// A line in the log for each exchange, with what happened and never with content (row S4).

import assert from "node:assert/strict";
import * as v from "valibot";
import { hex } from "../../src/wire/mod.ts";
import { NoConnection } from "../support/line.ts";
import { addTo, type Message, noise } from "../support/message.ts";
import type { SendOptions } from "../support/peer_send.ts";
import { Stage } from "./stage.ts";

/** What "Monitoring and Logging" asks for, and what INTERFACE promises besides. */
const EXCHANGE = v.object({
  time: v.pipe(v.string(), v.isoTimestamp()),
  level: v.string(),
  msg: v.string(),
  direction: v.picklist(["in", "out"]),
  peer: v.pipe(v.string(), v.ip()),
  domain: v.nullable(v.string()),
  header_hash: v.nullable(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
  codes: v.array(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(255))),
  challenge: v.picklist(["none", "ok", "failed"]),
  terminated: v.nullable(v.string()),
  bytes: v.pipe(v.number(), v.integer(), v.minValue(0)),
  ms: v.pipe(v.number(), v.minValue(0)),
});

const SECRET = "xyzzy";

Deno.test("each exchange has one line in the log", async (t) => {
  await using stage = await Stage.set({ challenge: "always", users: ["bob"] });
  const { host, peer, ann, alice } = stage;
  /** All lines of exchanges since `seen`, as they have to be. */
  const lines = (seen: number) =>
    host.log.slice(seen).filter(({ direction }) => direction !== undefined)
      .map((line) => v.parse(EXCHANGE, line));
  /** Sends, and gives the one line that there is of it. */
  const lineOf = async (message: Message, options: SendOptions = {}) => {
    const seen = host.log.length;
    const before = Date.now();
    await stage.send(message, options);
    // The line of the next exchange comes after all that there are of this one.
    await stage.send(stage.letter({ to: [host.address("nobody")] }));
    const [line, ...others] = lines(seen);
    assert.ok(line);
    assert.equal(others.length, 1);
    assert.ok(Date.parse(line.time) >= before - 1 && Date.parse(line.time) <= Date.now() + 1);
    assert.deepEqual([line.direction, line.peer], ["in", peer.ip]);
    return line;
  };
  const secret = (changes: Partial<Message["fields"]> = {}) =>
    stage.letter({
      topic: `topic ${SECRET}`,
      body: `body ${SECRET}`,
      attachments: [{ filename: `${SECRET}.txt`, body: `attachment ${SECRET}` }],
      ...changes,
    });

  await t.step("S4 a message that is taken", async () => {
    const message = secret({ to: [alice, "@x@elsewhere.test", host.address("nobody")] });
    const { codes, challenge, terminated, bytes, domain, header_hash } = await lineOf(message);
    assert.deepEqual(
      { codes, challenge, terminated, bytes, domain, header_hash },
      {
        codes: [64, 200, 100],
        challenge: "ok",
        terminated: null,
        bytes: message.header.length + message.payload.length,
        domain: peer.domain,
        header_hash: hex(message.headerHash),
      },
    );
  });
  await t.step("S4 the domain is that of who adds recipients", async () => {
    const other = await stage.world.peer({ domain: "other.test" });
    const original = stage.letter({ to: [alice, other.address("oz")] });
    await stage.expect(original, { codes: [64, 200] });
    const batch = addTo(original, { from: other.address("oz"), to: [host.address("bob")] });
    const { line } = await stage.expect(batch, { codes: [65, 103, 200] }, {}, other);
    assert.equal(line.domain, "other.test");
  });
  await t.step("S4 a message that is refused", async () => {
    const line = await lineOf(secret({ to: [] }));
    assert.deepEqual([line.codes, line.challenge, line.terminated], [[1], "none", null]);
    const late = await lineOf(secret({ time: 0 }));
    assert.deepEqual([late.codes, late.domain], [[7], peer.domain]);
  });
  await t.step("S4 a version that is none", async () => {
    const line = await lineOf(stage.letter({ version: 9 }));
    assert.deepEqual([line.codes, line.domain, line.header_hash], [[2], null, null]);
  });

  const terminated: readonly (readonly [string, Message, SendOptions])[] = [
    ["malformed header", secret({ to: [`${SECRET}@nowhere`] }), {}],
    ["connection lost", secret(), { cutHeader: 20, then: "reset" }],
    ["connection lost", secret(), { cutData: 3, then: "end" }],
    ["sender not authorised", secret({ from: "@ann@elsewhere.test" }), {}],
    ["challenge not answered", secret(), { answer: "end" }],
    ["challenge answer wrong", secret(), { answer: "wrong" }],
    ["bad compressed data", secret({ compress: true, wire: noise(50) }), {}],
  ];
  for (const [reason, message, options] of terminated) {
    await t.step(`S4 an exchange that is terminated: ${reason}`, async () => {
      const line = await lineOf(message, options);
      assert.equal(line.terminated, reason);
      const decoded = options.cutHeader === undefined && reason !== "malformed header";
      assert.equal(line.header_hash, decoded ? hex(message.headerHash) : null);
      const challenge = reason.startsWith("challenge")
        ? "failed"
        : ["bad compressed data"].includes(reason) || options.cutData !== undefined
        ? "ok"
        : "none";
      assert.equal(line.challenge, challenge);
    });
  }
  await t.step("S4 a challenge that matches nothing", async () => {
    const seen = host.log.length;
    await peer.challenge(noise(32));
    const line = v.parse(
      EXCHANGE,
      await host.logLine(({ direction }) => direction === "in", seen),
    );
    assert.deepEqual([line.terminated, line.codes], ["challenge matches nothing", []]);
  });
  await t.step("S4 a connection that is none: without TLS, or for another name", async () => {
    const seen = host.log.length;
    const other = await peer.dial({ servername: "fmsg.other.test" }).catch((error: unknown) => {
      assert.ok(error instanceof NoConnection);
      return null;
    });
    await other?.close();
    const raw = await peer.dialTcp();
    raw.end("GET / HTTP/1.1\r\n\r\n");
    for (const reason of ["wrong server name", "handshake failed"]) {
      const line = await host.logLine((line) => line.reason === reason, seen);
      assert.equal(line.peer, peer.ip);
    }
    raw.destroy();
  });
  await t.step("S4 a message that goes out", async () => {
    const seen = host.log.length;
    peer.script({ challenge: true });
    await host.send({ from: alice, to: [ann], topic: SECRET, body: SECRET });
    const { raw, payload } = await peer.next();
    const line = v.parse(
      EXCHANGE,
      await host.logLine(({ direction }) => direction === "out", seen),
    );
    assert.deepEqual(
      [line.peer, line.domain, line.codes, line.challenge, line.terminated],
      [peer.ip, host.domain, [64, 200], "ok", null],
    );
    assert.equal(line.bytes, raw.length + payload.length);
  });
  await t.step("S4 nothing of any content, whatever became of it", () => {
    assert.ok(host.log.length > 20);
    assert.equal(host.log.filter((line) => JSON.stringify(line).includes(SECRET)).length, 0);
  });
  await t.step("S4 also where everything is told", async () => {
    await host.configure({ log: { level: "debug" } });
    await host.reload();
    for (const [, message, options] of terminated) await stage.send(message, options);
    await stage.expect(secret(), {
      codes: [64, 200],
    });
    assert.equal(host.log.filter((line) => JSON.stringify(line).includes(SECRET)).length, 0);
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});
