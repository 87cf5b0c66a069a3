// The WebSockets of clients that wait for events (FMSG-003 "WebSocket Events"): who is connected, and until when.

import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
// @ts-types="@types/ws"
// @ts-types="./ws.d.ts"
import { type WebSocket, WebSocketServer } from "ws";
import type { MessageChange } from "../../store/mod.ts";
import type { ApiContext } from "../context.ts";
import { ApiError } from "../error.ts";
import type { Identity } from "../identity/identity.ts";
import { Feed } from "./feed.ts";
import { eventFrame } from "./frame.ts";
import { SOCKET_LIMITS, type SocketLimits } from "./limits.ts";
import { CLOSE, Subscriber } from "./subscriber.ts";

/** How often it is looked who is due for a ping, within the time between two. */
const BEATS = 32;

export class EventSockets implements AsyncDisposable {
  readonly #context: EventContext;
  readonly #limits: SocketLimits;
  readonly #server: WebSocketServer;
  readonly #feed: Feed<Due>;
  /** Who may get events, by the keys of their addresses; the longest connected first. */
  readonly #audiences = new Map<string, Audience>();
  /** Those too that are closing. */
  readonly #open = new Set<Subscriber>();
  #timer: ReturnType<typeof setInterval> | null = null;
  /** When it was looked last, by `performance.now()`. */
  #lastBeat = 0;
  #stopping: Promise<void> | null = null;
  #tellEmpty: () => void = () => {};

