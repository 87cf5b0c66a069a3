// The TLS listener: what it serves, what it refuses, what it counts, and how it ends.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import type { Buffer } from "node:buffer";
import * as tls from "node:tls";
import { waitFor } from "../support/wait.ts";
import {
  authority,
  certificate,
  LOOPBACK,
  NAME,
  type Net,
  pattern,
  type Peer,
  withNet,
} from "./tls_setup.ts";

async function freePort(net: Net): Promise<number> {
  const host = await net.listen();
  const { port } = host;
  await host.close();
  return port;
}

Deno.test("T1 TLS 1.3 is spoken, with a cipher of TLS 1.3", () =>
  withNet(async (net) => {
    const host = await net.listen();
    const peer = await net.peer(host.port);
    assert.equal(peer.tls.getProtocol(), "TLSv1.3");
    assert.match(peer.tls.getCipher().name, /^TLS_/);
  }));

Deno.test("T1 a hello of TLS 1.2 is refused before anything is served, and the host goes on", () =>
  withNet(async (net) => {
    const host = await net.listen();
    await assert.rejects(net.peer(host.port, { version: "TLSv1.2" }), /ProtocolVersion/);
    await host.refusedWith("handshake failed");
    await host.empty();
    assert.equal(host.begun.length, 0);
    await net.serves(host);
  }));

for (
  const [offered, chosen] of [
    [["fmsg/1"], "fmsg/1"],
    [["h2", "fmsg/1", "http/1.1"], "fmsg/1"],
    [[], false],
  ] as const
) {
  Deno.test(`T1 ALPN [${offered}] is offered: ${chosen || "none"} is chosen`, () =>
    withNet(async (net) => {
      const host = await net.listen();
      const peer = await net.peer(host.port, { alpn: offered });
      assert.equal(peer.tls.alpnProtocol, chosen);
      await host.next();
    }));
}

Deno.test("T1 a peer that speaks only another protocol is refused", () =>
  withNet(async (net) => {
    const host = await net.listen();
    await assert.rejects(net.peer(host.port, { alpn: ["h2"] }), /NoApplicationProtocol/);
    await host.refusedWith("handshake failed");
    await host.empty();
    assert.equal(host.begun.length, 0);
  }));

for (
  const [name, reason] of [
    [null, "no server name"],
    ["fmsg.other.test", "wrong server name"],
    ["example.test", "wrong server name"],
    ["a.fmsg.example.test", "wrong server name"],
  ] as const
) {
  Deno.test(`T2 a hello ${name === null ? "without a name" : `for ${name}`} is closed before a byte is read`, () =>
    withNet(async (net) => {
      const host = await net.listen();
      const peer = await net.peer(host.port, { name });
      await peer.write(pattern(10));
      await peer.over();
      assert.equal(peer.received.length, 0);
      assert.equal(await host.refusedWith(reason), name ?? "");
      await host.empty();
      assert.equal(host.begun.length, 0);
    }));
}

Deno.test("T2 the case of the name's letters does not matter", () =>
  withNet(async (net) => {
    const host = await net.listen();
    await net.peer(host.port, { name: "FMSG.Example.TEST" });
    await host.next();
    assert.deepEqual(host.refused, []);
  }));

Deno.test("T4 a client that comes again resumes its session, also after the certificate was renewed", () =>
  withNet(async (net) => {
    const host = await net.listen();
    // The runtime resumes only with its own roots, which do not matter here: this is about the server.
    let session: Buffer | null = null;
    const visit = async (): Promise<boolean> => {
      const socket = tls.connect({
        host: LOOPBACK,
        port: host.port,
        servername: NAME,
        rejectUnauthorized: false,
        ...(session === null ? {} : { session }),
      });
      socket.on("session", (ticket: Buffer) => session = ticket);
      const exchange = await host.next();
      await exchange.connection.finish(pattern(1));
      exchange.end();
      await new Promise<void>((resolve, reject) => {
        socket.on("data", () => resolve());
        socket.on("error", reject);
      });
      const resumed = socket.isSessionReused();
      socket.end();
      await host.empty();
      return resumed;
    };
    assert.equal(await visit(), false);
    assert.equal(await visit(), true);
    host.listener.renew(await authority.issue(NAME));
    await visit();
  }));

Deno.test("several endpoints, each with a port of the system's choice", () =>
  withNet(async (net) => {
    const host = await net.listen({
      endpoints: [{ ip: LOOPBACK, port: 0 }, { ip: "127.0.0.2", port: 0 }, { ip: "::1", port: 0 }],
    });
    const { endpoints } = host.listener;
    assert.deepEqual(endpoints.map(({ ip }) => ip), [LOOPBACK, "127.0.0.2", "::1"]);
    for (const { ip, port } of endpoints) {
      assert.ok(port > 0);
      await net.peer(port, { ip, from: ip });
      assert.equal((await host.next()).connection.local, ip);
    }
  }));

