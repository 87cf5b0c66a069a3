// What the tests of the network share: listeners, diallers, servers, and a look at what stays open.
import assert from "node:assert/strict";
import type { Buffer } from "node:buffer";
import * as tcp from "node:net";
import { join } from "node:path";
import * as tls from "node:tls";
import {
  type Certificate,
  Dialler,
  type Endpoint,
  Listener,
  type ListenerLimits,
  type RefusedReason,
  type SocketConnection,
} from "../../src/net/mod.ts";
import type { DiallerOptions } from "../../src/net/dialler.ts";
import { PATIENCE, sleep, waitFor, within } from "../support/wait.ts";
import { openSockets } from "./open_sockets.ts";
import { authority, certificate, LOOPBACK, NAME, Peer, type PeerOptions } from "./tls_peer.ts";

export * from "./tls_peer.ts";

/** Limits that no test reaches unless it wants to. */
export const LIMITS: ListenerLimits = {
  maxConnections: 1000,
  maxConnectionsPerIp: 1000,
  headerMs: PATIENCE,
  idleMs: PATIENCE,
  minRate: 1,
};

/** Runs a test with what it opens, ends that, and sees to it that nothing stays open on either side. */
export async function withNet(test: (net: Net) => Promise<void>): Promise<void> {
  const net = new Net();
  try {
    await within(3 * PATIENCE, "the test", test(net));
  } finally {
    await net.close();
  }
}

export interface ListenOptions {
  readonly endpoints?: readonly Endpoint[];
  readonly certificate?: Certificate;
  readonly limits?: Partial<ListenerLimits>;
  readonly admit?: (peer: string) => RefusedReason | null;
  readonly hearingCheckMs?: number;
}

export class Net {
  readonly #hosts: Host[] = [];
  readonly #ports = new Set<number>();
  readonly #sockets = new Set<tcp.Socket>();
  readonly #servers = new Set<tcp.Server>();

  async listen(options: ListenOptions = {}): Promise<Host> {
    const host = await Host.start(options);
    this.#hosts.push(host);
    for (const { port } of host.listener.endpoints) this.#ports.add(port);
    return host;
  }

  /** A connection without TLS. */
  async tcp(port: number, from = LOOPBACK, ip = LOOPBACK): Promise<tcp.Socket> {
    const socket = tcp.connect({ host: ip, port, localAddress: from, allowHalfOpen: true });
    this.#sockets.add(socket);
    const connected = new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    socket.on("error", () => {});
    await within(PATIENCE, "connecting", connected);
    socket.setNoDelay(true);
    return socket;
  }

  /** A connection with its handshake done; rejects when there is none. */
  async peer(port: number, options: PeerOptions = {}): Promise<Peer> {
    return await Peer.connect(await this.tcp(port, options.from, options.ip), options);
  }

  /** The host is as good as new: it serves an exchange. */
  async serves(host: Host): Promise<void> {
    const peer = await this.peer(host.port);
    await peer.write(pattern(5));
    const exchange = await host.next();
    assert.deepEqual(await exchange.connection.read(5), pattern(5));
    await exchange.connection.finish(pattern(2));
    exchange.end();
    assert.deepEqual(await peer.receive(2), pattern(2));
    assert.equal(await peer.over(), "end");
    peer.end();
    await host.empty();
  }

