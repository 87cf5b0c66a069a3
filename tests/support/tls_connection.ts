// A TLS connection that shows how the other side ended it, and can be ended in every way itself.
// It runs over a plain socket of its own, because the runtime's TLS sockets hide resets and cannot send them.

import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { connect as connectTls, createServer, type TLSSocket } from "node:tls";
import { type Bytes, concat } from "../../src/wire/mod.ts";
import type { Ledger } from "./ledger.ts";
import { dialTcp, type Ended, Line, NoConnection } from "./line.ts";
import { PATIENCE, within } from "./wait.ts";

export interface DialOptions {
  readonly ip: string;
  readonly port: number;
  /** The address to leave from. */
  readonly source: string;
  /** SNI; null sends none. */
  readonly servername: string | null;
  /** The only roots to trust, in PEM; null takes any certificate. Sessions are only resumed with null. */
  readonly ca: string | null;
  readonly alpn: readonly string[];
  readonly version: "1.2" | "1.3";
  /** A ticket from an earlier connection. */
  readonly session: Buffer | null;
}

export interface ServeOptions {
  readonly cert: string;
  readonly key: string;
  readonly alpn: readonly string[];
  readonly version: "1.2" | "1.3";
}

/** Bytes that wait to be taken before the other side is held up. */
const READ_AHEAD = 256 * 1024;

export class TlsConnection {
  readonly sni: string | null;
  readonly alpn: string | null;
  readonly protocol: string | null;
  readonly cipher: string;
  readonly resumed: boolean;
  /** Resolves when the socket is closed, by whomever. */
  readonly gone: Promise<void>;
  /** Resolves when nothing more comes: the other side has ended, or the socket is closed. */
  readonly over: Promise<void>;
  /** The newest ticket that the server gave. */
  session: Buffer | null = null;
  readonly #raw: Socket;
  readonly #tls: TLSSocket;
  readonly #line: Line;
  readonly #chunks: Uint8Array[] = [];
  #queued = 0;
  #wanted = 0;
  #over = false;
  #heardEnd = false;
  #wake: () => void = () => {};
  #finish: () => void = () => {};

