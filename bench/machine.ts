// What this machine does without a host: fsyncs, and TLS 1.3 between two processes of the same runtime. The host's
// figures mean something beside these only.

import { availableParallelism, cpus, release, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { V8_FLAGS } from "../scripts/compile/flags.ts";
import type { Table } from "./result.ts";
import type { Scale } from "./scale.ts";
import type { Bench } from "./setup.ts";
import { waitForSockets } from "./sockets.ts";
import type { TlsOrders } from "./tls_server.ts";

const PER_SECOND = v.object({ first: v.number(), resumed: v.number(), stream: v.number() });

export async function machine(bench: Bench, scale: Scale): Promise<Table> {
  const fsyncs = countFsyncs(join(bench.folder, "fsync"), scale.fsyncMs);
  const { first, resumed, stream } = await tls(bench, scale);
  const row = (label: string, value: number) => ({ label, values: { "a second": value } });
  return {
    group: "machine",
    title: "This machine, without a host",
    columns: [{ name: "a second", digits: 0 }],
    rows: [
      row("fsyncs of 16 KiB, one after the other", fsyncs),
      row("TLS 1.3 connections, 16 at once, first", first),
      row("TLS 1.3 connections, 16 at once, resumed", resumed),
      row("MB through one TLS 1.3 connection", stream),
    ],
  };
}

/** In words; `dir` is the folder that the data goes to. */
export function describeMachine(dir: string = tmpdir()): Record<string, string> {
  const [cpu] = cpus();
  return {
    cpus: `${availableParallelism()} × ${cpu?.model ?? "unknown"}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    "file system of the data": fileSystemOf(Deno.realPathSync(dir)),
    kernel: `Linux ${release()}`,
    runtime: `Deno ${Deno.version.deno}, ${V8_FLAGS}`,
  };
}

/** Where an fsync goes: on a tmpfs it goes nowhere. */
function fileSystemOf(dir: string): string {
  const mounts = Deno.readTextFileSync("/proc/mounts").split("\n").flatMap((line) => {
    const [, point, type] = line.split(" ");
    if (point === undefined || type === undefined) return [];
    return `${dir}/`.startsWith(point === "/" ? "/" : `${point}/`) ? [{ point, type }] : [];
  });
  // Of those that contain it the innermost; of two on one point the later.
  return mounts.toSorted((a, b) => a.point.length - b.point.length).at(-1)?.type ?? "unknown";
}

/** Pages written and synced in the folder of the data, as a log of changes is. */
function countFsyncs(path: string, ms: number): number {
  const page = new Uint8Array(16 * 1024).fill(0x61);
  using file = Deno.openSync(path, { create: true, write: true });
  const started = performance.now();
  let count = 0;
  while (performance.now() - started < ms) {
    file.writeSync(page);
    file.syncDataSync();
    count++;
  }
  return count / (performance.now() - started) * 1000;
}

async function tls(bench: Bench, scale: Scale): Promise<v.InferOutput<typeof PER_SECOND>> {
  const site = await bench.site("b.test");
  const from = await bench.site("a.test");
  await waitForSockets(scale.timeWait);
  const orders: TlsOrders = {
    peer: { from: from.ip, ip: site.ip, port: bench.port, serverName: `fmsg.${site.domain}` },
    cert: site.cert,
    key: site.key,
    warmUp: scale.warmUp,
    connections: scale.handshakes,
    atOnce: 16,
    streamBytes: scale.streamBytes,
  };
  await using server = await bench.helper("./tls_server.ts", orders);
  await server.answer();
  await using client = await bench.helper("./tls_client.ts", orders);
  return v.parse(PER_SECOND, await client.answer());
}
