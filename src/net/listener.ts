// The TLS listener: limits before the handshake, TLS 1.3 only, and the server name before the first byte (FMSG-001).

import { createSecureContext, createServer, type Server, type TLSSocket } from "node:tls";
import type { Socket } from "node:net";
import { Terminate } from "../protocol/mod.ts";
import { hears } from "./hearing.ts";
import { type FlowLimits, SocketConnection } from "./connection.ts";
import { canonicalIp, type Endpoint, sourceKey } from "./ip.ts";
import { cannotListen } from "./listen_error.ts";

export const ALPN = ["fmsg/1"];

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

/**
 * Connections that the system takes for us until we get to them; of more, each tries again a second later. It counts those
 * that are gone meanwhile, too.
 */
const BACKLOG = 4096;

/** How often it is seen to that every server still hears who connects, in milliseconds. */
const HEARING_CHECK_MS = 10_000;

/** Why a connection ended before there was an exchange. */
export type RefusedReason =
  | "host is stopping"
  | "no certificate yet"
  | "no byte came"
  | "banned"
  | "too fast"
  | "too many connections"
  | "too many connections from this address"
  | "handshake failed"
  | "no server name"
  | "wrong server name";

export interface ListenerOptions {
  readonly endpoints: readonly Endpoint[];
  /** null: nobody is taken until `renew` brings one. */
  readonly certificate: Certificate | null;
  /** `fmsg.<domain>`: the one name under which this host is called. */
  readonly serverName: string;
  /** Asked for each connection, since they may change. */
  readonly limits: () => ListenerLimits;
  /** Asked for each connection before the handshake: why it may not be had, or null. */
  readonly admit?: (peer: string) => RefusedReason | null;
  /** Runs one exchange; the connection is closed when it resolves, and torn down when it rejects. */
  readonly serve: (connection: SocketConnection) => Promise<void>;
  readonly refused: (peer: string, reason: RefusedReason, detail?: string) => void;
  /** Told when a server that took no more connections was opened anew, or could not be. */
  readonly reopened?: (endpoint: Endpoint, problem: string | null) => void;
  /** Milliseconds between looks at whether every server still hears; 10,000 unless given. */
  readonly hearingCheckMs?: number;
}

/** A connection that is open, for an operator to look at. */
export interface OpenConnection {
  readonly peer: string;
  /** When it was accepted, as of `performance.now()`: deadlines hold whatever becomes of the time. */
  readonly since: number;
  readonly state: "handshake" | "waiting" | "exchange";
}

interface Accepted {
  readonly socket: Socket;
  readonly peer: string;
  /** As of `performance.now()`. */
  readonly since: number;
  /** What has to end before its place is free: the socket, and the exchange, which may wait for others a while longer. */
  uses: number;
  /** Once the handshake is done. */
  connection: SocketConnection | null;
  /** Ends the connection when the handshake is not in time, which is then `late`. */
  readonly handshake: ReturnType<typeof setTimeout>;
  late: boolean;
}

interface Listening {
  readonly server: Server;
  /** With the port that the system chose. */
  readonly endpoint: Endpoint;
  /** Connections accepted so far, and how many there were when it was last seen to hear. */
  readonly accepted: number;
  checked: number;
}

/** Accepts connections on all endpoints until it is closed. */
export class Listener {
  #options: ListenerOptions;
  readonly #servers = new Set<Listening>();
  readonly #open = new Set<Accepted>();
  /** By the TCP socket, for as long as anything happens on it. */
  readonly #accepted = new WeakMap<object, Accepted>();
  readonly #perSource = new Map<string, number>();
  readonly #serving = new Set<Promise<void>>();
  /** Local ports of this host's own connections to itself. */
  readonly #probes = new Set<number>();
  readonly #hearingTimer: ReturnType<typeof setInterval>;
  #checking: Promise<void> | null = null;
  #closed = false;

