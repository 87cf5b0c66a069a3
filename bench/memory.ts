// Resident memory of a host: at rest, under load, and with connections on which nothing happens. And how fast it starts.

import * as v from "valibot";
import { attachmentLoad } from "./accept.ts";
import type { HostProcess, Memory } from "./host_process.ts";
import type { IdleOrders } from "./idle_client.ts";
import { type Load, load } from "./load.ts";
import type { Row, Table } from "./result.ts";
import type { Scale } from "./scale.ts";
import type { Bench, Site } from "./setup.ts";
import { waitForSockets } from "./sockets.ts";

const MIB = 1024 * 1024;

const OPEN = v.object({ open: v.number() });

/** A fresh host for each row, since a process hardly gives memory back. */
export async function memory(bench: Bench, scale: Scale): Promise<Table> {
  const site = await bench.site("b.test");
  const sender = await bench.site("a.test");
  const small = { senders: 16, messages: scale.messages.many, attachment: 0 };
  const large = attachmentLoad(8 * MIB, 4, scale);
  const rows: Row[] = [
    await underLoad(bench, site, sender, "small messages, 16 senders", small, scale),
    await underLoad(bench, site, sender, "8 MiB attachments, 4 senders", large, scale),
    await idleConnections(bench, site, sender, scale),
  ];
  return {
    group: "memory",
    title: "Resident memory",
    columns: [
      { name: "at rest MiB", digits: 0 },
      { name: "peak MiB", digits: 0 },
      { name: "after MiB", digits: 0 },
      { name: "after - at rest", digits: 0 },
    ],
    rows,
  };
}

async function underLoad(
  bench: Bench,
  site: Site,
  sender: Site,
  label: string,
  what: Load,
  scale: Scale,
): Promise<Row> {
  const host = await bench.start(site, { challenge: "always" });
  const atRest = await settled(host, scale);
  await load(bench, host, sender, what, scale);
  const row = memoryRow(label, atRest, await settled(host, scale));
  await host[Symbol.asyncDispose]();
  return row;
}

async function idleConnections(
  bench: Bench,
  site: Site,
  sender: Site,
  scale: Scale,
): Promise<Row> {
  const connections = scale.idleConnections;
  const most = 2 * connections;
  const host = await bench.start(site, {
    limits: { max_connections: most, max_connections_per_ip: most, header_timeout: "10m" },
  });
  const atRest = await settled(host, scale);
  await waitForSockets(scale.timeWait);
  const orders: IdleOrders = {
    peer: { from: sender.ip, ip: site.ip, port: bench.port, serverName: `fmsg.${site.domain}` },
    connections,
  };
  await using client = await bench.helper("./idle_client.ts", orders);
  await client.answer();
  const held = await settled(host, scale);
  await client.go();
  const { open } = v.parse(OPEN, await client.answer());
  if (open !== connections) throw new Error(`${open} connections were held, wanted ${connections}`);
  await host[Symbol.asyncDispose]();
  return memoryRow(`${connections} idle connections held`, atRest, held);
}

function memoryRow(label: string, atRest: Memory, after: Memory): Row {
  return {
    label,
    values: {
      "at rest MiB": atRest.now,
      "peak MiB": after.peak,
      "after MiB": after.now,
      "after - at rest": after.now - atRest.now,
    },
  };
}

/** The memory once the process has come to rest. */
async function settled(host: HostProcess, { settleMs }: Scale): Promise<Memory> {
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  return host.memory();
}

/** From starting the process until it tells that it listens. */
export async function start(bench: Bench, _scale: Scale): Promise<Table> {
  const site = await bench.site("b.test");
  bench.configure(site);
  const rows: Row[] = [];
  for (const label of ["without a store", "with a store"]) {
    const host = await bench.startAgain(site);
    rows.push({ label, values: { "ms": host.startMs, "CPU ms": host.cpu().process } });
    await host[Symbol.asyncDispose]();
  }
  return {
    group: "start",
    title: "Start to listening",
    columns: [{ name: "ms", digits: 0 }, { name: "CPU ms", digits: 0 }],
    rows,
  };
}