  constructor(context: EventContext, limits: SocketLimits = SOCKET_LIMITS) {
    this.#context = context;
    this.#limits = limits;
    this.#feed = new Feed((due) => this.#tell(due));
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      // A deflater takes hundreds of KiB for each socket; an event has a few.
      perMessageDeflate: false,
      maxPayload: limits.frame,
      maxFragments: 16,
      maxBufferedChunks: 64,
      closeTimeout: limits.closeMs,
    });
    // With a listener the library answers nothing itself.
    this.#server.on("wsClientError", (error) => {
      throw new ApiError(400, `This is no WebSocket handshake: ${error.message}`, {
        "sec-websocket-version": "13",
      });
    });
  }

  /** Sockets that are not closed yet. */
  get count(): number {
    return this.#open.size;
  }

  /**
   * Takes a connection over whose request was authenticated and whose origin was checked. Throws an ApiError that is to
   * be answered on the socket: 400 when the request is no handshake, 503 when there are too many.
   */
  upgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Uint8Array,
    identity: Identity,
    ip: string,
  ): void {
    if (this.#stopping !== null) {
      throw new ApiError(503, "The host is stopping: try again in a while");
    }
    if (this.#open.size >= this.#limits.total) {
      throw new ApiError(503, "Too many clients wait for events: try again later", {
        "retry-after": "30",
      });
    }
    const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
    this.#server.handleUpgrade(
      request,
      socket,
      bytes,
      (ws) => this.#add(ws, socket, identity, ip),
    );
  }

  /** Tells those whom a change concerns, once whoever commits is not held up by it. */
  publish({ event, message, keys }: MessageChange): void {
    for (const key of keys) {
      const audience = this.#audiences.get(key);
      if (audience === undefined) continue;
      if (audience.waiting >= this.#limits.waiting) {
        // The stream is no log, but never has a gap that nobody is told of.
        this.#closeAll(audience, CLOSE.tryAgain, "too many events: list the messages");
        continue;
      }
      audience.waiting++;
      this.#feed.add({ audience, event, message });
    }
  }

  /** Some sessions were ended: closes the sockets of those at once. */
  sessionsEnded(): void {
    for (const subscriber of this.#open) {
      if (subscriber.identity.sessionId === null) continue;
      this.#guard(subscriber, () => subscriber.recheck());
    }
  }

  /** Tells everybody that the host goes away, and waits for a bounded time until they have agreed. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#stopping ??= this.#stop();
  }

  async #stop(): Promise<void> {
    await this.#feed[Symbol.asyncDispose]();
    const empty = new Promise<void>((resolve) => this.#tellEmpty = resolve);
    for (const subscriber of this.#open) {
      subscriber.close(CLOSE.goingAway, "the host stops: connect again in a while");
    }
    // Whoever does not agree is cut after `closeMs`.
    if (this.#open.size > 0) await empty;
    this.#server.close();
  }

  #add(ws: WebSocket, socket: Duplex, identity: Identity, ip: string): void {
    const { authenticator, log } = this.#context;
    const subscriber = new Subscriber(ws, socket, identity, ip, authenticator, this.#limits);
    const { key } = identity.address;
    const audience = this.#audiences.get(key) ??
      { address: identity.address, subscribers: new Set(), waiting: 0 };
    this.#audiences.set(key, audience);
    const [oldest] = audience.subscribers;
    if (oldest !== undefined && audience.subscribers.size >= this.#limits.each) {
      this.#leave(oldest);
      oldest.close(CLOSE.tryAgain, "this address has too many sockets: the oldest is closed");
    }
    audience.subscribers.add(subscriber);
    this.#open.add(subscriber);
    if (this.#timer === null) {
      this.#lastBeat = performance.now();
      this.#timer = setInterval(() => this.#beat(), Math.ceil(this.#limits.pingMs / BEATS));
    }
    log.debug("a client waits for events", { address: identity.address.text, peer: ip });
    ws.on("close", (code) => {
      this.#leave(subscriber);
      this.#open.delete(subscriber);
      if (this.#open.size === 0) this.#rest();
      log.debug("a client waits for events no longer", {
        address: identity.address.text,
        peer: ip,
        code,
        reason: subscriber.reason,
      });
    });
  }

  /** Gives it no more events. */
  #leave(subscriber: Subscriber): void {
    const { key } = subscriber.identity.address;
    const audience = this.#audiences.get(key);
    if (audience === undefined) return;
    audience.subscribers.delete(subscriber);
    if (audience.subscribers.size === 0) this.#audiences.delete(key);
  }

  #rest(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#tellEmpty();
  }

  #beat(): void {
    const now = performance.now();
    const stoodStill = now - this.#lastBeat > this.#limits.pingMs / 4;
    this.#lastBeat = now;
    // The pongs that came meanwhile are read first: otherwise everybody would be cut.
    if (stoodStill) return;
    for (const subscriber of this.#open) this.#guard(subscriber, () => subscriber.beat(now));
  }

  /** Sends one event to the sockets of one identity; the message is made once, as this identity sees it now. */
  #tell({ audience, event, message }: Due): void {
    audience.waiting--;
    if (audience.subscribers.size === 0) return;
    try {
      const frame = eventFrame(event, message, this.#context.mailbox(audience.address));
      if (frame === null) return;
      for (const subscriber of audience.subscribers) {
        this.#guard(subscriber, () => subscriber.send(frame));
      }
    } catch (error) {
      this.#context.log.error("an event could not be made", { message, error: String(error) });
      this.#closeAll(audience, CLOSE.internal, "an event was lost: list the messages");
    }
  }

  #closeAll(audience: Audience, code: number, reason: string): void {
    for (const subscriber of audience.subscribers) {
      this.#leave(subscriber);
      subscriber.close(code, reason);
    }
  }

  #guard(subscriber: Subscriber, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#context.log.error("a client's socket was closed", { error: String(error) });
      subscriber.close(CLOSE.internal, "internal error");
    }
  }
}

type EventContext = Pick<ApiContext, "authenticator" | "log" | "mailbox">;

/** The sockets of one identity. */
interface Audience {
  readonly address: Identity["address"];
  readonly subscribers: Set<Subscriber>;
  /** Events that are still to be sent to it. */
  waiting: number;
}

/** An event that is still to be sent. */
interface Due extends Pick<MessageChange, "event" | "message"> {
  readonly audience: Audience;
}
