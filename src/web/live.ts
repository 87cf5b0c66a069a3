// The WebSocket: events as they come, another connection when one ends, and a catching up by lists whenever something may
// have been missed (FMSG-003 "WebSocket Events": the stream is no log).

import type { EventJson } from "../api/client_types.ts";

export type Connection = "live" | "connecting" | "offline";

export interface LiveParts {
  readonly onEvent: (event: EventJson) => void;
  readonly onConnection: (connection: Connection) => void;
  /** Reads the lists anew. What it throws counts as a connection that failed. */
  readonly catchUp: () => Promise<void>;
  /** The host says that the session is over. Nothing more is tried until `again`. */
  readonly onEnded: () => void;
}

/** How the host closes the socket of a session that ended (docs/api.md). */
const ENDED = 4401;

const CONNECT_DEADLINE = 15_000;
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 60_000;
/** Milliseconds between looks at the clock: a look that comes much later than this was slept through. */
const TICK = 10_000;
/**
 * A page does not see the host's pings, and a connection can be dead for many minutes without its being told. So after so
 * many milliseconds without an event the lists are read; where that fails the connection is taken for lost.
 */
const SILENCE = 300_000;
/** Milliseconds unseen after which there is another connection when the page is seen again. */
const AWAY = 60_000;

export class Live {
  readonly #parts: LiveParts;
  readonly #stopping = new AbortController();
  #socket: WebSocket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #tries = 0;
  #heard = Date.now();
  #ticked = Date.now();
  #hidden: number | null = null;

  constructor(parts: LiveParts) {
    this.#parts = parts;
    const { signal } = this.#stopping;
    addEventListener("online", () => this.again(), { signal });
    addEventListener("offline", () => this.#lost(), { signal });
    // A page that comes back out of the browser's memory has no connection any more.
    addEventListener("pageshow", (event) => {
      if (event instanceof PageTransitionEvent && event.persisted) this.again();
    }, { signal });
    document.addEventListener("visibilitychange", () => this.#seen(), { signal });
    const ticking = setInterval(() => this.#tick(), TICK);
    signal.addEventListener("abort", () => clearInterval(ticking));
    this.#connect();
  }

  /** For good. */
  stop(): void {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    this.#drop();
  }

  #connect(): void {
    clearTimeout(this.#timer);
    this.#drop();
    this.#parts.onConnection(navigator.onLine ? "connecting" : "offline");
    // `online` tells when it is worth trying.
    if (!navigator.onLine) return;
    const url = new URL("/fmsg/ws", location.href);
    url.protocol = url.protocol === "http:" ? "ws:" : "wss:";
    const socket = new WebSocket(url);
    this.#socket = socket;
    const late = setTimeout(() => this.#isCurrent(socket) && this.#lost(), CONNECT_DEADLINE);
    let opened = false;
    socket.onopen = () => {
      clearTimeout(late);
      opened = true;
      if (this.#isCurrent(socket)) void this.#opened(socket);
    };
    socket.onmessage = ({ data }) => {
      if (!this.#isCurrent(socket)) return;
      this.#heard = Date.now();
      const event = eventIn(data);
      if (event !== null) this.#parts.onEvent(event);
    };
    socket.onclose = ({ code }) => {
      clearTimeout(late);
      if (!this.#isCurrent(socket)) return;
      if (code === ENDED) this.#parts.onEnded();
      // Why a socket was refused is told to no page, and a request tells whether the session ended.
      else if (opened) this.#lost();
      else this.#lost({ ask: true });
    };
  }

  /** Events come from now on; what came before is in the lists. */
  async #opened(socket: WebSocket): Promise<void> {
    this.#heard = Date.now();
    if (!await this.#caughtUp() || !this.#isCurrent(socket)) return;
    this.#tries = 0;
    this.#parts.onConnection("live");
  }

  async #caughtUp(): Promise<boolean> {
    try {
      await this.#parts.catchUp();
      return true;
    } catch {
      // Refused for now, or no network: the same pause as after a connection that broke.
      if (!this.#stopping.signal.aborted) this.#lost();
      return false;
    }
  }

  /** `ask`: whether the host answers, before the next socket. */
  #lost({ ask = false } = {}): void {
    this.#drop();
    clearTimeout(this.#timer);
    this.#parts.onConnection("offline");
    if (!navigator.onLine) return;
    const again = async (): Promise<void> => {
      if (ask && !await this.#caughtUp()) return;
      if (!this.#stopping.signal.aborted && this.#socket === null) this.#connect();
    };
    this.#timer = setTimeout(again, pauseAfter(this.#tries++, Math.random()));
  }

  /** Connects anew, at once. */
  again(): void {
    this.#tries = 0;
    this.#connect();
  }

  #seen(): void {
    if (document.visibilityState === "hidden") {
      this.#hidden = Date.now();
      return;
    }
    const away = this.#hidden === null ? 0 : Math.abs(Date.now() - this.#hidden);
    this.#hidden = null;
    if (this.#socket === null) this.again();
    // It may have died while the page slept, and nothing tells.
    else if (away > AWAY) this.again();
  }

  #tick(): void {
    const now = Date.now();
    const slept = now - this.#ticked > 3 * TICK && document.visibilityState === "visible";
    this.#ticked = now;
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    if (slept) return this.again();
    // Clocks are set back, too.
    if (Math.abs(now - this.#heard) < SILENCE) return;
    this.#heard = now;
    if (document.visibilityState === "visible") void this.#caughtUp();
  }

  #isCurrent(socket: WebSocket): boolean {
    return this.#socket === socket;
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }
}

/**
 * Milliseconds until the next try after `tries` that failed: twice as long each time, and by up to a half shorter, so that
 * all pages do not come at once when a host is back. `random` is in [0, 1).
 */
export function pauseAfter(tries: number, random: number): number {
  const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(tries, 10));
  return pause * (1 - random / 2);
}

/** null for what is not understood: other types may come (FMSG-003 "Frames and Events"). */
export function eventIn(data: unknown): EventJson | null {
  if (typeof data !== "string") return null;
  try {
    const event: EventJson | null = JSON.parse(data);
    switch (event?.type) {
      case "new_msg":
      case "delivered":
      case "recipients_added":
        return Number.isSafeInteger(event.data?.id) ? event : null;
      default:
        return null;
    }
  } catch {
    return null;
  }
}
