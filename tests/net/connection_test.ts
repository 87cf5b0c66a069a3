// A TLS socket as a Connection: reads, writes, deadlines, and how it ends.
import assert from "node:assert/strict";
import type { SocketConnection } from "../../src/net/mod.ts";
import { Terminate, type TerminateReason } from "../../src/protocol/mod.ts";
import { sleep, waitFor } from "../support/wait.ts";
import {
  comesToRest,
  type Exchange,
  type Host,
  type ListenOptions,
  type Net,
  pattern,
  type Peer,
  withNet,
} from "./tls_setup.ts";

interface Both {
  readonly net: Net;
  readonly host: Host;
  readonly exchange: Exchange;
  readonly connection: SocketConnection;
  readonly peer: Peer;
}

/** A connection between a peer and the host, which expects nothing of it. */
function connected(
  limits: ListenOptions["limits"],
  test: (both: Both) => Promise<void>,
): Promise<void> {
  return withNet(async (net) => {
    const host = await net.listen({ ...(limits === undefined ? {} : { limits }) });
    const peer = await net.peer(host.port);
    const exchange = await host.next();
    const { connection } = exchange;
    connection.expect({ kind: "wait" });
    await test({ net, host, exchange, connection, peer });
  });
}

async function terminated(promise: Promise<unknown>, reason: TerminateReason): Promise<Terminate> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof Terminate, String(error));
    assert.equal(error.reason, reason);
    return error;
  }
  throw new Error(`Not terminated: ${reason}`);
}

/** Reads until the connection is torn down. */
async function readOn(connection: SocketConnection): Promise<never> {
  while (await connection.readSome() !== null);
  throw new Error("The peer ended its side");
}

Deno.test("exact reads are the same however the bytes were cut on their way", () =>
  connected(undefined, async ({ connection, peer }) => {
    const all = pattern(100_000);
    const sending = (async () => {
      for (let at = 0, step = 1; at < all.length; at += step, step = step % 977 + 13) {
        await peer.write(all.subarray(at, at + step));
      }
    })();
    const lengths = [1, 0, 5, 1000, 1, 40_000, 16_384, 7];
    let at = 0;
    for (const length of [...lengths, all.length - lengths.reduce((sum, one) => sum + one)]) {
      assert.deepEqual(await connection.read(length), all.slice(at, at + length));
      at += length;
    }
    await sending;
  }));

Deno.test("bytes that are given back are read again, before those that came after them", () =>
  connected(undefined, async ({ connection, peer }) => {
    await peer.write(pattern(10));
    const chunk = await connection.readSome();
    assert.ok(chunk !== null);
    connection.unread(chunk.subarray(3));
    connection.unread(new Uint8Array());
    connection.unread(chunk.subarray(1, 3));
    await peer.write(pattern(10, 10));
    assert.deepEqual(await connection.read(19), pattern(19, 1));
  }));

Deno.test("after the peer's end what came before is read, and then null", () =>
  connected(undefined, async ({ connection, peer }) => {
    await peer.write(pattern(3));
    peer.end();
    await waitFor(() => connection.lost.aborted);
    assert.deepEqual(await connection.read(3), pattern(3));
    assert.equal(await connection.readSome(), null);
    assert.equal(await connection.readSome(), null);
  }));

Deno.test("an end in the middle of an exact read is a connection lost", () =>
  connected(undefined, async ({ connection, peer }) => {
    await peer.write(pattern(3));
    peer.end();
    await terminated(connection.read(4), "connection lost");
  }));

Deno.test("S3 a peer that sends more than is read is held back, and nothing is lost of it", () =>
  connected(undefined, async ({ connection, peer }) => {
    const all = 64 * 1024 * 1024;
    const piece = pattern(65_536);
    let sent = 0;
    const sending = (async () => {
      while (sent < all) {
        await peer.write(piece);
        sent += piece.length;
      }
    })();
    assert.ok(await comesToRest(() => sent, all), "all of it was taken in, and is kept somewhere");
    for (let at = 0; at < all;) {
      const chunk = await connection.readSome();
      assert.ok(chunk !== null);
      const from = at % piece.length;
      assert.deepEqual(
        Uint8Array.from(chunk.subarray(0, piece.length - from)),
        piece.slice(from, from + chunk.length),
      );
      at += chunk.length;
    }
    await sending;
  }));

