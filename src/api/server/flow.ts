// How fast a client sends and takes: one that keeps a request waiting for too long, or is too slow, is cut.

export interface FlowLimits {
  /** Milliseconds for which a client may do nothing while it is waited for. */
  readonly idleMs: number;
  /** Bytes a second that it sends or takes at least. */
  readonly minRate: number;
}

/** Bytes that are handed to the system at once: so many may be on their way, and are not counted yet. */
export const PIECE = 16 * 1024;

/** One request and its answer: the time for which its client was waited for, and what moved in it. */
export class Flow {
  /** Resolves when the answers to earlier requests on the connection are out, or the connection is gone. */
  readonly turn: Promise<void>;
  readonly #now: () => number;
  readonly #ended = Promise.withResolvers<void>();
  /** When the wait began that is going on. */
  #since: number | null = null;
  /** Milliseconds of earlier waits, and bytes that moved in them. */
  #waited = 0;
  #moved = 0;

  /** `now` is a clock in milliseconds that is never set. */
  constructor(now: () => number = () => performance.now(), before: Flow | null = null) {
    this.turn = before === null ? Promise.resolve() : before.#ended.promise;
    this.#now = now;
  }

  /** The answer is out, or nobody is there to take it. */
  end(): void {
    this.#ended.resolve();
  }

  /** Waits for the client; what resolves is the number of bytes that moved. */
  async wait(moving: Promise<number>): Promise<void> {
    this.#since = this.#now();
    try {
      this.#moved += await moving;
    } finally {
      this.#waited += this.#now() - this.#since;
      this.#since = null;
    }
  }

  /** Is the client too slow by now? */
  isStuck({ idleMs, minRate }: FlowLimits): boolean {
    if (this.#since === null) return false;
    const silent = this.#now() - this.#since;
    if (silent >= idleMs) return true;
    const waited = this.#waited + silent;
    if (waited < idleMs) return false;
    return this.#moved + PIECE < minRate * waited / 1000;
  }
}
