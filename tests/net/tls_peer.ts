// The other side of a connection to a listener, which can do what no honest peer does.
import type * as tcp from "node:net";
import { Duplex } from "node:stream";
import * as tls from "node:tls";
import { makeAuthority } from "../../src/certificate/make.ts";
import { PATIENCE, waitFor, within } from "../support/wait.ts";

export const NAME = "fmsg.example.test";
export const LOOPBACK = "127.0.0.1";

export const authority = await makeAuthority("Test network");
export const certificate = await authority.issue(NAME);

export interface PeerOptions {
  /** SNI; null sends none. */
  readonly name?: string | null;
  readonly alpn?: readonly string[];
  readonly version?: "TLSv1.2" | "TLSv1.3";
  readonly from?: string;
  readonly ip?: string;
  /** The authority, where it is not this one. */
  readonly trusts?: string;
}

/** The other side, over a TCP socket of its own: the runtime's TLS sockets hide resets, and cannot be held back. */
export class Peer {
  /** How the host ended the connection: in order, or with a reset. */
  ended: "end" | "reset" | null = null;
  readonly #received: Uint8Array[] = [];
  readonly #gone: Promise<void>;

  private constructor(readonly raw: tcp.Socket, readonly tls: tls.TLSSocket, duplex: Duplex) {
    raw.on("data", (bytes) => duplex.push(bytes));
    raw.on("end", () => {
      this.ended ??= "end";
      duplex.push(null);
    });
    raw.on("error", () => {
      this.ended ??= "reset";
      duplex.destroy();
    });
    raw.on("close", () => duplex.destroy());
    this.#gone = new Promise((resolve) => raw.once("close", () => resolve()));
    duplex.on("error", () => {});
    tls.on("error", () => {});
    tls.on("data", (bytes: Uint8Array) => this.#received.push(new Uint8Array(bytes)));
  }

  static async connect(raw: tcp.Socket, options: PeerOptions): Promise<Peer> {
    const { name = NAME, alpn = ["fmsg/1"], version = "TLSv1.3", trusts = authority.pem } = options;
    const duplex = new Duplex({
      read: () => {},
      write: (bytes: Uint8Array, _, done) => void raw.write(bytes, done),
      final: (done) => void raw.end(done),
    });
    const socket = tls.connect({
      socket: duplex,
      servername: name ?? "",
      ca: trusts,
      // The host has to close it, not this side.
      checkServerIdentity: () => undefined,
      ALPNProtocols: [...alpn],
      minVersion: version,
      maxVersion: version,
    });
    const peer = new Peer(raw, socket, duplex);
    const secure = new Promise<void>((resolve, reject) => {
      socket.once("secureConnect", resolve);
      socket.once("error", reject);
      socket.once("close", () => reject(new Error("closed in the handshake")));
    });
    await within(PATIENCE, "the handshake", secure);
    return peer;
  }

  /** Resolves once the system took the bytes; false when the connection is gone. */
  async write(bytes: Uint8Array): Promise<boolean> {
    if (this.raw.destroyed) return false;
    const written = new Promise<boolean>((resolve) => {
      this.tls.write(bytes, (error) => resolve(error === null || error === undefined));
    });
    return await Promise.race([written, this.#gone.then(() => false)]);
  }

  /** What has come so far. */
  get received(): Uint8Array {
    const whole = new Uint8Array(this.#received.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const piece of this.#received) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }

  /** Waits until so many bytes have come, and gives all. */
  async receive(length: number): Promise<Uint8Array> {
    return await waitFor(() => this.received.length >= length && this.received, {
      what: `${length} bytes from the host`,
    });
  }

  /** Waits until the host has ended the connection, and tells how. */
  async over(): Promise<"end" | "reset"> {
    return await waitFor(() => this.ended, { what: "the end of the connection" });
  }

  /** Ends this side; the other may go on. */
  end(): void {
    this.tls.end();
  }

  reset(): void {
    this.raw.resetAndDestroy();
  }

  /** Takes nothing more from the network. */
  hold(): void {
    this.raw.pause();
  }

  letGo(): void {
    this.raw.resume();
  }
}
