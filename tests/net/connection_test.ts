// A TLS socket as a Connection: reads, writes, and the pace that is asked for.
import assert from "node:assert/strict";
import { sleep, waitFor } from "../support/wait.ts";
import { connected, readOn, terminated } from "./connection_setup.ts";
import { comesToRest, pattern } from "./tls_setup.ts";

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
  connected(undefined, async ({ host, exchange, connection, peer }) => {
    const all = 64 * 1024 * 1024;
    const piece = pattern(65_536);
    let sent = 0;
    const sending = (async () => {
      while (sent < all && await peer.write(piece)) sent += piece.length;
    })();
    assert.ok(await comesToRest(() => sent, all));
    connection.destroy();
    await sending;
    exchange.fail();
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
    connected(undefined, async ({ host, exchange, connection }) => {
      connection.expect({ kind: "deadline", ms: 100, reason });
      await terminated(connection.read(1), reason);
      assert.ok(connection.lost.aborted);
      await terminated(connection.write(pattern(1)), reason);
      await terminated(connection.finish(pattern(1)), reason);
      exchange.fail();
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
  connected({ idleMs: 200 }, async ({ host, exchange, connection, peer }) => {
    connection.expect({ kind: "flow" });
    await peer.write(pattern(5));
    await connection.read(5);
    await terminated(readOn(connection), "idle");
    exchange.fail();
    await host.empty();
  }));

Deno.test("S2 a flow below the floor is too slow, though it never stops", () =>
  connected({ idleMs: 500, minRate: 2000 }, async ({ host, exchange, connection, peer }) => {
    connection.expect({ kind: "flow" });
    const drip = setInterval(() => void peer.write(pattern(1)), 10);
    try {
      await terminated(readOn(connection), "too slow");
    } finally {
      clearInterval(drip);
    }
    exchange.fail();
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
  connected(
    { idleMs: 200, minRate: 10 * 1024 * 1024 },
    async ({ host, exchange, connection, peer }) => {
      peer.hold();
      connection.expect({ kind: "flow" });
      const sending = (async () => {
        for (;;) await connection.write(pattern(65_536));
      })();
      await terminated(sending, "idle");
      exchange.fail();
      await host.empty();
    },
  ));

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
