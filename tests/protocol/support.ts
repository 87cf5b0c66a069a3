// What stands in for the network in tests of the exchange: connections in memory under simulated time. The clock moves
// only while every task waits, so that nothing depends on the speed of the machine.

import { type Connection, type Pace, Terminate } from "../../src/protocol/mod.ts";
import { concat } from "../../src/wire/mod.ts";

/** Simulated time in milliseconds, and the tasks that run in it. */
export class Simulation {
  #now = 0;
  #events: { readonly at: number; readonly action: () => void }[] = [];
  #busy = 0;
  #checking = false;
  readonly #waits = new Set<() => void>();

  get now(): number {
    return this.#now;
  }

  /** Runs a task. Whatever it awaits is taken for work, unless it waits by `wait`. */
  async run<Result>(task: () => Promise<Result>): Promise<Result> {
    this.#busy++;
    try {
      return await task();
    } finally {
      this.#busy--;
      this.#check();
    }
  }

  /** Waits until `wake` is called; an Error when nothing is left that could call it. */
  async wait(start: (wake: () => void) => void): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const end = (settle: () => void): void => {
      if (!this.#waits.delete(stuck)) return;
      this.#busy++;
      settle();
    };
    const stuck = (): void => end(() => reject(new Error("Nothing will ever wake this task")));
    this.#waits.add(stuck);
    this.#busy--;
    start(() => end(resolve));
    this.#check();
    await promise;
  }

  sleep(ms: number): Promise<void> {
    return this.wait((wake) => this.after(ms, wake));
  }

