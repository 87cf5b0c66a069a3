// Clients that wait for events, in a process of their own: sockets on which nothing happens, and how long it takes from
// sending a message until the frame is there. Started by api_events.ts.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import * as v from "valibot";
// @ts-types="@types/ws"
// @ts-types="../src/api/events/ws.d.ts"
import { WebSocket } from "ws";
import { heard, orders as readOrders, say } from "./child.ts";
import { createAndSend } from "./http_client.ts";
import { HttpConnection, type HttpTarget } from "./http_connection.ts";

export interface EventOrders {
  readonly target: HttpTarget;
  /** A file with one line of JSON for each user: an address, and its token. */
  readonly users: string;
  readonly sockets: number;
  /** Messages that are sent one by one, each to one of those who wait. */
  readonly messages: number;
  /** How many of those who wait get each of further messages, which are as many. */
  readonly recipients: number;
}

const USERS = v.array(v.object({ address: v.string(), token: v.string() }));
const EVENT = v.object({ type: v.string(), data: v.object({ id: v.number() }) });

type User = v.InferOutput<typeof USERS>[number];

/** Handshakes under way at once. */
const AT_ONCE = 16;

async function run(orders: EventOrders): Promise<void> {
  const [sender, ...others] = v.parse(USERS, JSON.parse(readFileSync(orders.users, "utf8")));
  if (sender === undefined) throw new RangeError("The orders name no user");
  const waiting = await openAll(orders.target, others.slice(0, orders.sockets));
  say({ open: waiting.filter(({ isOpen }) => isOpen).length });
  await heard();
  using connection = await HttpConnection.open(orders.target, sender.token);
  say({
    latencies: await oneByOne(connection, sender, waiting, orders.messages),
    framesPerSecond: await toMany(connection, sender, waiting, orders),
  });
  // The host is looked at before its guests are gone.
  await heard();
}

async function openAll(target: HttpTarget, users: readonly User[]): Promise<Waiting[]> {
  const queue = users.values();
  const opened: Waiting[] = [];
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const user of queue) opened.push(await Waiting.open(target, user));
  }));
  return opened;
}

/** Milliseconds from asking for a message to be sent until its frame was there: its commit is between. */
async function oneByOne(
  connection: HttpConnection,
  sender: User,
  waiting: readonly Waiting[],
  messages: number,
): Promise<number[]> {
  const latencies: number[] = [];
  for (let i = 0; i < messages; i++) {
    const client = waiting[i * 7919 % waiting.length];
    if (client === undefined) break;
    const frame = client.next();
    const { sentAt } = await createAndSend(connection, sender.address, [client.address]);
    await frame;
    latencies.push(client.lastAt - sentAt);
  }
  return latencies;
}

/** Messages to many who wait, one after the other. */
async function toMany(
  connection: HttpConnection,
  sender: User,
  waiting: readonly Waiting[],
  { messages, recipients }: EventOrders,
): Promise<number> {
  const some = waiting.slice(0, recipients);
  const started = performance.now();
  for (let i = 0; i < messages; i++) {
    const frames = some.map((client) => client.next());
    await createAndSend(connection, sender.address, some.map(({ address }) => address));
    await Promise.all(frames);
  }
  return messages * some.length / (performance.now() - started) * 1000;
}

/** One who waits for events. */
class Waiting {
  #lastAt = 0;
  #tell: () => void = () => {};

  private constructor(private readonly socket: WebSocket, readonly address: string) {
    socket.on("error", () => {});
    socket.on("message", (data) => {
      this.#lastAt = performance.now();
      const { type } = v.parse(EVENT, JSON.parse(String(data)));
      if (type === "new_msg") this.#tell();
    });
  }

  static async open({ ip, port }: HttpTarget, { address, token }: User): Promise<Waiting> {
    const socket = new WebSocket(`ws://${ip}:${port}/fmsg/ws`, {
      headers: { authorization: `Bearer ${token}` },
      perMessageDeflate: false,
    });
    const client = new Waiting(socket, address);
    await once(socket, "open");
    return client;
  }

  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  /** When the last frame came, by `performance.now()`. */
  get lastAt(): number {
    return this.#lastAt;
  }

  /** Resolves with the next message. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#tell = resolve);
  }
}

if (import.meta.main) {
  const orders: EventOrders = JSON.parse(readOrders());
  await run(orders);
  Deno.exit(0);
}
