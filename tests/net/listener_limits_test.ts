// The limits of the TLS listener: what comes too often, too slowly or not at all is cut off, and counted no longer.
import assert from "node:assert/strict";
import * as tcp from "node:net";
import { sleep, waitFor } from "../support/wait.ts";
import { clientHello, LOOPBACK, type Net, pattern, withNet } from "./tls_setup.ts";

Deno.test("S1 connections over the limit are closed before the handshake, and each is told once", () =>
  withNet(async (net) => {
    const host = await net.listen({ limits: { maxConnections: 3 } });
    const open = [await net.tcp(host.port), await net.tcp(host.port, "127.0.0.2")];
    await net.peer(host.port);
    await waitFor(() => host.listener.connections === 3);

    const excess = await net.tcp(host.port, "127.0.0.3");
    let bytes = 0;
    excess.on("data", (piece) => bytes += piece.length);
    excess.write(await clientHello(net));
    await waitFor(() => excess.readableEnded || excess.destroyed);
    assert.equal(bytes, 0);
    await host.refusedWith("too many connections", "127.0.0.3");
    assert.equal(host.listener.connections, 3);

    open[1]?.destroy();
    await waitFor(() => host.listener.connections === 2);
    await host.refusedWith("handshake failed", "127.0.0.2");
    await net.peer(host.port);
    assert.equal(host.listener.connections, 3);
    assert.deepEqual(host.refused, []);
  }));

Deno.test("S1 a connection counts until its exchange is over, also when the peer has gone before", () =>
  withNet(async (net) => {
    const host = await net.listen({ limits: { maxConnectionsPerIp: 1 } });
    const peer = await net.peer(host.port);
    const exchange = await host.next();
    peer.raw.destroy();
    await waitFor(() => exchange.connection.lost.aborted);
    await waitFor(() => net.open.length === 1, { what: "only the server's own socket to be open" });
    await assert.rejects(net.peer(host.port));
    await host.refusedWith("too many connections from this address");
    exchange.end();
    await host.empty();
    await net.peer(host.port);
  }));

Deno.test("S1 the limit for an address does not touch other addresses", () =>
  withNet(async (net) => {
    const host = await net.listen({ limits: { maxConnectionsPerIp: 2 } });
    const [first] = [await net.tcp(host.port), await net.peer(host.port)];
    await waitFor(() => host.listener.connections === 2);
    await assert.rejects(net.peer(host.port));
    await host.refusedWith("too many connections from this address");
    await net.peer(host.port, { from: "127.0.0.2" });
    await net.peer(host.port, { from: "127.0.0.2" });
    await assert.rejects(net.peer(host.port, { from: "127.0.0.2" }));
    await host.refusedWith("too many connections from this address", "127.0.0.2");

    first.destroy();
    await host.refusedWith("handshake failed");
    await waitFor(() => host.listener.connections === 3);
    await net.peer(host.port);
  }));

Deno.test("S1 an IPv4 address counts as one, also where it comes mapped into IPv6", () =>
  withNet(async (net) => {
    const host = await net.listen({
      endpoints: [{ ip: LOOPBACK, port: 0 }, { ip: "::", port: 0 }],
      limits: { maxConnectionsPerIp: 1 },
    });
    const [plain, mapped] = host.listener.endpoints;
    assert.ok(plain !== undefined && mapped !== undefined);
    await net.peer(plain.port);
    await assert.rejects(net.peer(mapped.port));
    await host.refusedWith("too many connections from this address");
  }));

Deno.test("S6 whoever is not admitted is closed before the handshake, and the reason is told", () =>
  withNet(async (net) => {
    const host = await net.listen({ admit: (peer) => peer === LOOPBACK ? "banned" : null });
    const refused = await net.tcp(host.port);
    let bytes = 0;
    refused.on("data", (piece) => bytes += piece.length);
    refused.write(await clientHello(net));
    await waitFor(() => refused.readableEnded || refused.destroyed);
    assert.equal(bytes, 0);
    await host.refusedWith("banned");
    await net.peer(host.port, { from: "127.0.0.2" });
  }));

Deno.test("S6 an IPv4 address is asked for as one, also where it comes mapped into IPv6", () =>
  withNet(async (net) => {
    const asked: string[] = [];
    const host = await net.listen({
      endpoints: [{ ip: "::", port: 0 }],
      admit: (peer) => {
        asked.push(peer);
        return null;
      },
    });
    await net.peer(host.port);
    await net.peer(host.port, { from: "::1", ip: "::1" });
    assert.deepEqual(asked, [LOOPBACK, "::1"]);
  }));