  private constructor(options: ListenerOptions) {
    this.#options = options;
    this.#hearingTimer = setInterval(() => {
      this.#checking ??= this.#checkHearing().finally(() => this.#checking = null);
    }, options.hearingCheckMs ?? HEARING_CHECK_MS);
  }

  /** Listens on every endpoint, or on none: an Error names the one that cannot be had, and why. */
  static async listen(options: ListenerOptions): Promise<Listener> {
    const listener = new Listener(options);
    try {
      for (const endpoint of options.endpoints) {
        if (!listener.#isCovered(endpoint)) {
          listener.#servers.add(await listener.#listen(endpoint));
        }
      }
      return listener;
    } catch (error) {
      await listener.close(0);
      throw error;
    }
  }

  /** Where it listens, with the ports that the system chose. */
  get endpoints(): Endpoint[] {
    if (this.#closed) throw new Error("The listener is closed");
    const chosen = [...this.#servers].map(({ endpoint }) => endpoint);
    return [...this.#options.endpoints.filter((endpoint) => this.#isCovered(endpoint)), ...chosen];
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#open.size;
  }

  /** Those connections, the oldest first. */
  list(): OpenConnection[] {
    return [...this.#open].map(({ peer, since, connection }) => ({
      peer,
      since,
      state: connection === null ? "handshake" : connection.begun ? "exchange" : "waiting",
    }));
  }

  /** Uses another certificate from the next handshake on; connections under way go on (row T5). */
  renew(certificate: Certificate): void {
    this.#options = { ...this.#options, certificate };
    for (const { server } of this.#servers) {
      server.setSecureContext({ ...certificate, minVersion: "TLSv1.3" });
    }
  }

  /** Takes no more connections, lets exchanges under way finish for `graceMs`, and then cuts what is left. */
  async close(graceMs: number): Promise<void> {
    this.#closed = true;
    clearInterval(this.#hearingTimer);
    await this.#checking;
    const closed = Promise.all([...this.#servers].map(({ server }) => closedOf(server)));
    for (const { socket, connection } of this.#open) {
      if (connection === null || !connection.begun) socket.destroy();
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    const grace = new Promise<void>((resolve) => timer = setTimeout(resolve, graceMs));
    // A server is closed when its connections are: also those whose last byte is still on its way (row T3).
    await Promise.race([closed, grace]);
    clearTimeout(timer);
    for (const { socket, connection } of this.#open) {
      connection?.destroy(new Terminate("host is stopping"));
      socket.destroy();
    }
    await Promise.all([...this.#serving, closed]);
  }

  /**
   * The runtime ignores `ipv6Only` (Deno 2.9): who listens on "::" gets the port of IPv4 too, and a second listener for
   * it could not be had.
   */
  #isCovered({ ip, port }: Endpoint): boolean {
    return ip === "0.0.0.0" && port !== 0 &&
      this.#options.endpoints.some((other) => other.ip === "::" && other.port === port);
  }

  /**
   * A server of the runtime whose accept fails, as when the process is out of file descriptors, never accepts again and
   * says nothing (Deno 2.9). Whoever heard nobody for a while is called; one that does not hear is opened anew.
   */
  async #checkHearing(): Promise<void> {
    for (const listening of this.#servers) {
      const { server, endpoint, accepted, checked } = listening;
      listening.checked = accepted;
      if (accepted !== checked || this.#closed) continue;
      if (
        await hears(endpoint, () => this.#closed || listening.accepted > accepted, this.#probes)
      ) {
        listening.checked = listening.accepted;
        continue;
      }
      if (this.#closed) return;
      this.#servers.delete(listening);
      // Its connections go on; the port is free at once.
      server.close();
      await this.#reopen(endpoint, listening);
    }
  }

  async #reopen(endpoint: Endpoint, before: Listening): Promise<void> {
    try {
      this.#servers.add(await this.#listen(endpoint));
      this.#options.reopened?.(endpoint, null);
    } catch (error) {
      // Still in the set, so that it is tried again.
      this.#servers.add(before);
      this.#options.reopened?.(endpoint, error instanceof Error ? error.message : String(error));
    }
  }

  #listen(endpoint: Endpoint): Promise<Listening> {
    const { certificate } = this.#options;
    const server = createServer({
      ...certificate,
      minVersion: "TLSv1.3",
      ALPNProtocols: ALPN,
      // None: the runtime's own timer outlives a handshake that failed, and keeps all that was sent for as long, by
      // which a stranger could fill the memory (Deno 2.9). The deadline is `#accept`'s.
      handshakeTimeout: -1,
      noDelay: true,
    });
    let accepted = 0;
    // The runtime begins with TLS as soon as it hears of a connection; who is refused is not to get that far.
    const beginTls = server.listeners("connection");
    server.removeAllListeners("connection");
    server.on("connection", (socket: Socket) => {
      accepted++;
      if (!this.#accept(socket)) socket.destroy();
      else for (const begin of beginTls) begin.call(server, socket);
    });
    server.on("secureConnection", (socket: TLSSocket) => this.#serve(socket));
    server.on("tlsClientError", (error: Error, socket: TLSSocket) => {
      const accepted = this.#acceptedOf(socket);
      // What was refused before the handshake has been told already.
      if (accepted !== undefined && !this.#isProbe(accepted.socket)) {
        const detail = accepted.late ? "TLS handshake timeout" : error.message;
        this.#options.refused(accepted.peer, "handshake failed", detail);
      }
      socket.destroy();
    });
    return new Promise((resolve, reject) => {
      const failed = (error: Error): void => reject(cannotListen(endpoint, error));
      server.once("error", failed);
      server.listen({ host: endpoint.ip, port: endpoint.port, backlog: BACKLOG }, () => {
        server.removeListener("error", failed);
        server.on("error", () => {});
        resolve({
          server,
          endpoint: endpointOf(server),
          get accepted() {
            return accepted;
          },
          checked: 0,
        });
      });
    });
  }

  /** Limits on connections come before the handshake, which is what costs (row S1). False: refused. */
  #accept(socket: Socket): boolean {
    if (this.#isProbe(socket)) return false;
    const limits = this.#options.limits();
    // A client that is gone already has no address any more.
    const peer = canonicalIp(socket.remoteAddress ?? "");
    if (peer === null) return false;
    const source = sourceKey(peer);
    const fromSource = this.#perSource.get(source) ?? 0;
    const reason = this.#options.certificate === null
      ? "no certificate yet"
      : this.#open.size >= limits.maxConnections
      ? "too many connections"
      : fromSource >= limits.maxConnectionsPerIp
      ? "too many connections from this address"
      : this.#options.admit?.(peer) ?? null;
    if (reason !== null) {
      this.#options.refused(peer, reason);
      return false;
    }
    const accepted: Accepted = {
      socket,
      peer,
      since: performance.now(),
      uses: 1,
      connection: null,
      handshake: setTimeout(() => {
        accepted.late = true;
        socket.destroy();
      }, limits.headerMs),
      late: false,
    };
    this.#accepted.set(socket, accepted);
    this.#open.add(accepted);
    this.#perSource.set(source, fromSource + 1);
    socket.once("close", () => {
      clearTimeout(accepted.handshake);
      this.#leave(accepted);
    });
    return true;
  }

  #leave(accepted: Accepted): void {
    if (--accepted.uses > 0) return;
    this.#open.delete(accepted);
    const source = sourceKey(accepted.peer);
    const left = (this.#perSource.get(source) ?? 1) - 1;
    if (left > 0) this.#perSource.set(source, left);
    else this.#perSource.delete(source);
  }

  #isProbe(socket: Socket): boolean {
    return socket.remotePort !== undefined && this.#probes.has(socket.remotePort);
  }

  #serve(socket: TLSSocket): void {
    const { serverName, serve, refused } = this.#options;
    const limits = this.#options.limits();
    const accepted = this.#acceptedOf(socket);
    const name = readServerName(socket);
    clearTimeout(accepted?.handshake);
    if (accepted === undefined || name !== serverName) {
      socket.on("error", () => {});
      socket.destroy();
      if (accepted === undefined) return;
      return refused(
        accepted.peer,
        name === null ? "no server name" : "wrong server name",
        name ?? undefined,
      );
    }
    // A sender may end its side before it has read its codes. Not an option of the server: with it, a client that goes
    // away before the handshake would not be noticed.
    socket.allowHalfOpen = true;
    const connection = new SocketConnection(socket, limits, accepted.peer);
    accepted.connection = connection;
    accepted.uses++;
    const left = Math.max(1, accepted.since + limits.headerMs - performance.now());
    connection.expect({ kind: "deadline", ms: left, reason: "header not in time" });
    const serving = serve(connection).then(
      () => connection.close(),
      () => connection.destroy(),
    ).finally(() => {
      this.#serving.delete(serving);
      this.#leave(accepted);
    });
    this.#serving.add(serving);
  }

  /** What is known of the TCP socket below; a TLS socket that has ended cannot tell its peer any more. */
  #acceptedOf(socket: TLSSocket): Accepted | undefined {
    const tcp: unknown = Reflect.get(socket, "_parent");
    return typeof tcp === "object" && tcp !== null ? this.#accepted.get(tcp) : undefined;
  }
}

function endpointOf(server: Server): Endpoint {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The listener is closed");
  return { ip: address.address, port: address.port };
}

function closedOf(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

/** The name that the client asked for (SNI), or null. */
function readServerName(socket: TLSSocket): string | null {
  const name: unknown = Reflect.get(socket, "servername");
  return typeof name === "string" && name !== "" ? name.toLowerCase() : null;
}

/** Does this key belong to this certificate, and can both be used? Throws an Error that says what is wrong. */
export function checkCertificate(certificate: Certificate): void {
  createSecureContext({ ...certificate, minVersion: "TLSv1.3" });
}
