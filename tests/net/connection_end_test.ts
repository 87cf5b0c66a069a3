// How a connection ends: lost, in order with its last byte, or torn down.
import assert from "node:assert/strict";
import { Terminate } from "../../src/protocol/mod.ts";
import { waitFor } from "../support/wait.ts";
import { connected, terminated } from "./connection_setup.ts";
import { comesToRest, pattern, withNet } from "./tls_setup.ts";

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