Deno.test("S1 an IPv6 network has its limit too, and limits may change while the host runs", () =>
  withNet(async (net) => {
    const host = await net.listen({
      endpoints: [{ ip: "::1", port: 0 }],
      limits: { maxConnectionsPerIp: 1 },
    });
    const v6 = { from: "::1", ip: "::1" };
    await net.peer(host.port, v6);
    await assert.rejects(net.peer(host.port, v6));
    await host.refusedWith("too many connections from this address", "::1");
    host.limits.current = { ...host.limits.current, maxConnectionsPerIp: 2 };
    await net.peer(host.port, v6);
  }));

Deno.test("S1 the same port of a peer at two of the host's addresses is two connections", () =>
  withNet(async (net) => {
    const first = await net.listen();
    const { port } = first;
    const host = await net.listen({
      endpoints: [{ ip: "127.0.0.2", port }, { ip: "127.0.0.3", port }],
      limits: { maxConnectionsPerIp: 2 },
    });
    const local = await net.tcp(port, LOOPBACK, "127.0.0.2");
    const twin = tcp.connect({
      host: "127.0.0.3",
      port,
      localAddress: LOOPBACK,
      localPort: local.localPort ?? 0,
    });
    twin.on("error", () => {});
    await waitFor(() => host.listener.connections === 2);
    await assert.rejects(net.peer(port, { ip: "127.0.0.2" }));
    twin.destroy();
    await waitFor(() => host.listener.connections === 1);
  }));

for (
  const [what, misbehave] of [
    ["ends at once", async (net, port) => void (await net.tcp(port)).end()],
    ["resets at once", async (net, port) => void (await net.tcp(port)).resetAndDestroy()],
    [
      "speaks HTTP",
      async (net, port) => void (await net.tcp(port)).write("GET / HTTP/1.1\r\n\r\n"),
    ],
    ["sends half a hello and ends", async (net, port) => {
      const socket = await net.tcp(port);
      socket.end((await clientHello(net)).subarray(0, 100));
    }],
    ["sends a hello and resets", async (net, port) => {
      const socket = await net.tcp(port);
      socket.write(await clientHello(net), () => socket.resetAndDestroy());
    }],
    ["sends a hello and then rubbish", async (net, port) => {
      const socket = await net.tcp(port);
      socket.write(await clientHello(net));
      socket.write(pattern(1000));
    }],
  ] satisfies [string, (net: Net, port: number) => Promise<void>][]
) {
  Deno.test(`S3 a peer that ${what} is counted no longer, and the host goes on`, () =>
    withNet(async (net) => {
      const host = await net.listen();
      await misbehave(net, host.port);
      await host.refusedWith("handshake failed");
      await host.empty();
      assert.equal(host.begun.length, 0);
      await net.serves(host);
      assert.deepEqual(host.refused, []);
    }));
}

for (
  const [what, misbehave] of [
    ["says nothing", () => Promise.resolve()],
    ["says half a hello", async (net, socket) => {
      socket.write((await clientHello(net)).subarray(0, 100));
    }],
    ["does not finish the handshake", async (net, socket) => {
      socket.write(await clientHello(net));
    }],
    ["sends its hello a byte at a time", async (net, socket) => {
      for (const byte of await clientHello(net)) {
        if (socket.destroyed || socket.readableEnded) return;
        socket.write(Uint8Array.of(byte));
        await sleep(20);
      }
    }],
  ] satisfies [string, (net: Net, socket: Awaited<ReturnType<Net["tcp"]>>) => Promise<void>][]
) {
  Deno.test(`S2 a peer that ${what} is cut off when the time for the handshake is over`, () =>
    withNet(async (net) => {
      const host = await net.listen({ limits: { headerMs: 300 } });
      const socket = await net.tcp(host.port);
      socket.resume();
      const misbehaving = misbehave(net, socket);
      assert.match(await host.refusedWith("handshake failed"), /timeout/);
      await misbehaving;
      await host.empty();
      await waitFor(() => socket.destroyed || socket.readableEnded);
    }));
}

Deno.test("S2 after the handshake the rest of the time is the header's", () =>
  withNet(async (net) => {
    const host = await net.listen({ limits: { headerMs: 300 } });
    const peer = await net.peer(host.port);
    const exchange = await host.next();
    await assert.rejects(exchange.connection.read(1), { reason: "header not in time" });
    await peer.over();
    exchange.fail();
    await host.empty();
  }));

Deno.test("S3 an exchange that fails is torn down, and touches no other", () =>
  withNet(async (net) => {
    const host = await net.listen();
    const other = await net.peer(host.port);
    const going = await host.next();
    const peer = await net.peer(host.port);
    (await host.next()).fail();
    await peer.over();
    await waitFor(() => host.listener.connections === 1);
    await other.write(pattern(3));
    assert.deepEqual(await going.connection.read(3), pattern(3));
  }));
