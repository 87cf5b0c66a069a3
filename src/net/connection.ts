// A TLS socket as a Connection: exact reads, deadlines, a floor for the rate, and an orderly end.

import type { TLSSocket } from "node:tls";
import { type Connection, type Pace, Terminate } from "../protocol/mod.ts";
import { canonicalIp } from "./ip.ts";

/** Bytes that wait to be read before the socket is paused. */
const READ_AHEAD = 64 * 1024;

/** After the last byte: what a peer still sends is discarded, up to so much and so long (row T3). */
const LINGER_BYTES = 1024 * 1024;
const LINGER_MS = 2000;

export interface FlowLimits {
  /** Milliseconds without a byte. */
  readonly idleMs: number;
  /** Bytes a second, over a window as long as `idleMs`. */
  readonly minRate: number;
}

export class SocketConnection implements Connection {
  readonly peer: string;
  readonly local: string;
  readonly #socket: TLSSocket;
  readonly #limits: FlowLimits;
  readonly #chunks: Uint8Array[] = [];
  #buffered = 0;
  /** A byte has come from the peer. */
  begun = false;
  #ended = false;
  #failure: Terminate | null = null;
  #wakeReader: (() => void) | null = null;
  #wakeWriter: (() => void) | null = null;
  #lost: AbortController | null = null;
  /** What a peer sends after our last byte; null before that. */
  #lingered: number | null = null;

  #pace: Pace = { kind: "wait" };
  #deadline = Infinity;
  #windowBytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;

  constructor(socket: TLSSocket, limits: FlowLimits) {
    this.#socket = socket;
    this.#limits = limits;
    this.peer = canonicalIp(socket.remoteAddress ?? "") ?? "";
    this.local = canonicalIp(socket.localAddress ?? "") ?? "";
    socket.on("data", (chunk: Uint8Array) => this.#receive(chunk));
    socket.on("end", () => this.#end());
    socket.on("drain", () => this.#wakeWriter?.());
    socket.on(
      "error",
      (error: Error) => this.#fail(new Terminate("connection lost", error.message)),
    );
    socket.on("close", () => this.#closed());
  }

  get lost(): AbortSignal {
    if (this.#lost === null) {
      this.#lost = new AbortController();
      if (this.#failure !== null) this.#lost.abort(this.#failure);
      else if (this.#ended) this.#lost.abort(endedByPeer());
    }
    return this.#lost.signal;
  }

  async readSome(): Promise<Uint8Array | null> {
    while (this.#chunks.length === 0) {
      if (this.#failure !== null) throw this.#failure;
      if (this.#ended) return null;
      await new Promise<void>((resolve) => this.#wakeReader = resolve);
      this.#wakeReader = null;
    }
    const chunk = this.#chunks.shift() ?? null;
    this.#buffered -= chunk?.length ?? 0;
    if (this.#buffered < READ_AHEAD && this.#socket.isPaused()) this.#socket.resume();
    return chunk;
  }

  async read(length: number): Promise<Uint8Array> {
    const whole = new Uint8Array(length);
    let at = 0;
    while (at < length) {
      const chunk = await this.readSome();
      if (chunk === null) throw endedByPeer();
      const piece = chunk.subarray(0, length - at);
      whole.set(piece, at);
      at += piece.length;
      if (piece.length < chunk.length) this.unread(chunk.subarray(piece.length));
    }
    return whole;
  }

  unread(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.unshift(bytes);
    this.#buffered += bytes.length;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    const ready = this.#socket.write(bytes);
    this.#windowBytes += bytes.length;
    if (ready) return;
    await new Promise<void>((resolve) => this.#wakeWriter = resolve);
    this.#wakeWriter = null;
    if (this.#failure !== null) throw this.#failure;
  }

  expect(pace: Pace): void {
    this.#pace = pace;
    this.#windowBytes = 0;
    switch (pace.kind) {
      case "wait":
        this.#deadline = Infinity;
        return;
      case "deadline":
        return this.#wakeAt(Date.now() + pace.ms);
      case "flow":
        return this.#wakeAt(Date.now() + this.#limits.idleMs);
    }
  }

  finish(last: Uint8Array): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    this.expect({ kind: "wait" });
    this.#socket.end(last);
    this.#linger();
    return Promise.resolve();
  }

  /** Ends the connection in order, once nothing more is to be said or heard. */
  close(): void {
    if (this.#failure !== null || this.#lingered !== null) return;
    this.expect({ kind: "wait" });
    this.#socket.end();
    this.#linger();
  }

  /** Tears the connection down: TERMINATE. */
  destroy(): void {
    clearTimeout(this.#timer);
    this.#socket.destroy();
  }

  #receive(chunk: Uint8Array): void {
    if (this.#lingered !== null) {
      this.#lingered += chunk.length;
      if (this.#lingered > LINGER_BYTES) this.destroy();
      return;
    }
    this.begun = true;
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    this.#windowBytes += chunk.length;
    if (this.#buffered >= READ_AHEAD) this.#socket.pause();
    this.#wakeReader?.();
  }

  #linger(): void {
    this.#lingered = 0;
    this.#chunks.length = 0;
    if (this.#ended) return;
    if (this.#socket.isPaused()) this.#socket.resume();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.destroy(), LINGER_MS);
  }

  #end(): void {
    this.#ended = true;
    this.#lost?.abort(endedByPeer());
    this.#wakeReader?.();
  }

  #closed(): void {
    clearTimeout(this.#timer);
    this.#fail(new Terminate("connection lost"));
  }

  #fail(failure: Terminate): void {
    if (this.#failure === null) {
      this.#failure = failure;
      this.#lost?.abort(failure);
    }
    this.#wakeReader?.();
    this.#wakeWriter?.();
  }

  /** One timer serves all deadlines: it is only started anew when it would ring too late. */
  #wakeAt(time: number): void {
    this.#deadline = time;
    if (this.#timerAt <= time || this.#failure !== null) return;
    clearTimeout(this.#timer);
    this.#timerAt = time;
    this.#timer = setTimeout(() => this.#ring(), Math.max(0, time - Date.now()));
  }

  #ring(): void {
    this.#timerAt = Infinity;
    const now = Date.now();
    if (now < this.#deadline) {
      if (this.#deadline < Infinity) this.#wakeAt(this.#deadline);
      return;
    }
    const reason = this.#late();
    if (reason === null) return this.expect(this.#pace);
    this.#fail(new Terminate(reason));
    this.destroy();
  }

  /** Why the peer is to be cut off, now that the time is over; null when it kept the pace. */
  #late():
    | "idle"
    | "too slow"
    | "header not in time"
    | "answer not in time"
    | "challenge not answered"
    | null {
    switch (this.#pace.kind) {
      case "wait":
        return null;
      case "deadline":
        return this.#pace.reason;
      case "flow": {
        // While nobody here waits for the peer, the delay is ours.
        if (this.#wakeReader === null && this.#wakeWriter === null) return null;
        if (this.#windowBytes === 0) return "idle";
        const floor = this.#limits.minRate * this.#limits.idleMs / 1000;
        return this.#windowBytes < floor ? "too slow" : null;
      }
    }
  }
}

function endedByPeer(): Terminate {
  return new Terminate("connection lost", "the peer closed it");
}