Deno.test("S3 many small pieces are held back as well, since each costs memory of its own", () =>
  connected(undefined, async ({ net, host, connection, peer }) => {
    const all = 1000;
    for (let at = 0; at < all; at++) {
      await peer.write(pattern(1, at));
      // So that each comes alone.
      await sleep(1);
    }
    await comesToRest(() => net.unread(host.port), Infinity);
    assert.ok(net.unread(host.port) > 0, "all was read, and is kept piece by piece");
    assert.deepEqual(await connection.read(all), pattern(all));
  }));

Deno.test("S3 a peer that is held back can be cut off", () =>
  connected(undefined, async ({ host, connection, peer }) => {
    const all = 64 * 1024 * 1024;
    const piece = pattern(65_536);
    let sent = 0;
    const sending = (async () => {
      while (sent < all && await peer.write(piece)) sent += piece.length;
    })();
    assert.ok(await comesToRest(() => sent, all));
    connection.destroy();
    await sending;
    await host.empty();
  }));

Deno.test("S3 writing stops while the peer takes nothing, and goes on when it does", () =>
  connected(undefined, async ({ connection, peer }) => {
    peer.hold();
    const all = 64 * 1024 * 1024;
    const piece = pattern(65_536);
    let sent = 0;
    const sending = (async () => {
      while (sent < all) {
        await connection.write(piece);
        sent += piece.length;
      }
    })();
    assert.ok(await comesToRest(() => sent, all), "all of it was taken, and is kept somewhere");
    peer.letGo();
    await sending;
    const received = await peer.receive(all);
    for (let at = 0; at < all; at += piece.length) {
      assert.deepEqual(received.subarray(at, at + piece.length), piece);
    }
  }));

for (
  const reason of ["header not in time", "answer not in time", "challenge not answered"] as const
) {
  Deno.test(`S2 a deadline ends the connection: ${reason}`, () =>
    connected(undefined, async ({ host, connection }) => {
      connection.expect({ kind: "deadline", ms: 100, reason });
      await terminated(connection.read(1), reason);
      assert.ok(connection.lost.aborted);
      await terminated(connection.write(pattern(1)), reason);
      await terminated(connection.finish(pattern(1)), reason);
      await host.empty();
    }));
}

Deno.test("S2 a byte now and then does not put a deadline off", () =>
  connected(undefined, async ({ connection, peer }) => {
    connection.expect({ kind: "deadline", ms: 300, reason: "header not in time" });
    const drip = setInterval(() => void peer.write(pattern(1)), 20);
    try {
      await terminated(readOn(connection), "header not in time");
    } finally {
      clearInterval(drip);
    }
  }));

Deno.test("S2 a deadline that was replaced no longer counts, whether by a later or an earlier one", () =>
  connected({ idleMs: 20_000 }, async ({ connection, peer }) => {
    connection.expect({ kind: "deadline", ms: 50, reason: "header not in time" });
    connection.expect({ kind: "wait" });
    connection.expect({ kind: "deadline", ms: 50, reason: "header not in time" });
    connection.expect({ kind: "flow" });
    await sleep(200);
    await peer.write(pattern(1));
    assert.deepEqual(await connection.read(1), pattern(1));
    connection.expect({ kind: "deadline", ms: 15_000, reason: "header not in time" });
    connection.expect({ kind: "deadline", ms: 50, reason: "answer not in time" });
    await terminated(connection.read(1), "answer not in time");
  }));

Deno.test("S2 a flow that stops is idle", () =>
  connected({ idleMs: 200 }, async ({ host, connection, peer }) => {
    connection.expect({ kind: "flow" });
    await peer.write(pattern(5));
    await connection.read(5);
    await terminated(readOn(connection), "idle");
    await host.empty();
  }));

Deno.test("S2 a flow below the floor is too slow, though it never stops", () =>
  connected({ idleMs: 500, minRate: 2000 }, async ({ host, connection, peer }) => {
    connection.expect({ kind: "flow" });
    const drip = setInterval(() => void peer.write(pattern(1)), 10);
    try {
      await terminated(readOn(connection), "too slow");
    } finally {
      clearInterval(drip);
    }
    await host.empty();
  }));

Deno.test("S2 a flow above the floor goes on for as long as it takes", () =>
  connected({ idleMs: 400, minRate: 2000 }, async ({ connection, peer }) => {
    connection.expect({ kind: "flow" });
    const drip = setInterval(() => void peer.write(pattern(400)), 20);
    try {
      await connection.read(60 * 400);
    } finally {
      clearInterval(drip);
    }
  }));

Deno.test("S2 a peer that takes nothing of what is sent is idle", () =>
  connected({ idleMs: 200, minRate: 10 * 1024 * 1024 }, async ({ host, connection, peer }) => {
    peer.hold();
    connection.expect({ kind: "flow" });
    const sending = (async () => {
      for (;;) await connection.write(pattern(65_536));
    })();
    await terminated(sending, "idle");
    await host.empty();
  }));

