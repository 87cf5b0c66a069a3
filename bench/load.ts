// Load on a host by a generator in a process of its own, and what it cost the host.

import * as v from "valibot";
import type { Orders } from "./generator.ts";
import { percentile } from "./result.ts";
import type { Bench, Site } from "./setup.ts";
import type { HostProcess } from "./host_process.ts";
import type { Scale } from "./scale.ts";
import { waitForSockets } from "./sockets.ts";

/** What is sent, and by how many at once. */
export interface Load {
  readonly senders: number;
  readonly messages: number;
  /** Bytes of an attachment; 0 for none. */
  readonly attachment: number;
}

export interface Taken {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** CPU milliseconds of the host for each message: of the process, and of its writer's thread. */
  readonly cpu: number;
  readonly writerCpu: number;
}

const MEASURED = v.object({ seconds: v.number(), latencies: v.array(v.number()) });

/** Bytes of a message's body. */
export const BODY = 120;

/** Sends messages from `sender`'s domain to a user of the running host, each on a connection of its own. */
export async function load(
  bench: Bench,
  host: HostProcess,
  sender: Site,
  { senders, messages, attachment }: Load,
  scale: Scale,
): Promise<Taken> {
  await waitForSockets(scale.timeWait);
  const orders: Orders = {
    ip: sender.ip,
    port: bench.port,
    domain: sender.domain,
    cert: sender.cert,
    key: sender.key,
    target: { ip: host.site.ip, domain: host.site.domain, to: host.site.user },
    senders,
    messages,
    warmUp: scale.warmUp,
    body: BODY,
    attachment,
  };
  await using generator = await bench.helper("./generator.ts", orders);
  await generator.answer();
  const before = host.cpu();
  await generator.go();
  const { seconds, latencies } = v.parse(MEASURED, await generator.answer());
  const after = host.cpu();
  return {
    perSecond: messages / seconds,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    cpu: (after.process - before.process) / messages,
    writerCpu: (after.writer - before.writer) / messages,
  };
}
