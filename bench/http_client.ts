// The load on the interface, by a process of its own: so many clients at once, each with a connection that it keeps.
// Started by api.ts.

import * as v from "valibot";
import { heard, orders as readOrders, say } from "./child.ts";
import { HttpConnection, type HttpTarget } from "./http_connection.ts";

/** What every client does, again and again. */
export type HttpJob =
  | { readonly kind: "get"; readonly path: string }
  /** A draft is made and sent: two requests. */
  | { readonly kind: "send"; readonly from: string; readonly to: string };

export interface HttpOrders {
  readonly target: HttpTarget;
  readonly token: string;
  readonly clients: number;
  readonly job: HttpJob;
  /** Before those that are counted. */
  readonly warmUp: number;
  readonly times: number;
}

const MADE = v.object({ id: v.number() });

/** Connections that are opened at once. */
const AT_ONCE = 16;

async function run({ target, token, clients, job, warmUp, times }: HttpOrders): Promise<void> {
  const connections: HttpConnection[] = [];
  let left = clients;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (left-- > 0) connections.push(await HttpConnection.open(target, token));
  }));
  await doAll(connections, job, warmUp);
  say("ready");
  await heard();
  const started = performance.now();
  const { latencies, bytes } = await doAll(connections, job, times);
  say({ seconds: (performance.now() - started) / 1000, latencies, bytes });
}

/** The milliseconds that each took, and the bytes of the bodies of all. */
async function doAll(
  connections: readonly HttpConnection[],
  job: HttpJob,
  times: number,
): Promise<{ readonly latencies: readonly number[]; readonly bytes: number }> {
  const latencies: number[] = [];
  let left = times;
  let bytes = 0;
  await Promise.all(connections.map(async (connection) => {
    while (left-- > 0) {
      const started = performance.now();
      // Not in one statement: others add theirs while this one waits.
      const got = await doOnce(connection, job);
      bytes += got;
      latencies.push(performance.now() - started);
    }
  }));
  return { latencies, bytes };
}

async function doOnce(connection: HttpConnection, job: HttpJob): Promise<number> {
  if (job.kind === "get") return (await connection.request("GET", job.path, 200)).size;
  return (await createAndSend(connection, job.from, [job.to])).size;
}

/** Makes a draft and sends it; `sentAt` is when it was asked to be sent, by `performance.now()`. */
export async function createAndSend(
  connection: HttpConnection,
  from: string,
  to: readonly string[],
): Promise<{ readonly size: number; readonly sentAt: number }> {
  const draft = {
    version: 1,
    from,
    to,
    topic: "bench",
    type: "text/plain;charset=UTF-8",
    size: BODY.length,
    data: BODY,
  };
  const created = await connection.request("POST", "/fmsg", 201, draft);
  const { id } = v.parse(MADE, JSON.parse(created.body));
  const sentAt = performance.now();
  const sent = await connection.request("POST", `/fmsg/${id}/send`, 200);
  return { size: created.size + sent.size, sentAt };
}

const BODY = "a message of the bench. ".repeat(5);

if (import.meta.main) {
  const orders: HttpOrders = JSON.parse(readOrders());
  await run(orders);
  Deno.exit(0);
}