  private constructor(line: Line, tls: TLSSocket) {
    this.#raw = line.raw;
    this.#line = line;
    this.#tls = tls;
    const sni: unknown = Reflect.get(tls, "servername");
    this.sni = typeof sni === "string" && sni !== "" ? sni : null;
    this.alpn = typeof tls.alpnProtocol === "string" ? tls.alpnProtocol : null;
    this.protocol = tls.getProtocol();
    this.cipher = tls.getCipher().name;
    this.resumed = tls.isSessionReused();
    this.gone = new Promise((resolve) => this.#raw.once("close", resolve));
    // Where nobody takes what came, the end behind it is not heard; the socket may be closed all the same.
    void this.gone.then(() => this.#wake());
    this.over = new Promise((resolve) => this.#finish = resolve);
    tls.on("session", (ticket: Buffer) => this.session = ticket);
    tls.on("data", (chunk: Buffer) => this.#receive(chunk));
    tls.on("end", () => {
      this.#heardEnd = true;
      this.#end();
    });
    tls.on("close", () => this.#end());
    tls.on("error", () => this.#end());
  }

  /** Connects and does the handshake. Throws NoConnection. */
  static async dial(options: DialOptions, ledger: Ledger): Promise<TlsConnection> {
    const { ip, port, source, servername, ca, alpn, version, session } = options;
    const raw = await dialTcp(ip, port, source, ledger);
    const line = new Line(raw);
    const name = `TLSv${version}` as const;
    const tls = connectTls({
      socket: line.duplex,
      servername: servername ?? "",
      minVersion: name,
      maxVersion: name,
      ALPNProtocols: [...alpn],
      ...(ca === null ? { rejectUnauthorized: false } : { ca }),
      ...(session === null ? {} : { session }),
    });
    return await shaken(line, (resolve, reject) => {
      tls.once("secureConnect", () => resolve(new TlsConnection(line, tls)));
      tls.on("error", reject);
      tls.on("close", () => reject(new Error("closed in the handshake")));
    });
  }

  /** Does the handshake as the server on a connection that was accepted. Throws NoConnection. */
  static async accept(raw: Socket, options: ServeOptions): Promise<TlsConnection> {
    const line = new Line(raw);
    const name = `TLSv${options.version}` as const;
    const server = createServer({
      cert: options.cert,
      key: options.key,
      minVersion: name,
      maxVersion: name,
      ALPNProtocols: [...options.alpn],
    });
    return await shaken(line, (resolve, reject) => {
      server.once("secureConnection", (tls) => resolve(new TlsConnection(line, tls)));
      server.once("tlsClientError", reject);
      raw.once("close", () => reject(new Error("closed in the handshake")));
      server.emit("connection", line.duplex);
    });
  }

  /** How the other side has ended; null while it has not. */
  get ended(): Ended | null {
    if (this.#line.ended === "reset") return "reset";
    return this.#heardEnd ? "end" : null;
  }

  /** Bytes that have come and were not taken. */
  get waiting(): number {
    return this.#queued;
  }

  /** The next `max` bytes; fewer when the other side ends before them or `ms` are over. */
  async take(max: number, ms = PATIENCE): Promise<Bytes> {
    this.#wanted = max;
    if (this.#tls.isPaused()) this.#tls.resume();
    await this.#until(() => this.#queued >= max, ms);
    this.#wanted = 0;
    const all = concat(this.#chunks);
    this.#chunks.length = 0;
    this.#queued = 0;
    if (all.length > max) this.#keep(all.subarray(max));
    return all.slice(0, max);
  }

  /** Gives back bytes that were taken too far. */
  untake(bytes: Uint8Array): void {
    this.#chunks.unshift(bytes);
    this.#queued += bytes.length;
  }

  /** Lets `ms` pass, or less when the other side ends before. */
  linger(ms: number): Promise<void> {
    return this.#until(() => this.#raw.destroyed, ms);
  }

  /** False when the connection is lost, or the other side does not take the bytes in time. */
  async write(bytes: Uint8Array): Promise<boolean> {
    if (!this.#tls.writable || this.#raw.destroyed) return false;
    const written = new Promise<boolean>((resolve) => {
      this.#tls.write(bytes, (error) => resolve(error === null || error === undefined));
    });
    const lost = this.gone.then(() => false);
    return await within(PATIENCE, "writing", Promise.race([written, lost])).catch(() => false);
  }

  /** Ends this side: close_notify and FIN. What the other side sends can still be taken. */
  end(): void {
    // The runtime writes the close_notify, and leaves the FIN to whoever owns the stream below.
    this.#tls.end(() => this.#raw.end());
  }

  /** Ends this side with a FIN alone, as when a connection is cut. */
  fin(): void {
    this.#raw.end();
  }

  reset(): void {
    this.#raw.resetAndDestroy();
  }

  /** Ends in order and frees everything. */
  async close(): Promise<void> {
    if (!this.#raw.destroyed && !this.#raw.writableFinished) {
      const sent = new Promise<void>((resolve) => this.#raw.once("finish", resolve));
      this.end();
      await within(CLOSE_MS, "the end of the stream", Promise.race([sent, this.gone]))
        .catch(() => {});
    }
    this.#raw.destroy();
    this.#tls.destroy();
    await this.gone;
  }

  #receive(chunk: Uint8Array): void {
    this.#keep(new Uint8Array(chunk));
    if (this.#queued >= Math.max(READ_AHEAD, this.#wanted)) this.#tls.pause();
    this.#wake();
  }

  #keep(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#queued += bytes.length;
  }

  #end(): void {
    this.#over = true;
    this.#finish();
    this.#wake();
  }

  async #until(done: () => boolean, ms: number): Promise<void> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#wake();
    }, ms);
    try {
      while (!done() && !this.#over && !late) {
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
    } finally {
      clearTimeout(timer);
    }
  }
}

const CLOSE_MS = 1000;

async function shaken(
  line: Line,
  handshake: (
    resolve: (connection: TlsConnection) => void,
    reject: (error: Error) => void,
  ) => void,
): Promise<TlsConnection> {
  try {
    return await within(PATIENCE, "the handshake", new Promise(handshake));
  } catch (error) {
    line.raw.destroy();
    line.duplex.destroy();
    throw new NoConnection("tls", error);
  }
}
