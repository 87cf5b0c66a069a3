// The listening half of a peer: it accepts, does the handshake that its mode asks for, and hands connections on.

import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { Ledger } from "./ledger.ts";
import type { PeerTls, TlsMode } from "./peer_tls.ts";
import { NoConnection } from "./line.ts";
import { TlsConnection } from "./tls_connection.ts";

/** A connection that came to the peer, whatever became of it. */
export interface Call {
  /** The caller's address, and which one of the peer's it called. */
  readonly from: string;
  readonly to: string;
  readonly opened: number;
  /** When the connection was closed (ms, as `opened`); null while it is open. */
  closed: number | null;
  /** The TLS that was agreed on; null where there was no handshake. */
  tls: TlsFacts | null;
  /** Why there was no handshake. */
  problem: string | null;
  kind: "message" | "challenge" | "other" | "empty" | null;
}

/** What a handshake agreed on. */
export type TlsFacts = Pick<TlsConnection, "sni" | "alpn" | "protocol" | "cipher" | "resumed">;

export interface PeerServerOptions {
  readonly domain: string;
  readonly ips: readonly string[];
  readonly port: number;
  readonly tls: PeerTls;
  readonly ledger: Ledger;
  /** Runs one exchange; the connection is closed when it resolves. */
  readonly serve: (connection: TlsConnection, call: Call) => Promise<void>;
}

export class PeerServer {
  readonly calls: Call[] = [];
  readonly #options: PeerServerOptions;
  readonly #servers = new Map<string, Server>();
  readonly #modes = new Map<string, TlsMode>();
  readonly #serving = new Set<Promise<void>>();
  readonly #faults: unknown[] = [];

  constructor(options: PeerServerOptions) {
    this.#options = options;
  }

  async listen(ips: readonly string[]): Promise<void> {
    const { domain, port, ledger } = this.#options;
    for (const ip of ips) {
      if (this.#servers.has(ip)) continue;
      const server = createServer({ allowHalfOpen: true }, (raw) => this.#accept(raw, ip));
      ledger.server(server, `the listener of ${domain} on ${ip}`);
      this.#servers.set(ip, server);
      server.listen(port, ip);
      await once(server, "listening");
    }
  }

  deafen(ips: readonly string[]): void {
    for (const ip of ips) {
      this.#servers.get(ip)?.close();
      this.#servers.delete(ip);
    }
  }

  setTls(mode: TlsMode, ips: readonly string[]): void {
    for (const ip of ips) this.#modes.set(ip, mode);
  }

  /** Waits for what is being served, once its sockets are closed. Throws what went wrong in the peer itself. */
  async finish(): Promise<void> {
    await Promise.all(this.#serving);
    if (this.#faults.length > 0) throw this.#faults[0];
  }

  #accept(raw: Socket, to: string): void {
    const from = raw.remoteAddress ?? "";
    this.#options.ledger.socket(raw, `a connection from ${from} to ${this.#options.domain}`);
    const call: Call = {
      from,
      to,
      opened: Date.now(),
      closed: null,
      tls: null,
      problem: null,
      kind: null,
    };
    this.calls.push(call);
    raw.once("close", () => call.closed = Date.now());
    raw.setNoDelay(true);
    const mode = this.#modes.get(to) ?? "good";
    if (mode === "mute" || mode === "refuse") {
      raw.on("error", () => {});
      raw.on("end", () => raw.end());
      if (mode === "refuse") raw.resetAndDestroy();
      else raw.resume();
      return;
    }
    const serving = this.#options.tls.options(mode)
      .then((options) => TlsConnection.accept(raw, options))
      .then((connection) => this.#serve(connection, call))
      .catch((error: unknown) => {
        if (error instanceof NoConnection) call.problem = error.message;
        else this.#faults.push(error);
      })
      .finally(() => this.#serving.delete(serving));
    this.#serving.add(serving);
  }

  async #serve(connection: TlsConnection, call: Call): Promise<void> {
    const { sni, alpn, protocol, cipher, resumed } = connection;
    call.tls = { sni, alpn, protocol, cipher, resumed };
    try {
      await this.#options.serve(connection, call);
    } finally {
      await connection.close();
    }
  }
}
