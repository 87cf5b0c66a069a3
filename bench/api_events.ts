// Events of the interface: what idle sockets cost, and how soon a frame is there.

import * as v from "valibot";
import type { ApiBench } from "./api_setup.ts";
import type { EventOrders } from "./event_client.ts";
import { percentile, type Row, type Table } from "./result.ts";
import type { HostProcess } from "./host_process.ts";
import type { Scale } from "./scale.ts";
import type { Bench, Site } from "./setup.ts";

const OPEN = v.object({ open: v.number() });
const MEASURED = v.object({ latencies: v.array(v.number()), framesPerSecond: v.number() });

/** A fresh host for each row, since a process hardly gives memory back. */
export async function events(
  bench: Bench,
  api: Omit<ApiBench, "host">,
  site: Site,
  scale: Scale,
): Promise<Table> {
  const rows: Row[] = [];
  for (const sockets of scale.api.clients) {
    const host = await bench.startAgain(site);
    rows.push(await measure(bench, host, api, sockets, scale));
    await host[Symbol.asyncDispose]();
  }
  return {
    group: "events",
    title: "Events by WebSocket",
    columns: [
      { name: "p50 ms", digits: 1 },
      { name: "p99 ms", digits: 1 },
      { name: "frames/s", digits: 0 },
      { name: "at rest MiB", digits: 0 },
      { name: "held MiB", digits: 0 },
      { name: "idle CPU ms/s", digits: 1 },
      { name: "after MiB", digits: 0 },
    ],
    rows,
  };
}

/** Each socket is another user's. */
async function measure(
  bench: Bench,
  host: HostProcess,
  { target, users }: Omit<ApiBench, "host">,
  sockets: number,
  { api, settleMs }: Scale,
): Promise<Row> {
  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  await pause(settleMs);
  const rest = host.memory();
  const { events: messages, recipients, idleMs } = api;
  const orders: EventOrders = { target, users, sockets, messages, recipients };
  await using client = await bench.helper("./event_client.ts", orders);
  const { open } = v.parse(OPEN, await client.answer());
  if (open !== sockets) throw new Error(`${open} sockets are open, wanted ${sockets}`);
  await pause(settleMs);
  const held = host.memory();
  const before = host.cpu();
  await pause(idleMs);
  const idle = host.cpu();
  await client.go();
  const { latencies, framesPerSecond } = v.parse(MEASURED, await client.answer());
  const after = host.memory();
  await client.go();
  return {
    label: sockets === 1 ? "1 socket" : `${sockets.toLocaleString("en-US")} sockets`,
    values: {
      "p50 ms": percentile(latencies, 0.5),
      "p99 ms": percentile(latencies, 0.99),
      "frames/s": framesPerSecond,
      "at rest MiB": rest.now,
      "held MiB": held.now,
      "idle CPU ms/s": (idle.process - before.process) / idleMs * 1000,
      "after MiB": after.now,
    },
  };
}
