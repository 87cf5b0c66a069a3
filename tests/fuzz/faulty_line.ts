// A TCP relay between a dialler and a server: it spoils the bytes of one connection below their TLS, where told to.

import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { concat } from "../../src/wire/mod.ts";
import type { Ledger } from "../support/ledger.ts";
import { noise } from "../support/message.ts";
import type { LineFault } from "./recipe.ts";

export interface LineEnds {
  /** Where it listens. */
  readonly ip: string;
  readonly port: number;
  readonly target: string;
  /** Where it comes from at the target. */
  readonly source: string;
}

/** Pieces that a `split` makes; behind them bytes pass as they come. */
const MAX_PIECES = 300;

export class FaultyLine {
  readonly ip: string;
  readonly #ends: LineEnds;
  readonly #ledger: Ledger;
  #armed: LineFault | null = null;

  private constructor(ends: LineEnds, ledger: Ledger) {
    this.ip = ends.ip;
    this.#ends = ends;
    this.#ledger = ledger;
  }

  static async listen(ends: LineEnds, ledger: Ledger): Promise<FaultyLine> {
    const line = new FaultyLine(ends, ledger);
    const server = createServer({ allowHalfOpen: true }, (socket) => line.#relay(socket));
    ledger.server(server, `the line on ${ends.ip}`);
    server.listen(ends.port, ends.ip);
    await once(server, "listening");
    return line;
  }

  /** The fault of the next connection; null takes back what was not met. */
  arm(fault: LineFault | null): void {
    this.#armed = fault;
  }

  #relay(near: Socket): void {
    const { port, target, source } = this.#ends;
    const fault = this.#armed;
    this.#armed = null;
    const far = connect({ host: target, port, localAddress: source, allowHalfOpen: true });
    for (const socket of [near, far]) {
      this.#ledger.socket(socket, `a relayed connection through ${this.ip}`);
      socket.setNoDelay(true);
    }
    pass(near, far, new Spoiler(fault?.way === "up" ? fault : null));
    pass(far, near, new Spoiler(fault?.way === "down" ? fault : null));
  }
}

function pass(from: Socket, to: Socket, spoiler: Spoiler): void {
  from.on("data", (chunk: Uint8Array) => {
    const { pieces, then } = spoiler.spoil(chunk);
    let room = true;
    for (const piece of pieces) room = to.write(piece);
    if (!room) from.pause();
    if (then === "on") return;
    for (const socket of [from, to]) {
      if (then === "cut") socket.end();
      else socket.resetAndDestroy();
    }
    // What still comes is of no interest; the ends of both are.
    from.resume();
  });
  to.on("drain", () => from.resume());
  from.on("end", () => to.end());
  from.on("error", () => to.resetAndDestroy());
  // Whoever is gone takes nothing more.
  from.on("close", () => to.destroyed || to.destroySoon());
}

interface Spoilt {
  readonly pieces: readonly Uint8Array[];
  readonly then: "on" | "cut" | "reset";
}

/** What the fault makes of the bytes in one direction. */
class Spoiler {
  readonly #fault: LineFault | null;
  #offset = 0;
  #pieces = 0;
  #over = false;

  constructor(fault: LineFault | null) {
    this.#fault = fault;
  }

  spoil(chunk: Uint8Array): Spoilt {
    if (this.#over) return { pieces: [], then: "on" };
    const fault = this.#fault;
    const start = this.#offset;
    this.#offset += chunk.length;
    if (fault === null) return whole(chunk);
    if (fault.fault === "split") return { pieces: this.#split(chunk, fault.length), then: "on" };
    const at = fault.at - start;
    const [before, behind] = [chunk.subarray(0, Math.max(0, at)), chunk.subarray(Math.max(0, at))];
    switch (fault.fault) {
      case "cut":
      case "reset":
        if (at >= chunk.length) return whole(chunk);
        this.#over = true;
        return { pieces: [before], then: fault.fault };
      case "flip":
        return whole(at < 0 || at >= chunk.length ? chunk : flipped(chunk, at, fault.length % 8));
      case "drop": {
        const last = Math.max(0, at + fault.length);
        return at >= chunk.length ? whole(chunk) : whole(concat([before, chunk.subarray(last)]));
      }
      case "repeat":
        return at < 0 || at >= chunk.length
          ? whole(chunk)
          : whole(concat([before, behind.subarray(0, fault.length), behind]));
      case "insert":
        return at < 0 || at >= chunk.length
          ? whole(chunk)
          : whole(concat([before, noise(fault.length), behind]));
    }
  }

  #split(chunk: Uint8Array, length: number): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    let at = 0;
    while (at < chunk.length && this.#pieces < MAX_PIECES) {
      this.#pieces++;
      pieces.push(chunk.subarray(at, at += Math.max(1, length)));
    }
    return at < chunk.length ? [...pieces, chunk.subarray(at)] : pieces;
  }
}

function whole(bytes: Uint8Array): Spoilt {
  return { pieces: [bytes], then: "on" };
}

function flipped(bytes: Uint8Array, at: number, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = (copy[at] ?? 0) ^ (1 << bit);
  return copy;
}
