// The TLS listener: limits before the handshake, TLS 1.3 only, and the server name before the first byte (FMSG-001).

import { createSecureContext, createServer, type Server, type TLSSocket } from "node:tls";
import type { Socket } from "node:net";
import { type FlowLimits, SocketConnection } from "./connection.ts";
import { canonicalIp, isIPv6, sourceKey } from "./ip.ts";

export const ALPN = ["fmsg/1"];

export interface Endpoint {
  readonly ip: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

export interface Certificate {
  /** PEM: the certificate, and then those that lead to the root. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
}

export interface ListenerLimits extends FlowLimits {
  readonly maxConnections: number;
  readonly maxConnectionsPerIp: number;
  /** Milliseconds from accepting a connection to a whole header. */
  readonly headerMs: number;
}

/** Why a connection ended before there was an exchange. */
export type RefusedReason =
  | "too many connections"
  | "too many connections from this address"
  | "handshake failed"
  | "no server name"
  | "wrong server name";

export interface ListenerOptions {
  readonly endpoints: readonly Endpoint[];
  readonly certificate: Certificate;
  /** `fmsg.<domain>`: the one name under which this host is called. */
  readonly serverName: string;
  /** Asked for each connection, since they may change. */
  readonly limits: () => ListenerLimits;
  /** Runs one exchange; the connection is closed when it resolves, and torn down when it rejects. */
  readonly serve: (connection: SocketConnection) => Promise<void>;
  readonly refused: (peer: string, reason: RefusedReason, detail?: string) => void;
}

interface Accepted {
  readonly socket: Socket;
  /** Milliseconds since the epoch. */
  readonly accepted: number;
  /** Once the handshake is done. */
  connection: SocketConnection | null;
}

/** Accepts connections on all endpoints until it is closed. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #servers: Server[] = [];
  readonly #sockets = new Map<string, Accepted>();
  readonly #perSource = new Map<string, number>();
  readonly #serving = new Set<Promise<void>>();

  private constructor(options: ListenerOptions) {
    this.#options = options;
  }

  /** Listens on every endpoint, or on none: an Error names the one that cannot be had. */
  static async listen(options: ListenerOptions): Promise<Listener> {
    const listener = new Listener(options);
    try {
      for (const endpoint of options.endpoints) {
        listener.#servers.push(await listener.#listen(endpoint));
      }
      return listener;
    } catch (error) {
      await listener.close(0);
      throw error;
    }
  }

  /** Where it listens, with the ports that the system chose. */
  get endpoints(): Endpoint[] {
    return this.#servers.map((server) => {
      const address = server.address();
      if (address === null || typeof address === "string") {
        throw new Error("The listener is closed");
      }
      return { ip: address.address, port: address.port };
    });
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** Uses another certificate from the next handshake on; connections under way go on (row T5). */
  renew(certificate: Certificate): void {
    for (const server of this.#servers) {
      server.setSecureContext({ ...certificate, minVersion: "TLSv1.3" });
    }
  }

  /** Takes no more connections, lets exchanges under way finish for `graceMs`, and then cuts what is left. */
  async close(graceMs: number): Promise<void> {
    const closed = this.#servers.map((server) =>
      new Promise<void>((resolve) => server.close(() => resolve()))
    );
    for (const { socket, connection } of this.#sockets.values()) {
      if (connection === null || !connection.begun) socket.destroy();
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const grace = new Promise<void>((resolve) => timer = setTimeout(resolve, graceMs));
    await Promise.race([Promise.all(this.#serving), grace]);
    clearTimeout(timer);
    for (const { socket } of this.#sockets.values()) socket.destroy();
    await Promise.all([...this.#serving, ...closed]);
  }

  #listen(endpoint: Endpoint): Promise<Server> {
    const { certificate } = this.#options;
    const server = createServer({
      ...certificate,
      minVersion: "TLSv1.3",
      ALPNProtocols: ALPN,
      handshakeTimeout: this.#options.limits().headerMs,
      noDelay: true,
    });
    server.on("connection", (socket: Socket) => this.#accept(socket));
    server.on("secureConnection", (socket: TLSSocket) => this.#serve(socket));
    server.on("tlsClientError", (error: Error, socket: TLSSocket) => {
      this.#options.refused(
        canonicalIp(socket.remoteAddress ?? "") ?? "",
        "handshake failed",
        error.message,
      );
      socket.destroy();
    });
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      // Without ipv6Only, "::" would take the IPv4 port too, and a second endpoint for it could not be had.
      server.listen({
        host: endpoint.ip,
        port: endpoint.port,
        ipv6Only: isIPv6(endpoint.ip),
        backlog: 511,
      }, () => {
        server.removeListener("error", reject);
        server.on("error", () => {});
        resolve(server);
      });
    });
  }

  /** Limits on connections come before the handshake, which is what costs (row S1). */
  #accept(socket: Socket): void {
    const { refused } = this.#options;
    const limits = this.#options.limits();
    const peer = canonicalIp(socket.remoteAddress ?? "") ?? "";
    const source = sourceKey(peer);
    const fromSource = this.#perSource.get(source) ?? 0;
    const reason = this.#sockets.size >= limits.maxConnections
      ? "too many connections"
      : fromSource >= limits.maxConnectionsPerIp
      ? "too many connections from this address"
      : null;
    if (reason !== null) {
      socket.destroy();
      return refused(peer, reason);
    }
    const key = keyOf(socket);
    this.#sockets.set(key, { socket, accepted: Date.now(), connection: null });
    this.#perSource.set(source, fromSource + 1);
    socket.once("close", () => {
      this.#sockets.delete(key);
      const left = (this.#perSource.get(source) ?? 1) - 1;
      if (left > 0) this.#perSource.set(source, left);
      else this.#perSource.delete(source);
    });
  }

  #serve(socket: TLSSocket): void {
    const { serverName, serve, refused } = this.#options;
    const limits = this.#options.limits();
    const name = readServerName(socket);
    if (name !== serverName) {
      refused(
        canonicalIp(socket.remoteAddress ?? "") ?? "",
        name === null ? "no server name" : "wrong server name",
        name ?? undefined,
      );
      socket.on("error", () => {});
      socket.destroy();
      return;
    }
    // A sender may end its side before it has read its codes. Not an option of the server: with it, a client that goes
    // away before the handshake would not be noticed.
    socket.allowHalfOpen = true;
    const connection = new SocketConnection(socket, limits);
    const accepted = this.#sockets.get(keyOf(socket));
    if (accepted !== undefined) accepted.connection = connection;
    const since = accepted?.accepted ?? Date.now();
    const left = Math.max(1, since + limits.headerMs - Date.now());
    connection.expect({ kind: "deadline", ms: left, reason: "header not in time" });
    const serving = serve(connection).then(
      () => connection.close(),
      () => connection.destroy(),
    ).finally(() => this.#serving.delete(serving));
    this.#serving.add(serving);
  }
}

/** The name that the client asked for (SNI), or null. */
function readServerName(socket: TLSSocket): string | null {
  const name: unknown = Reflect.get(socket, "servername");
  return typeof name === "string" && name !== "" ? name.toLowerCase() : null;
}

function keyOf(socket: Socket): string {
  return `${socket.localPort} ${socket.remoteAddress} ${socket.remotePort}`;
}

/** Does this key belong to this certificate, and can both be used? Throws an Error that says what is wrong. */
export function checkCertificate(certificate: Certificate): void {
  createSecureContext({ ...certificate, minVersion: "TLSv1.3" });
}
