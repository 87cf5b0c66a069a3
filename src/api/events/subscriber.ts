// One socket of one identity: what is sent on it, and when it is closed.

import type { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
// @ts-types="@types/ws"
// @ts-types="./ws.d.ts"
import { WebSocket } from "ws";
import { ApiError } from "../error.ts";
import type { Authenticator } from "../identity/authenticator.ts";
import type { Identity } from "../identity/identity.ts";
import type { SocketLimits } from "./limits.ts";

/** How old the last look at an identity may be when an event is sent, in milliseconds. */
const CHECKED_MS = 1000;

/** Of RFC 6455, section 7.4.1; 4401 is the 401 of HTTP, as is the custom. */
export const CLOSE = {
  goingAway: 1001,
  refused: 1008,
  internal: 1011,
  tryAgain: 1013,
  unauthorized: 4401,
} as const;

export class Subscriber {
  /** Why this side ended it; null where the client did, or the network. */
  #reason: string | null = null;
  #nextPing: number;
  #answered = true;
  #checkedAt: number;
  #received = 0;

  constructor(
    private readonly ws: WebSocket,
    socket: Duplex,
    readonly identity: Identity,
    readonly ip: string,
    private readonly authenticator: Authenticator,
    private readonly limits: SocketLimits,
  ) {
    const now = performance.now();
    this.#checkedAt = now;
    // Clients that come back together after a restart are not all pinged in one moment.
    this.#nextPing = now + limits.pingMs * Math.random();
    ws.on("pong", () => this.#answered = true);
    // A frame against the protocol: the library closes the socket itself, by the codes of the protocol.
    ws.on("error", (error) => this.#reason ??= error.message);
    // Whatever a client sends costs time here; the least of frames has six bytes.
    socket.on("data", (bytes: Uint8Array) => this.#count(bytes.length));
  }

  get reason(): string | null {
    return this.#reason;
  }

  /** Sends a frame, unless the identity is no longer what it was or the client reads too slowly. */
  send(frame: Buffer): void {
    if (this.ws.readyState !== WebSocket.OPEN) return;
    // FMSG-003 "WebSocket isolation": authorized when the event is made, not only when the socket was opened.
    if (performance.now() - this.#checkedAt >= CHECKED_MS && !this.#check()) return;
    if (this.ws.bufferedAmount > this.limits.unsent) {
      this.cut("reads too slowly");
      return;
    }
    this.ws.send(frame, { binary: false });
  }

  /** Pings, checks and cuts, when it is time. */
  beat(now: number): void {
    if (now < this.#nextPing || this.ws.readyState !== WebSocket.OPEN) return;
    if (!this.#answered) {
      this.cut("did not answer a ping");
      return;
    }
    if (!this.#check()) return;
    this.#nextPing = now + this.limits.pingMs;
    this.#received = 0;
    this.#answered = false;
    this.ws.ping();
  }

  /** Sessions were ended: closes the socket if its own was. */
  recheck(): void {
    if (this.ws.readyState === WebSocket.OPEN) this.#check();
  }

  /** Closes the socket in order; the client has a bounded time to agree. */
  close(code: number, reason: string): void {
    this.#reason ??= reason;
    this.ws.close(code, reason);
  }

  /** Closes the connection at once. */
  cut(reason: string): void {
    this.#reason ??= reason;
    this.ws.terminate();
  }

  /** Is the identity still what it was? Closes the socket when not. */
  #check(): boolean {
    try {
      this.authenticator.recheck(this.identity, this.ip);
      this.#checkedAt = performance.now();
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.close(closeCodeOf(error), shortened(error.message));
      return false;
    }
  }

  #count(bytes: number): void {
    this.#received += bytes;
    if (this.#received > 2 * this.limits.received) this.cut("sends too much");
    else if (this.#received > this.limits.received) {
      this.close(CLOSE.refused, "sends too much: nothing but pongs is expected here");
    }
  }
}

function closeCodeOf({ status }: ApiError): number {
  switch (status) {
    case 401:
      return CLOSE.unauthorized;
    case 503:
      return CLOSE.tryAgain;
    default:
      return CLOSE.refused;
  }
}

/** A close frame has room for 123 bytes; messages here are ASCII but for addresses. */
function shortened(reason: string): string {
  const bytes = new TextEncoder().encode(reason);
  return bytes.length <= 123 ? reason : `${new TextDecoder().decode(bytes.subarray(0, 116))}...`;
}
