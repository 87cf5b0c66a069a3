// The connections of the interface: how many there may be, and how long they may do nothing.

import type { Socket } from "node:net";
import { sourceKey } from "../../net/mod.ts";
import { Flow, type FlowLimits } from "./flow.ts";

/** What no client gets past; fixed, but for tests. */
export interface ConnectionBounds {
  /** Connections of all clients together. */
  readonly total: number;
  /** Of one address (or /64). */
  readonly perAddress: number;
  /** Requests that a client may send before it has the answer to the first of them. */
  readonly pipelined: number;
  /** From the first byte of a request to the end of its headers, in milliseconds. */
  readonly headerMs: number;
  /** From accepting a connection to its first request, the handshake of TLS included. */
  readonly firstRequestMs: number;
  /** For which a connection is kept between two requests. */
  readonly keepAliveMs: number;
}

export const CONNECTION_BOUNDS: ConnectionBounds = {
  // A host's memory and file descriptors are for more.
  total: 4096,
  // An office behind one router, each with an app and a browser.
  perAddress: 256,
  pipelined: 16,
  headerMs: 10_000,
  // A little longer, so that headers that are late are told so.
  firstRequestMs: 12_000,
  // Longer than proxies keep theirs: whoever closes first loses no request.
  keepAliveMs: 75_000,
};

const SWEEP_MS = 500;

/** What is going on on a connection besides requests: nothing yet, nothing any more, or events for as long as it lasts. */
type Phase = "new" | "idle" | "events";

export interface Connection {
  /** Of the TCP socket; canonical. */
  readonly peer: string;
  readonly socket: Socket;
  phase: Phase;
  /** When the phase began, as of `performance.now()`. */
  since: number;
  /** Of the requests that are under way. */
  readonly flows: Set<Flow>;
  /** Is an answer on its way, or one due to a request that came whole? */
  answering: boolean;
  /** What comes behind a request with a faulty head may be no request at all: it is not looked at. */
  isRefused: boolean;
}

export interface ConnectionLimits {
  /** Asked at every look, since they may change. */
  readonly flow: () => FlowLimits;
  /** Does an address stand for many clients? Then only the total bounds its connections. */
  readonly standsForMany: (peer: string) => boolean;
}

export class Connections implements Disposable {
  readonly #limits: ConnectionLimits;
  readonly #bounds: ConnectionBounds;
  readonly #open = new Map<Socket, Connection>();
  readonly #perSource = new Map<string, number>();
  readonly #timer: ReturnType<typeof setInterval>;
  #sweptAt = performance.now();
  /** Was the last look left out? Two are not, one after the other. */
  #leftOut = false;

  constructor(limits: ConnectionLimits, bounds: ConnectionBounds) {
    this.#limits = limits;
    this.#bounds = bounds;
    this.#timer = setInterval(() => this.#sweep(), SWEEP_MS);
  }

  get size(): number {
    return this.#open.size;
  }

  /** Takes note of a TCP connection before a byte of it is read; null: there are too many. */
  admit(socket: Socket, peer: string): Connection | null {
    if (this.#open.size >= this.#bounds.total) return null;
    const source = sourceKey(peer);
    const fromSource = this.#perSource.get(source) ?? 0;
    if (fromSource >= this.#bounds.perAddress && !this.#limits.standsForMany(peer)) return null;
    const connection: Connection = {
      peer,
      socket,
      phase: "new",
      since: performance.now(),
      flows: new Set(),
      answering: false,
      isRefused: false,
    };
    this.#open.set(socket, connection);
    this.#perSource.set(source, fromSource + 1);
    socket.once("close", () => {
      this.#open.delete(socket);
      for (const flow of connection.flows) flow.end();
      const left = (this.#perSource.get(source) ?? 1) - 1;
      if (left > 0) this.#perSource.set(source, left);
      else this.#perSource.delete(source);
    });
    return connection;
  }

  of(socket: Socket): Connection | null {
    return this.#open.get(socket) ?? null;
  }

  /** A request begins; null: too many are under way on this connection. */
  begin({ flows }: Connection): Flow | null {
    if (flows.size >= this.#bounds.pipelined) return null;
    const flow = new Flow(undefined, [...flows].at(-1) ?? null);
    flows.add(flow);
    return flow;
  }

  /** A request ends, and this is what the connection is for from now on. */
  end(connection: Connection, flow: Flow, phase: Phase): void {
    connection.flows.delete(flow);
    flow.end();
    if (connection.flows.size === 0) connection.answering = false;
    connection.phase = phase;
    connection.since = performance.now();
  }

  /** Ends the connections on which nothing is under way. */
  endIdle(): void {
    for (const { socket, phase, flows } of this.#open.values()) {
      if (phase !== "events" && flows.size === 0) socket.destroy();
    }
  }

  endAll(): void {
    for (const socket of this.#open.keys()) socket.destroy();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.endAll();
  }

  #sweep(): void {
    const now = performance.now();
    const stoodStill = now - this.#sweptAt > 4 * SWEEP_MS && !this.#leftOut;
    this.#sweptAt = now;
    this.#leftOut = stoodStill;
    // What came meanwhile is read first: otherwise clients would be cut for what the host did.
    if (stoodStill) return;
    const limits = this.#limits.flow();
    for (const { socket, phase, since, flows } of this.#open.values()) {
      const isOver = flows.size === 0
        ? now - since > this.#patience(phase)
        : flows.values().some((flow) => flow.isStuck(limits));
      if (isOver) socket.destroy();
    }
  }

  /** Milliseconds for which nothing may be under way. */
  #patience(phase: Phase): number {
    switch (phase) {
      case "new":
        return this.#bounds.firstRequestMs;
      case "idle":
        return this.#bounds.keepAliveMs;
      case "events":
        return Infinity;
    }
  }
}