  /** A server of the test's own; `port` of 0 lets the system choose. */
  async serve(server: tcp.Server, port = 0): Promise<number> {
    server.on("connection", (socket: tcp.Socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => {});
    });
    server.listen(port, LOOPBACK);
    this.#servers.add(server);
    await new Promise<void>((resolve, reject) => {
      server.once("listening", resolve);
      server.once("error", reject);
    });
    const address = server.address();
    assert.ok(address !== null && typeof address === "object");
    this.#ports.add(address.port);
    return address.port;
  }

  /** A TLS server of the test's own, which notes how it was called. */
  async serveTls(options: tls.TlsOptions): Promise<{ port: number; calls: Call[] }> {
    const calls: Call[] = [];
    const server = tls.createServer({
      minVersion: "TLSv1.3",
      ALPNProtocols: ["fmsg/1"],
      ...options,
    });
    server.on("secureConnection", (socket: tls.TLSSocket) => {
      const name: unknown = Reflect.get(socket, "servername");
      calls.push({
        name: String(name),
        alpn: socket.alpnProtocol,
        protocol: socket.getProtocol(),
        reused: socket.isSessionReused(),
        from: socket.remoteAddress,
      });
      socket.on("error", () => {});
      socket.on("data", (bytes: Buffer) => socket.write(bytes));
      // With its first byte a client has the tickets too.
      socket.write(Uint8Array.of(1));
    });
    server.on("tlsClientError", (_, socket) => socket.destroy());
    return { port: await this.serve(server), calls };
  }

  /** Resets every connection of this side. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Sees to it that nothing on this port stays open either. */
  watch(port: number): void {
    this.#ports.add(port);
  }

  /** Sockets on this test's ports that are still open. */
  get open(): string[] {
    return openSockets(this.#ports).map(({ local, remote }) => `${local} to ${remote}`);
  }

  /** What waits in the system for whoever listens on this port. */
  unread(port: number): number {
    return openSockets(new Set([port]))
      .filter(({ local, remote }) => local === port && remote !== 0)
      .reduce((sum, { unread }) => sum + unread, 0);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    for (const server of this.#servers) server.close();
    for (const host of this.#hosts) await host.close();
    await waitFor(() => this.open.length === 0, { what: `closing of ${this.open.join(", ")}` });
  }
}

/** How a server of `serveTls` was called. */
export interface Call {
  readonly name: string;
  readonly alpn: string | false | null;
  readonly protocol: string | null;
  readonly reused: boolean;
  readonly from: string | undefined;
}

export interface Refusal {
  readonly peer: string;
  readonly reason: RefusedReason;
  readonly detail: string | undefined;
}

/** A listener whose exchanges are led by the test. */
export class Host {
  /** Exchanges that were begun and not yet taken by `next`. */
  readonly begun: Exchange[] = [];
  readonly refused: Refusal[] = [];
  readonly reopened: (string | null)[] = [];
  readonly #exchanges: Exchange[] = [];
  #closing: Promise<void> | null = null;

  /** Of the first endpoint. */
  readonly port: number;

  private constructor(readonly listener: Listener, readonly limits: { current: ListenerLimits }) {
    const [first] = listener.endpoints;
    assert.ok(first !== undefined);
    this.port = first.port;
  }

  static async start(options: ListenOptions): Promise<Host> {
    const limits = { current: { ...LIMITS, ...options.limits } };
    const host: Host = new Host(
      await Listener.listen({
        endpoints: options.endpoints ?? [{ ip: LOOPBACK, port: 0 }],
        certificate: options.certificate ?? certificate,
        serverName: NAME,
        limits: () => limits.current,
        serve: (connection) => host.#serve(connection),
        refused: (peer, reason, detail) => host.refused.push({ peer, reason, detail }),
        reopened: (_endpoint, problem) => host.reopened.push(problem),
        admit: options.admit ?? (() => null),
        hearingCheckMs: options.hearingCheckMs ?? 60_000,
      }),
      limits,
    );
    return host;
  }

  async next(): Promise<Exchange> {
    return await waitFor(() => this.begun.shift(), { what: "an exchange" });
  }

  /** Waits for the next refusal, which has to be this one, and gives its detail. */
  async refusedWith(reason: RefusedReason, peer = LOOPBACK): Promise<string> {
    const refusal = await waitFor(() => this.refused.shift(), { what: "a refusal" });
    assert.deepEqual([refusal.peer, refusal.reason], [peer, reason]);
    return refusal.detail ?? "";
  }

  /** Until no connection is counted any more. */
  async empty(): Promise<void> {
    await waitFor(() => this.listener.connections === 0, { what: "all connections to be closed" });
  }

  /** Without grace, exchanges that the test left open fail. */
  async close(graceMs = 0): Promise<void> {
    if (graceMs === 0) { for (const exchange of this.#exchanges) exchange.fail(); }
    this.#closing ??= this.listener.close(graceMs);
    await within(PATIENCE, "closing the listener", this.#closing);
    assert.equal(this.listener.connections, 0);
  }

  #serve(connection: SocketConnection): Promise<void> {
    const exchange = new Exchange(connection);
    this.begun.push(exchange);
    this.#exchanges.push(exchange);
    return exchange.result;
  }
}

export class Exchange {
  readonly #done = Promise.withResolvers<void>();

  constructor(readonly connection: SocketConnection) {}

  get result(): Promise<void> {
    return this.#done.promise;
  }

  end(): void {
    this.#done.resolve();
  }

  fail(): void {
    this.#done.reject(new Error("the exchange failed"));
  }
}

/** A ClientHello as a client sends it. */
export async function clientHello(net: Net): Promise<Uint8Array> {
  let hello: Uint8Array | null = null;
  const port = await net.serve(
    tcp.createServer((socket) =>
      socket.once("data", (bytes: Uint8Array) => {
        hello = new Uint8Array(bytes);
        socket.destroy();
      })
    ),
  );
  const client = tls.connect({ host: LOOPBACK, port, servername: NAME });
  client.on("error", () => {});
  return await waitFor(() => hello, { what: "a ClientHello" });
}

/** True once `count` does not grow any more; false when it reaches `all`. */
export async function comesToRest(count: () => number, all: number): Promise<boolean> {
  let last = -1;
  let still = 0;
  while (still < 10) {
    await sleep(50);
    if (count() >= all) return false;
    still = count() === last ? still + 1 : 0;
    last = count();
  }
  return true;
}

/** A dialler that trusts this authority. The environment is as before afterwards: other tests start processes in it. */
export async function withDialler<Result>(
  options: Partial<DiallerOptions>,
  test: (dialler: Dialler) => Promise<Result>,
): Promise<Result> {
  const folder = Deno.makeTempDirSync({ prefix: "fmsg-roots-" });
  const before = Deno.env.get("DENO_CERT");
  try {
    return await test(
      new Dialler({
        extraRoots: authority.pem,
        rootsFile: join(folder, "roots.pem"),
        limits: () => ({ ...LIMITS, connectMs: PATIENCE }),
        ...options,
      }),
    );
  } finally {
    if (before === undefined) Deno.env.delete("DENO_CERT");
    else Deno.env.set("DENO_CERT", before);
    Deno.removeSync(folder, { recursive: true });
  }
}

/** Every byte tells its place, so that one lost, doubled or exchanged is found. */
export function pattern(length: number, from = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => ((from + i) * 31 + ((from + i) >> 8)) & 255);
}
