// A client that waits for events as programs do, by the library that they use.

import { once } from "node:events";
import * as v from "valibot";
// @ts-types="@types/ws"
// @ts-types="../../../src/api/events/ws.d.ts"
import { WebSocket } from "ws";
import { MESSAGE_ITEM } from "../../../src/api/message_schema.ts";
import { waitFor } from "../../support/wait.ts";

const EVENT = v.object({ type: v.string(), data: MESSAGE_ITEM });

export type Event = v.InferOutput<typeof EVENT>;

export interface Listening {
  readonly token?: string | null;
  /** With its question mark. */
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of a `wss:` server: the authority and the name of its certificate. */
  readonly tls?: { readonly ca: string; readonly servername: string };
}

export class ListeningClient implements AsyncDisposable {
  readonly events: Event[] = [];
  /** Pings that came. */
  pings = 0;
  /** How it ended; null while it is open. */
  closed: { readonly code: number; readonly reason: string } | null = null;
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data) => this.events.push(v.parse(EVENT, JSON.parse(String(data)))));
    socket.on("ping", () => this.pings++);
    socket.on("error", () => {});
    socket.on("close", (code, reason) => this.closed = { code, reason: String(reason) });
  }

  /** Resolves once the socket is open. Throws an Error with the status when the server refuses. */
  static async open(
    url: string,
    { token = null, query = "", headers = {}, tls }: Listening = {},
  ): Promise<ListeningClient> {
    const socket = new WebSocket(url + query, {
      headers: { ...token === null ? {} : { authorization: `Bearer ${token}` }, ...headers },
      ...tls,
    });
    const client = new ListeningClient(socket);
    await once(socket, "open");
    return client;
  }

  /** The first so many events, once they are there. */
  async first(count: number): Promise<readonly Event[]> {
    await waitFor(() => this.events.length >= count || this.closed !== null, {
      what: `${count} events`,
    });
    return this.events.slice(0, count);
  }

  /** The next event of a type, and of one message if that is told, that is there or comes. */
  async event(type: string, id?: number): Promise<Event> {
    return await waitFor(
      () => this.events.find((one) => one.type === type && (id ?? one.data.id) === one.data.id),
      { what: `${type} of ${id ?? "any message"}` },
    );
  }

  /** How it ended, once it has. */
  end(): Promise<{ readonly code: number; readonly reason: string }> {
    return waitFor(() => this.closed, { what: "the socket to be closed" });
  }

  send(data: string | Uint8Array): void {
    this.#socket.send(data);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.closed !== null) return;
    this.#socket.terminate();
    await this.end();
  }
}
