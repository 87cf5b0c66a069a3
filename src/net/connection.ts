// A TLS socket as a Connection: exact reads, deadlines, a floor for the rate, and an orderly end.

import type { TLSSocket } from "node:tls";
import { type Connection, type Pace, Terminate } from "../protocol/mod.ts";
import { canonicalIp } from "./ip.ts";

/** Bytes that wait to be read before the peer is held back, and the pieces they may come in, since each costs memory. */
const READ_AHEAD = 64 * 1024;
const MAX_PIECES = 256;

/** So much is only there when the runtime no longer holds peers back: no reason to let a stranger fill the memory. */
const MAX_BUFFERED = 1024 * 1024;

/** What is given to the socket at once, so that slow progress can be seen. */
const SLICE = 16 * 1024;

/**
 * What the system may send before it tells that anything moved: a third of its send buffer, which grows to several
 * MiB. So a receiver that is slow but steady seems to stand still for as long as this takes.
 */
const SEND_STEP = 2 * 1024 * 1024;

/** After the last byte: what a peer still sends is discarded, up to so much and so long (row T3). */
const LINGER_BYTES = 1024 * 1024;
const LINGER_MS = 2000;

export interface FlowLimits {
  /** Milliseconds of waiting without a byte. */
  readonly idleMs: number;
  /** Bytes a second, over a window of `idleMs` of waiting (longer for what we send, see `SEND_STEP`). */
  readonly minRate: number;
}

export class SocketConnection implements Connection {
  readonly peer: string;
  readonly local: string;
  readonly #socket: TLSSocket;
  readonly #tcp: Reading | null;
  readonly #limits: FlowLimits;
  readonly #chunks: Uint8Array[] = [];
  #buffered = 0;
  /** The peer is held back. */
  #held = false;
  /** A byte has come from the peer. */
  begun = false;
  #ended = false;
  #failure: Terminate | null = null;
  /** Who waits for the peer; whatever happens wakes all. */
  readonly #waiting = new Set<() => void>();
  #lost: AbortController | null = null;
  /** What a peer sends after our last byte; null before that. */
  #lingered: number | null = null;

  #pace: Pace = { kind: "wait" };
  #deadline = Infinity;
  /** The window over which a flow is judged: what flowed, and how long we waited for it. */
  #windowBytes = 0;
  #waitedMs = 0;
  #waitingSince = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;