  /** Does something later; the function that is given back prevents it. */
  after(ms: number, action: () => void): () => void {
    const event = { at: this.#now + ms, action };
    const next = this.#events.findIndex(({ at }) => at > event.at);
    this.#events.splice(next < 0 ? this.#events.length : next, 0, event);
    return () => {
      this.#events = this.#events.filter((other) => other !== event);
    };
  }

  #check(): void {
    if (this.#checking) return;
    this.#checking = true;
    queueMicrotask(() => {
      this.#checking = false;
      if (this.#busy > 0 || this.#waits.size === 0) return;
      const event = this.#events.shift();
      if (event === undefined) {
        for (const stuck of [...this.#waits]) stuck();
        return;
      }
      this.#now = event.at;
      event.action();
      this.#check();
    });
  }
}

/** How bytes travel in one direction. */
export interface Link {
  /** Milliseconds until a piece arrives. */
  readonly delay: () => number;
  /** Bytes that travel together. */
  readonly pieceSize: () => number;
  /** The connection breaks once so many bytes have passed. */
  readonly cutAfter: number;
}

export const PLAIN_LINK: Link = {
  delay: () => 0,
  pieceSize: () => Infinity,
  cutAfter: Infinity,
};

/** Bytes on their way or unread before a writer has to wait, and the longest pause in a flow. */
const WINDOW = 64 * 1024;
const IDLE_MS = 10_000;

/** One end of a connection in memory. */
export class MemoryConnection implements Connection {
  readonly #simulation: Simulation;
  readonly #link: Link;
  #other: MemoryConnection | null = null;
  readonly #inbox: Uint8Array[] = [];
  readonly #lost = new AbortController();
  #failure: Terminate | null = null;
  #peerEnded = false;
  #closed = false;
  #pace: Pace = { kind: "wait" };
  #cancelDeadline = (): void => {};
  #wakeReader = (): void => {};
  #wakeWriter = (): void => {};
  #lastArrival = 0;
  #passed = 0;
  #outstanding = 0;

  /** All bytes written on this end. */
  readonly sent: number[] = [];
  /** How many bytes were read on this end and not given back. */
  taken = 0;
  /** The paces asked for, in their order. */
  readonly paces: string[] = [];

  private constructor(
    simulation: Simulation,
    readonly local: string,
    readonly peer: string,
    link: Link,
  ) {
    this.#simulation = simulation;
    this.#link = link;
  }

  /** Both ends of a connection; `there` and `back` are the ways from the first end and to it. */
  static pair(
    simulation: Simulation,
    [first, second]: readonly [string, string],
    there = PLAIN_LINK,
    back = PLAIN_LINK,
  ): [MemoryConnection, MemoryConnection] {
    const a = new MemoryConnection(simulation, first, second, there);
    const b = new MemoryConnection(simulation, second, first, back);
    a.#other = b;
    b.#other = a;
    return [a, b];
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async readSome(): Promise<Uint8Array | null> {
    for (;;) {
      const chunk = this.#inbox.shift();
      if (chunk !== undefined) {
        this.taken += chunk.length;
        this.#tell((other) => other.#drained(chunk.length));
        return chunk;
      }
      if (this.#failure !== null) throw this.#failure;
      if (this.#peerEnded) return null;
      await this.#block((wake) => this.#wakeReader = wake);
    }
  }

  async read(length: number): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    for (let left = length; left > 0;) {
      const chunk = await this.readSome();
      if (chunk === null) throw new Terminate("connection lost", "the peer closed it");
      const piece = chunk.subarray(0, left);
      if (piece.length < chunk.length) this.unread(chunk.subarray(left));
      pieces.push(piece);
      left -= piece.length;
    }
    return concat(pieces);
  }

  unread(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.taken -= bytes.length;
    this.#inbox.unshift(bytes);
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    this.sent.push(...bytes);
    for (let at = 0; at < bytes.length;) {
      const piece = bytes.slice(at, at + Math.max(1, this.#link.pieceSize()));
      this.#transmit(piece);
      at += piece.length;
    }
    while (this.#outstanding > WINDOW && this.#failure === null) {
      await this.#block((wake) => this.#wakeWriter = wake);
    }
    if (this.#failure !== null) throw this.#failure;
  }

  expect(pace: Pace): void {
    this.paces.push(pace.kind === "deadline" ? pace.reason : pace.kind);
    this.#pace = pace;
    this.#cancelDeadline();
    if (pace.kind === "deadline") {
      this.#cancelDeadline = this.#simulation.after(pace.ms, () => this.#cutOff(pace.reason));
    }
  }

  async finish(last: Uint8Array): Promise<void> {
    await this.write(last);
    this.close();
  }

  /** The end of what this end sends, while it goes on reading. */
  end(): void {
    this.#arrive((other) => other.#end());
  }

  /** An orderly end; what the peer still sends is discarded. */
  close(): void {
    if (this.#closed || this.#failure !== null) return;
    this.#closed = true;
    this.#cancelDeadline();
    this.end();
  }

  /** Tears the connection down. */
  destroy(): void {
    if (this.#failure !== null) return;
    this.#fail(new Terminate("connection lost", "torn down on this side"));
    this.#arrive((other) => other.#fail(new Terminate("connection lost")));
  }

  #cutOff(reason: "idle" | Extract<Pace, { kind: "deadline" }>["reason"]): void {
    this.#fail(new Terminate(reason));
    this.#arrive((other) => other.#fail(new Terminate("connection lost")));
  }

  #transmit(piece: Uint8Array): void {
    const room = this.#link.cutAfter - this.#passed;
    if (room <= 0) return;
    const passing = piece.subarray(0, room);
    this.#passed += passing.length;
    this.#outstanding += passing.length;
    this.#arrive((other) => other.#receive(passing));
    if (piece.length <= room) return;
    this.#arrive((other) => {
      other.#fail(new Terminate("connection lost", "cut"));
      this.#fail(new Terminate("connection lost", "cut"));
    });
  }

  /** Does something at the other end, after all that is on its way there. */
  #arrive(action: (other: MemoryConnection) => void): void {
    const { now } = this.#simulation;
    this.#lastArrival = Math.max(this.#lastArrival, now + this.#link.delay());
    this.#simulation.after(this.#lastArrival - now, () => this.#tell(action));
  }

  #tell(action: (other: MemoryConnection) => void): void {
    if (this.#other !== null) action(this.#other);
  }

  #receive(piece: Uint8Array): void {
    if (this.#closed || this.#failure !== null) {
      return this.#tell((other) => other.#drained(piece.length));
    }
    this.#inbox.push(piece);
    this.#wakeReader();
  }

  #drained(length: number): void {
    this.#outstanding -= length;
    this.#wakeWriter();
  }

  #end(): void {
    this.#peerEnded = true;
    this.#lost.abort(new Terminate("connection lost", "the peer closed it"));
    this.#wakeReader();
  }

  #fail(failure: Terminate): void {
    if (this.#failure !== null) return;
    this.#failure = failure;
    this.#cancelDeadline();
    this.#lost.abort(failure);
    this.#wakeReader();
    this.#wakeWriter();
  }

  async #block(start: (wake: () => void) => void): Promise<void> {
    const cancel = this.#pace.kind === "flow"
      ? this.#simulation.after(IDLE_MS, () => this.#cutOff("idle"))
      : null;
    try {
      await this.#simulation.wait(start);
    } finally {
      cancel?.();
    }
  }
}
