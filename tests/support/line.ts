// Plain TCP under a TLS connection: it shows how the other side ended, and can be reset.

import { connect, type Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Ledger } from "./ledger.ts";
import { PATIENCE, within } from "./wait.ts";

/** How the other side ended: in order (close_notify or FIN), or with a reset. */
export type Ended = "end" | "reset";

/** There is no connection: nobody there, or the handshake failed. */
export class NoConnection extends Error {
  override readonly name = "NoConnection";

  constructor(readonly step: "tcp" | "tls", cause: unknown) {
    super(`${step}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** Connects without TLS. Throws NoConnection. */
export async function dialTcp(
  ip: string,
  port: number,
  source: string,
  ledger: Ledger,
): Promise<Socket> {
  const raw = connect({ host: ip, port, localAddress: source, allowHalfOpen: true });
  ledger.socket(raw, `a connection from ${source} to ${ip}`);
  const connected = new Promise<void>((resolve, reject) => {
    raw.once("connect", resolve);
    raw.on("error", reject);
  });
  try {
    await within(PATIENCE, `connecting to ${ip}`, connected);
    raw.setNoDelay(true);
    return raw;
  } catch (error) {
    raw.destroy();
    throw new NoConnection("tcp", error);
  }
}

/** A plain socket as the stream that TLS runs over. A reset is noted, and read as the end of the stream. */
export class Line {
  readonly raw: Socket;
  readonly duplex: Duplex;
  ended: Ended | null = null;

  constructor(raw: Socket) {
    this.raw = raw;
    this.duplex = new Duplex({
      read: () => void raw.resume(),
      write: (chunk: Uint8Array, _, done) => void raw.write(chunk, done),
    });
    // A write that fails has its reason in the events of the raw socket.
    this.duplex.on("error", () => {});
    raw.on("data", (chunk) => {
      if (!this.duplex.push(chunk)) raw.pause();
    });
    raw.on("end", () => this.#end("end"));
    raw.on("error", () => this.#end("reset"));
    raw.on("close", () => {
      // Ended from here, and not by the other side.
      if (this.ended === null) this.duplex.destroy();
    });
  }

  #end(how: Ended): void {
    if (this.ended !== null) return;
    this.ended = how;
    this.duplex.push(null);
  }
}
