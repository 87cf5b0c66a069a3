// How many messages a host accepts: small ones, and attachments.

import type { Bench, HostProcess, Site } from "./setup.ts";

export interface Load {
  readonly senders: number;
  readonly messages: number;
  readonly warmUp: number;
  readonly bodySize: number;
  readonly attachmentSize: number;
}

export interface Accepted {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** CPU milliseconds of the host for each message. */
  readonly cpu: number;
  readonly writerCpu: number;
}

export async function accept(
  bench: Bench,
  host: HostProcess,
  site: Site,
  sender: Site,
  load: Load,
): Promise<Accepted> {
  let before = host.cpu();
  const { seconds, latencies } = await bench.generate({
    ip: sender.ip,
    port: bench.port,
    domain: sender.domain,
    cert: sender.cert,
    key: sender.key,
    target: { ip: site.ip, domain: site.domain, to: `@alice@${site.domain}` },
    ...load,
  }, () => before = host.cpu());
  const after = host.cpu();
  const sorted = [...latencies].sort((a, b) => a - b);
  return {
    perSecond: latencies.length / seconds,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    cpu: (after.all - before.all) / latencies.length,
    writerCpu: (after.writer - before.writer) / latencies.length,
  };
}

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

export function median(values: readonly number[]): number {
  return percentile([...values].sort((a, b) => a - b), 0.5);
}