Deno.test("S2 a peer that takes what is sent slowly, but above the floor, is not cut off", () =>
  connected({ idleMs: 100, minRate: 2 * 1024 * 1024 }, async ({ connection, peer }) => {
    // The system tells of progress in large steps: between them nothing seems to move for longer than 100 ms.
    peer.hold();
    peer.raw.on("data", () => peer.hold());
    const slow = setInterval(() => peer.letGo(), 10);
    try {
      connection.expect({ kind: "flow" });
      const all = 24 * 1024 * 1024;
      for (let sent = 0; sent < all; sent += 65_536) await connection.write(pattern(65_536));
      connection.expect({ kind: "wait" });
    } finally {
      clearInterval(slow);
    }
  }));

Deno.test("S2 time that this side needs is not held against the peer", () =>
  connected({ idleMs: 600 }, async ({ connection, peer }) => {
    for (let round = 0; round < 2; round++) {
      connection.expect({ kind: "flow" });
      // Most of the window passes here, and the peer needs some of the next one.
      await sleep(560);
      const reading = connection.read(1);
      await sleep(350);
      await peer.write(pattern(1));
      assert.deepEqual(await reading, pattern(1));
    }
  }));

Deno.test("S2 while nothing is expected no time runs, but the peer's end is noticed", () =>
  connected({ idleMs: 50 }, async ({ connection, peer }) => {
    connection.expect({ kind: "flow" });
    connection.expect({ kind: "wait" });
    const reading = connection.readSome();
    await sleep(300);
    assert.equal(connection.lost.aborted, false);
    peer.end();
    assert.equal(await reading, null);
    assert.ok(connection.lost.aborted);
  }));

for (const how of ["end", "reset"] as const) {
  Deno.test(`C3 the loss of a connection is told at once: ${how}`, () =>
    connected(undefined, async ({ connection, peer }) => {
      const lost = new Promise<unknown>((resolve) =>
        connection.lost.addEventListener("abort", () => resolve(connection.lost.reason))
      );
      assert.equal(connection.lost.aborted, false);
      if (how === "end") peer.end();
      else peer.reset();
      const reason = await lost;
      assert.ok(reason instanceof Terminate);
      assert.equal(reason.reason, "connection lost");
    }));
}

Deno.test("C3 whoever asks late hears of a loss all the same", () =>
  connected(undefined, async ({ host, exchange, connection, peer }) => {
    peer.reset();
    exchange.fail();
    await host.empty();
    assert.ok(connection.lost.aborted);
    assert.ok(connection.lost.reason instanceof Terminate);
    await terminated(connection.write(pattern(1)), "connection lost");
  }));

Deno.test("a reset ends whoever waits: to read, and to write", () =>
  connected(undefined, async ({ connection, peer }) => {
    peer.hold();
    let sent = 0;
    const writing = (async () => {
      for (;; sent += 65_536) await connection.write(pattern(65_536));
    })();
    const reading = connection.read(1);
    assert.ok(await comesToRest(() => sent, Infinity));
    peer.reset();
    await Promise.all([
      terminated(writing, "connection lost"),
      terminated(reading, "connection lost"),
    ]);
  }));

Deno.test("T3 the last byte arrives and the end follows, though the peer keeps its side open", () =>
  connected(undefined, async ({ host, exchange, connection, peer }) => {
    await connection.finish(pattern(3));
    exchange.end();
    assert.deepEqual(await peer.receive(3), pattern(3));
    assert.equal(await peer.over(), "end");
    await host.empty();
  }));

Deno.test("T3 a peer that has half-closed still gets what is sent to it", () =>
  connected(undefined, async ({ host, exchange, connection, peer }) => {
    peer.end();
    assert.equal(await connection.readSome(), null);
    await connection.write(pattern(1));
    await connection.finish(pattern(2, 1));
    exchange.end();
    assert.deepEqual(await peer.receive(3), pattern(3));
    assert.equal(await peer.over(), "end");
    await host.empty();
  }));

Deno.test("T3 a peer that ends its side with its first bytes is served like any other", () =>
  withNet(async (net) => {
    const host = await net.listen();
    const peer = await net.peer(host.port);
    peer.tls.end(pattern(100));
    const exchange = await host.next();
    assert.deepEqual(await exchange.connection.read(100), pattern(100));
    assert.equal(await exchange.connection.readSome(), null);
    await exchange.connection.finish(pattern(1));
    exchange.end();
    assert.deepEqual(await peer.receive(1), pattern(1));
    await host.empty();
  }));

