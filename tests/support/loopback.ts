// A block of loopback addresses and a port that no other test on this machine uses at the same time.

import { once } from "node:events";
import { createServer, type Server } from "node:net";
import type { Ledger } from "./ledger.ts";

/** Blocks 127.100.0.x to 127.163.255.x: away from what people use by hand. */
const FIRST_BLOCK = 100 * 256;
const BLOCKS = 64 * 256;

/** Below the range from which the system takes ports for outgoing connections. */
const FIRST_PORT = 20_000;
const PORTS = 10_000;

/** Different processes begin at different places; the next world of this one goes on behind the last. */
let next = Deno.pid * 61 % BLOCKS;

export class Loopback {
  /** The port of all hosts and peers of the block. */
  readonly port: number;
  readonly #prefix: string;
  #used = 1;

  private constructor(prefix: string, port: number) {
    this.#prefix = prefix;
    this.port = port;
  }

  /**
   * Takes a block, until the ledger closes its claim: a server on the block's first address. Test files may run in
   * threads of one process, so that numbers alone are not unique.
   */
  static async claim(ledger: Ledger): Promise<Loopback> {
    for (let attempt = 0; attempt < BLOCKS; attempt++) {
      const block = FIRST_BLOCK + next++ % BLOCKS;
      const loopback = new Loopback(
        `127.${block >> 8}.${block & 255}`,
        FIRST_PORT + block % PORTS,
      );
      const claim = await listen(loopback.first, loopback.port);
      if (claim === null) continue;
      ledger.server(claim, `the claim on ${loopback.first}`);
      return loopback;
    }
    throw new Error("Every block of loopback addresses is taken");
  }

  /** The address of the claim; other ports of it are free to use. */
  get first(): string {
    return `${this.#prefix}.1`;
  }

  /** An address that was not given before. */
  address(): string {
    if (this.#used === 254) throw new Error("A world has 253 addresses, and all are given");
    return `${this.#prefix}.${++this.#used}`;
  }
}

/** Null when the port is taken there, or everywhere. */
async function listen(ip: string, port: number): Promise<Server | null> {
  const server = createServer((socket) => socket.destroy());
  server.listen(port, ip);
  try {
    await once(server, "listening");
    return server;
  } catch {
    return null;
  }
}