Deno.test("every address of both families on one port, as in the default configuration", () =>
  withNet(async (net) => {
    const port = await freePort(net);
    const everywhere = [{ ip: "0.0.0.0", port }, { ip: "::", port }];
    const host = await net.listen({ endpoints: everywhere });
    assert.deepEqual(host.listener.endpoints, everywhere);
    for (const [ip, from] of [["127.0.0.2", "127.0.0.3"], ["::1", "::1"]] as const) {
      await net.peer(port, { ip, from });
      const { connection } = await host.next();
      assert.deepEqual([connection.local, connection.peer], [ip, from]);
    }
  }));

Deno.test("an address that is in use is named, and nothing is left open", () =>
  withNet(async (net) => {
    const taken = (await net.listen()).port;
    const port = await freePort(net);
    await assert.rejects(
      net.listen({ endpoints: [{ ip: LOOPBACK, port }, { ip: LOOPBACK, port: taken }] }),
      {
        message:
          `Cannot listen on 127.0.0.1:${taken}: another program listens there; stop it, or choose another port`,
      },
    );
    await net.listen({ endpoints: [{ ip: LOOPBACK, port }] });
  }));

Deno.test("an address that the machine does not have is named", () =>
  withNet(async (net) => {
    for (const [ip, shown] of [["192.0.2.1", "192.0.2.1"], ["2001:db8::1", "[2001:db8::1]"]]) {
      await assert.rejects(net.listen({ endpoints: [{ ip: ip ?? "", port: 4930 }] }), {
        message: `Cannot listen on ${shown}:4930: this machine has no such address`,
      });
    }
  }));

Deno.test("T5 a renewed certificate is used from the next handshake on, and a connection under way goes on", () =>
  withNet(async (net) => {
    const host = await net.listen();
    const before = await net.peer(host.port);
    const going = await host.next();
    const renewed = await authority.issue(NAME);
    host.listener.renew(renewed);
    const after = await net.peer(host.port);
    assert.deepEqual(
      [before, after].map(serialOf),
      [certificate, renewed].map(({ cert }) => new X509Certificate(cert).serialNumber),
    );
    await before.write(pattern(3));
    assert.deepEqual(await going.connection.read(3), pattern(3));
    await going.connection.finish(pattern(1));
    assert.deepEqual(await before.receive(1), pattern(1));

    assert.equal(after.tls.alpnProtocol, "fmsg/1");
    await assert.rejects(net.peer(host.port, { version: "TLSv1.2" }), /ProtocolVersion/);
  }));

function serialOf(peer: Peer): string | undefined {
  return peer.tls.getPeerX509Certificate()?.serialNumber;
}

Deno.test("closing ends idle connections and handshakes at once, whatever the grace", () =>
  withNet(async (net) => {
    const host = await net.listen();
    const idle = await net.peer(host.port);
    const exchange = await host.next();
    const reading = assert.rejects(exchange.connection.read(1), { reason: "connection lost" });
    const silent = await net.tcp(host.port);
    silent.resume();
    await waitFor(() => host.listener.connections === 2);
    // The exchange hears of it, and ends by itself, as every exchange does.
    void reading.finally(() => exchange.fail());
    await host.close(1_000_000);
    await reading;
    await idle.over();
    await waitFor(() => silent.readableEnded || silent.destroyed);
    await assert.rejects(net.tcp(host.port), /ECONNREFUSED/);
  }));

Deno.test("closing lets an exchange under way finish, and takes no other", () =>
  withNet(async (net) => {
    const host = await net.listen();
    const peer = await net.peer(host.port);
    await peer.write(pattern(1));
    const exchange = await host.next();
    await exchange.connection.read(1);
    const closing = host.close(1_000_000);
    await assert.rejects(net.tcp(host.port), /ECONNREFUSED/);
    await peer.write(pattern(2, 1));
    assert.deepEqual(await exchange.connection.read(2), pattern(2, 1));
    await exchange.connection.finish(pattern(1));
    exchange.end();
    assert.deepEqual(await peer.receive(1), pattern(1));
    peer.end();
    await closing;
  }));

Deno.test("T3 closing does not take the last byte from a peer that is slow to look", () =>
  withNet(async (net) => {
    const host = await net.listen();
    const peer = await net.peer(host.port);
    await peer.write(pattern(500 * 1024));
    const exchange = await host.next();
    await exchange.connection.read(1);
    peer.hold();
    await exchange.connection.finish(pattern(1));
    exchange.end();
    await host.close(1_000_000);
    peer.letGo();
    assert.deepEqual(await peer.receive(1), pattern(1));
    assert.equal(await peer.over(), "end");
  }));

Deno.test("closing cuts an exchange that is still under way when the grace is over", () =>
  withNet(async (net) => {
    const host = await net.listen();
    const peer = await net.peer(host.port);
    await peer.write(pattern(1));
    const exchange = await host.next();
    await exchange.connection.read(1);
    const reading = assert.rejects(exchange.connection.read(1), { reason: "host is stopping" });
    void reading.finally(() => exchange.fail());
    await host.close(100);
    await reading;
    await peer.over();
  }));

Deno.test("a listener that was closed has no endpoints", () =>
  withNet(async (net) => {
    const host = await net.listen();
    await host.close();
    assert.throws(() => host.listener.endpoints, /The listener is closed/);
  }));