  /** `peer` is given where it was learnt before: a socket that was reset meanwhile cannot tell it any more. */
  constructor(
    socket: TLSSocket,
    limits: FlowLimits,
    peer = canonicalIp(socket.remoteAddress ?? ""),
  ) {
    this.#socket = socket;
    this.#tcp = readingOf(socket);
    this.#limits = limits;
    this.peer = peer ?? "";
    this.local = canonicalIp(socket.localAddress ?? "") ?? "";
    socket.on("data", (chunk: Uint8Array) => this.#receive(chunk));
    socket.on("end", () => this.#end());
    socket.on("drain", () => this.#wake());
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
      if (this.#ended) return null;
      if (this.#failure !== null) throw this.#failure;
      await this.#wait();
    }
    const chunk = this.#chunks.shift() ?? null;
    this.#buffered -= chunk?.length ?? 0;
    if (!this.#full()) this.#letGo();
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
    for (let at = 0; at < bytes.length; at += SLICE) {
      if (this.#failure !== null) throw this.#failure;
      const slice = bytes.subarray(at, at + SLICE);
      this.#socket.write(slice);
      while (this.#socket.writableNeedDrain) {
        await this.#wait();
        if (this.#failure !== null) throw this.#failure;
      }
      this.#windowBytes += slice.length;
    }
  }

  expect(pace: Pace): void {
    const now = performance.now();
    this.#pace = pace;
    this.#windowBytes = 0;
    this.#waitedMs = 0;
    this.#waitingSince = now;
    switch (pace.kind) {
      case "wait":
        this.#deadline = Infinity;
        return;
      case "deadline":
        return this.#wakeAt(now + pace.ms);
      case "flow":
        return this.#wakeAt(now + this.#limits.idleMs);
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

  /** Tears the connection down: TERMINATE. `why` is what those are told who wait for it; a lost connection unless given. */
  destroy(why?: Terminate): void {
    if (why !== undefined) this.#fail(why);
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
    if (this.#full()) this.#hold();
    if (this.#buffered > MAX_BUFFERED) {
      this.destroy(new Terminate("connection lost", "the peer could not be held back"));
    }
    this.#wake();
  }

  #full(): boolean {
    return this.#buffered >= READ_AHEAD || this.#chunks.length >= MAX_PIECES;
  }

  #hold(): void {
    if (this.#held) return;
    this.#held = true;
    this.#tcp?.readStop();
  }

  #letGo(): void {
    if (!this.#held || this.#failure !== null) return;
    this.#held = false;
    this.#tcp?.readStart();
  }

  #linger(): void {
    this.#lingered = 0;
    this.#chunks.length = 0;
    this.#buffered = 0;
    this.#letGo();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.destroy(), LINGER_MS);
  }

  #end(): void {
    this.#ended = true;
    this.#lost?.abort(endedByPeer());
    this.#wake();
  }

  #closed(): void {
    clearTimeout(this.#timer);
    this.#fail(this.#ended ? endedByPeer() : new Terminate("connection lost"));
  }

  #fail(failure: Terminate): void {
    if (this.#failure === null) {
      this.#failure = failure;
      this.#lost?.abort(failure);
    }
    this.#wake();
  }

  #wait(): Promise<void> {
    if (this.#waiting.size === 0) this.#waitingSince = performance.now();
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  #wake(): void {
    if (this.#waiting.size === 0) return;
    this.#waitedMs += performance.now() - this.#waitingSince;
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /** One timer serves all deadlines: it is only started anew when it would ring too late. */
  #wakeAt(time: number): void {
    this.#deadline = time;
    if (this.#timerAt <= time || this.#failure !== null) return;
    clearTimeout(this.#timer);
    this.#timerAt = time;
    this.#timer = setTimeout(() => this.#ring(), Math.max(0, time - performance.now()));
  }

  #ring(): void {
    this.#timerAt = Infinity;
    const now = performance.now();
    if (now < this.#deadline) {
      if (this.#deadline < Infinity) this.#wakeAt(this.#deadline);
      return;
    }
    switch (this.#pace.kind) {
      case "wait":
        return;
      case "deadline":
        return this.destroy(new Terminate(this.#pace.reason));
      case "flow":
        return this.#judgeFlow(now);
    }
  }

  /** Only the time in which we waited for the peer counts: delays of our own are not its fault. */
  #judgeFlow(now: number): void {
    const { idleMs, minRate } = this.#limits;
    const sending = this.#socket.writableNeedDrain;
    const window = sending ? Math.max(idleMs, SEND_STEP / minRate * 1000) : idleMs;
    const waited = this.#waitedMs + (this.#waiting.size > 0 ? now - this.#waitingSince : 0);
    if (waited < window) return this.#wakeAt(now + window - waited);
    if (this.#windowBytes === 0) return this.destroy(new Terminate("idle"));
    if (this.#windowBytes < minRate * window / 1000) return this.destroy(new Terminate("too slow"));
    this.expect(this.#pace);
  }
}

/** The part of a TCP socket that holds its peer back. */
interface Reading {
  readStop(): void;
  readStart(): void;
}

/**
 * The TCP socket below a TLS socket. Pausing the TLS socket ends only its events: the runtime goes on reading from the
 * network and keeps what comes, without bound (Deno 2.9). So the TCP socket is told itself, by the way that the runtime
 * and Node both have inside; without it, `MAX_BUFFERED` ends the connection.
 */
function readingOf(socket: TLSSocket): Reading | null {
  const handle: unknown = Reflect.get(socket, "_handle");
  const tcp: unknown = isObject(handle) ? Reflect.get(handle, "_parent") : null;
  return isReading(tcp) ? tcp : null;
}

function isReading(value: unknown): value is Reading {
  return isObject(value) && typeof Reflect.get(value, "readStop") === "function" &&
    typeof Reflect.get(value, "readStart") === "function";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function endedByPeer(): Terminate {
  return new Terminate("connection lost", "the peer closed it");
}
