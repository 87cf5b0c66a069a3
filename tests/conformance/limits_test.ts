// Staying up: how many may connect, and how long and how slowly they may take (rows S1 and S2).

import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { draft, noise } from "../support/message.ts";
import { NoConnection } from "../support/line.ts";
import { within } from "../support/wait.ts";
import { Stage } from "./stage.ts";

const TAKEN = { codes: [64, 200] };

/** How a hello of 512 bytes begins: next come 32 random bytes. */
const CLIENT_HELLO = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";

Deno.test("so many connections are open at once, in all and from an address", async (t) => {
  await using stage = await Stage.set({
    ips: 3,
    limits: { max_connections_per_ip: 3, max_connections: 5, header_timeout: "10m" },
  });
  const { host, peer } = stage;
  const [first = "", second = "", third = ""] = peer.ips;
  const isRefused = async (source: string, reason: string) => {
    const seen = host.log.length;
    await assert.rejects(peer.dial({ source }), NoConnection);
    const line = await host.logLine(({ msg }) => msg === "refused", seen);
    assert.deepEqual([line.peer, line.reason], [source, reason]);
  };
  const open: { close(): unknown }[] = [];
  const dial = async (source: string) => void open.push(await peer.dial({ source }));

  await t.step("S1 from one address, whatever the connections do", async () => {
    await dial(first);
    await dial(first);
    // One without a handshake counts too.
    const raw = await peer.dialTcp({ source: first });
    open.push({ close: () => raw.destroy() });
    await isRefused(first, "too many connections from this address");
  });
  await t.step("S1 other addresses are served meanwhile", async () => {
    await stage.expect(stage.letter(), TAKEN, { source: second });
  });
  await t.step("S1 in all", async () => {
    await stage.holdsNoConnection(3);
    await dial(second);
    await dial(second);
    await isRefused(third, "too many connections");
    await isRefused(second, "too many connections");
  });
  await t.step("S1 before the handshake: not a byte comes", async () => {
    const raw = await peer.dialTcp({ source: third });
    let bytes = 0;
    raw.on("data", (chunk) => bytes += chunk.length);
    await ended(raw);
    assert.equal(bytes, 0);
  });
  await t.step("S1 a place that is given back can be had again", async () => {
    for (const place of open.splice(0, 3)) await place.close();
    await stage.holdsNoConnection(2);
    assert.deepEqual((await peer.send(stage.letter(), { source: first })).codes, TAKEN.codes);
    for (const place of open) await place.close();
  });
  await t.step("S1 many at once: those beyond the limit fail, the others are served", async () => {
    await stage.holdsNoConnection();
    const results = await Promise.all(
      Array.from({ length: 20 }, () => peer.send(stage.letter(), { source: first })),
    );
    const taken = results.filter(({ codes }) => codes.join() === "64,200").length;
    const failed = results.filter(({ error }) => error !== null).length;
    assert.ok(taken >= 3);
    assert.equal(taken + failed, 20);
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

Deno.test("whoever is silent or too slow is cut off, in every phase", async (t) => {
  await using stage = await Stage.set({
    limits: { header_timeout: "1s", idle_timeout: "1s", min_rate: 5000 },
  });
  const { host, peer } = stage;
  const late = { terminated: "header not in time" };
  const tooSlow = { codes: [64], terminated: "too slow" };

  await t.step("S2 silent before the handshake, in it, or with something else", async () => {
    const beginnings = ["", "\x16", CLIENT_HELLO, `${CLIENT_HELLO}${"r".repeat(32)}`];
    await Promise.all(beginnings.map(async (beginning) => {
      const raw = await peer.dialTcp();
      raw.write(beginning, "latin1");
      await ended(raw);
    }));
  });
  await t.step("S2 the handshake in drops", async () => {
    const raw = await peer.dialTcp();
    raw.write(CLIENT_HELLO, "latin1");
    const timer = setInterval(() => raw.write("r"), 100);
    await ended(raw).finally(() => clearInterval(timer));
  });
  await t.step(
    "S2 silent in the header, before it, or sending it in drops for too long",
    async () => {
      await Promise.all([
        ...[0, 1, 50].map((cutHeader) => stage.expect(stage.letter(), late, { cutHeader })),
        stage.expect(stage.letter({ topic: "t".repeat(250) }), late, { headerGap: 20 }),
      ]);
    },
  );
  await t.step("S2 silent in a challenge", async () => {
    const seen = host.log.length;
    const { answer } = await peer.challenge(noise(32), { cut: 31 });
    assert.equal(answer.length, 0);
    await host.logLine(({ terminated }) => terminated === late.terminated, seen);
  });
  await t.step("S2 silent behind 64, and in the data", async () => {
    const message = () => stage.letter({ body: noise(100_000) });
    const idle = { codes: [64], terminated: "idle" };
    await Promise.all([
      stage.expect(message(), idle, { cutData: 0 }),
      stage.expect(message(), tooSlow, { cutData: 1 }),
      stage.expect(message(), idle, { cutData: 90_000 }),
    ]);
  });
  await t.step("S2 in drops, which are under the floor of the rate", async () => {
    const zeros = stage.letter({ body: new Uint8Array(5_000_000), compress: true });
    const noisy = stage.letter({ body: noise(5000) });
    await Promise.all([
      stage.expect(noisy, tooSlow, { piece: 1, dataGap: 50 }),
      stage.expect(stage.letter({ body: noise(5000) }), tooSlow, { piece: 100, dataGap: 50 }),
      // What counts is bytes on the wire, not what they expand to.
      stage.expect(zeros, tooSlow, { piece: 10, dataGap: 50 }),
    ]);
    assert.deepEqual([await stage.stores(noisy), await stage.stores(zeros)], [false, false]);
  });
  await t.step("S2 a steady sender above the floor is served, however long it takes", async () => {
    const message = stage.letter({ body: noise(80_000) });
    await stage.expect(message, TAKEN, { piece: 1000, dataGap: 30 });
  });
  await t.step("S2 others are served while they last", async () => {
    const other = await stage.world.peer();
    const slow = Array.from(
      { length: 20 },
      () => peer.send(stage.letter({ body: noise(50_000) }), { piece: 10, dataGap: 50 }),
    );
    const { codes } = await other.send(
      draft({ from: other.address("ann"), to: [stage.alice] }),
    );
    assert.deepEqual(codes, TAKEN.codes);
    for (const { terminated } of await Promise.all(slow)) assert.equal(terminated, true);
  });
  await t.step("S2 a peer that does not close behind the last code is not waited for", async () => {
    const connection = await peer.dial();
    const message = stage.letter();
    await connection.write(new Uint8Array([...message.header, ...message.payload]));
    assert.deepEqual([...await connection.take(2)], TAKEN.codes);
    await stage.holdsNoConnection();
    assert.equal(connection.ended, "end");
    await connection.close();
  });
  await t.step("S2 each of them is told in the log, with the peer's address", () => {
    const told = host.log.filter(({ msg, direction }) => msg === "refused" || direction === "in");
    assert.ok(told.every((line) => typeof line.peer === "string" && line.peer !== ""));
    assert.ok(told.some(({ reason }) => reason === "handshake failed"));
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

/** Waits until the host ends a plain connection. */
async function ended(raw: Socket): Promise<void> {
  // A reset is an end too: an error is followed by "close".
  raw.on("error", () => {});
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  for (const event of ["end", "close"]) raw.on(event, () => resolve());
  raw.resume();
  await within(20_000, "the host to end a connection", gone);
  raw.destroy();
}