Deno.test("T3 what the peer has sent unasked does not destroy the last byte", () =>
  connected(undefined, async ({ host, exchange, connection, peer }) => {
    // It looks only later: by then a reset would have overtaken the byte.
    peer.hold();
    await peer.write(pattern(500 * 1024));
    await connection.finish(pattern(1));
    exchange.end();
    await peer.write(pattern(300 * 1024));
    await host.empty();
    peer.letGo();
    assert.deepEqual(await peer.receive(1), pattern(1));
    assert.equal(await peer.over(), "end");
  }));

Deno.test("T3 what comes after the last byte is taken in, so that no reset follows", () =>
  connected(undefined, async ({ net, host, exchange, connection, peer }) => {
    await peer.write(pattern(500 * 1024));
    await waitFor(() => net.unread(host.port) > 0);
    await connection.finish(pattern(1));
    exchange.end();
    await peer.write(pattern(300 * 1024));
    const happened = await waitFor(() =>
      host.listener.connections === 0
        ? "closed before all was read"
        : net.unread(host.port) === 0 && "read"
    );
    assert.equal(happened, "read");
  }));

Deno.test("T3 a peer that goes on sending is read no further than 1 MiB", () =>
  connected(undefined, async ({ host, exchange, connection, peer }) => {
    await connection.finish(pattern(1));
    exchange.end();
    assert.deepEqual(await peer.receive(1), pattern(1));
    const all = 32 * 1024 * 1024;
    const piece = pattern(65_536);
    let sent = 0;
    while (sent < all && await peer.write(piece)) sent += piece.length;
    assert.ok(sent < all);
    await host.empty();
  }));

Deno.test("T3 a peer that sends a little for ever, and never ends, is cut off", () =>
  connected(undefined, async ({ host, exchange, connection, peer }) => {
    await connection.finish(pattern(1));
    exchange.end();
    const drip = setInterval(() => void peer.write(pattern(1)), 20);
    try {
      await host.empty();
    } finally {
      clearInterval(drip);
    }
    assert.deepEqual(await peer.receive(1), pattern(1));
  }));

Deno.test("T3 an exchange that ends without a last byte is closed in order", () =>
  connected(undefined, async ({ host, exchange, connection, peer }) => {
    await peer.write(pattern(10));
    await connection.read(10);
    exchange.end();
    assert.equal(await peer.over(), "end");
    peer.end();
    assert.equal(peer.received.length, 0);
    await host.empty();
  }));

Deno.test("S3 a peer that has ended its side and takes nothing does not keep the connection", () =>
  connected(undefined, async ({ host, exchange, connection, peer }) => {
    peer.hold();
    peer.end();
    assert.equal(await connection.readSome(), null);
    // More than the system's buffers hold, so that the end of the stream stays behind it.
    let sent = 0;
    const writing = (async () => {
      for (;; sent += 65_536) await connection.write(pattern(65_536));
    })();
    const cut = assert.rejects(writing, Terminate);
    assert.ok(await comesToRest(() => sent, Infinity));
    exchange.end();
    await host.empty();
    await cut;
  }));

Deno.test("TERMINATE: torn down without another byte, and reads, writes and ends say so", () =>
  connected(undefined, async ({ host, exchange, connection, peer }) => {
    await peer.write(pattern(100_000));
    const reading = terminated(connection.read(1_000_000), "connection lost");
    // The host's tickets come after the handshake; then nothing more, not even the end of TLS.
    assert.ok(await comesToRest(() => peer.raw.bytesRead, Infinity));
    const before = peer.raw.bytesRead;
    exchange.fail();
    await reading;
    await terminated(connection.write(pattern(1)), "connection lost");
    await terminated(connection.finish(pattern(1)), "connection lost");
    connection.close();
    connection.destroy();
    await peer.over();
    assert.equal(peer.raw.bytesRead, before);
    await host.empty();
  }));

Deno.test("both ends of a connection are told as canonical addresses", () =>
  withNet(async (net) => {
    const host = await net.listen({ endpoints: [{ ip: "::", port: 0 }] });
    await net.peer(host.port, { from: "127.0.0.2", ip: "127.0.0.3" });
    const mapped = (await host.next()).connection;
    assert.deepEqual([mapped.peer, mapped.local], ["127.0.0.2", "127.0.0.3"]);
    await net.peer(host.port, { from: "::1", ip: "::1" });
    const { connection } = await host.next();
    assert.deepEqual([connection.peer, connection.local], ["::1", "::1"]);
  }));
