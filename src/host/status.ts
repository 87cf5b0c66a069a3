// What a running host tells of itself: `fmsg host status`, in the names of its JSON.

import process from "node:process";
import { statSync } from "node:fs";
import { hex } from "../wire/mod.ts";
import type { Endpoint, OpenConnection } from "../net/mod.ts";
import {
  freeSpace,
  type QueueOverview,
  type QuotaUse,
  storeFile,
  type StoreReader,
} from "../store/mod.ts";
import type { Config } from "../config.ts";
import { PROGRAM_VERSION } from "../version.ts";
import type { Ban } from "./offenders.ts";
import type { Statistics } from "./statistics.ts";

export interface Status {
  readonly version: string;
  readonly pid: number;
  readonly domain: string;
  readonly data_dir: string;
  /** Where it listens, as `ip:port` or `[ip]:port`. */
  readonly addresses: readonly string[];
  /** Seconds since it started. */
  readonly uptime: number;
  readonly connections: readonly ConnectionView[];
  /** Connections that were refused before an exchange since the start, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** Exchanges since the start, by direction and outcome, as in "in accepted". */
  readonly exchanges: Readonly<Record<string, number>>;
  /** The last exchanges, the newest first. */
  readonly last: readonly ExchangeView[];
  readonly queue: QueueOverview;
  readonly bans: readonly Ban[];
  /** Users who have used most of a limit. */
  readonly quotas: readonly QuotaUse[];
  readonly messages: number;
  readonly users: number;
  readonly certificate: { readonly expires: string; readonly warnings: readonly string[] };
  readonly disk: Disk;
  readonly memory: number;
  readonly counts: Counts;
}

/** Bytes. */
export interface Disk {
  readonly free: number;
  /** With less free space, messages are refused. */
  readonly floor: number;
  /** The store's files. */
  readonly store: number;
}

export interface ConnectionView {
  readonly peer: string;
  /** Seconds. */
  readonly age: number;
  readonly state: OpenConnection["state"];
}

/** An exchange that ended, in the names of the log. */
export interface ExchangeView {
  /** POSIX seconds. */
  readonly time: number;
  readonly direction: "in" | "out";
  readonly peer: string;
  readonly domain: string | null;
  readonly to: string | null;
  readonly header_hash: string | null;
  readonly codes: readonly number[];
  readonly challenge: "none" | "ok" | "failed";
  readonly terminated: string | null;
  readonly detail: string | null;
  readonly bytes: number;
  readonly ms: number;
}

/** What has to go back to where it was once nothing is going on. */
export interface Counts {
  readonly connections: number;
  readonly exchanges_in: number;
  readonly exchanges_out: number;
  /** Sockets of all kinds that the process has open, listening ones included. */
  readonly sockets: number;
  readonly timers: number;
  readonly staging: number;
  readonly outgoing: number;
  /** Errors that nobody foresaw, since the start. */
  readonly faults: number;
}

export interface StatusParts {
  readonly config: Config;
  readonly endpoints: readonly Endpoint[];
  readonly connections: readonly OpenConnection[];
  readonly exchangesIn: number;
  readonly exchangesOut: number;
  readonly outgoing: number;
  readonly bans: readonly Ban[];
  readonly certificate: { readonly expires: Date; readonly warnings: readonly string[] };
  readonly reader: StoreReader;
  readonly statistics: Statistics;
}

export function statusOf(parts: StatusParts): Status {
  const { config, reader, statistics } = parts;
  const { messages, users, staged, queue } = reader.overview();
  return {
    version: PROGRAM_VERSION,
    pid: Deno.pid,
    domain: config.domain,
    data_dir: config.data_dir,
    addresses: parts.endpoints.map(addressText),
    uptime: Date.now() / 1000 - statistics.started,
    connections: parts.connections.map(({ peer, since, state }) => ({
      peer,
      age: (Date.now() - since) / 1000,
      state,
    })),
    refused: byLabels(statistics.refused.counts),
    exchanges: byLabels(statistics.exchanges.counts),
    last: statistics.last.map(({ time, direction, peer, domain, to, headerHash, ...rest }) => ({
      time,
      direction,
      peer,
      domain,
      to: to ?? null,
      header_hash: headerHash === null ? null : hex(headerHash),
      codes: rest.codes,
      challenge: rest.challenge,
      terminated: rest.terminated,
      detail: rest.detail,
      bytes: rest.bytes,
      ms: rest.ms,
    })),
    queue,
    bans: parts.bans,
    quotas: reader.quotasNearTheirEnd(config.quota),
    messages,
    users,
    certificate: {
      expires: parts.certificate.expires.toISOString(),
      warnings: parts.certificate.warnings,
    },
    disk: {
      free: freeSpace(config.data_dir),
      floor: config.limits.min_free_disk,
      store: storeSize(config.data_dir),
    },
    memory: Deno.memoryUsage().rss,
    counts: {
      connections: parts.connections.length,
      exchanges_in: parts.exchangesIn,
      exchanges_out: parts.exchangesOut,
      ...runtimeCounts(),
      staging: staged,
      outgoing: parts.outgoing,
      faults: statistics.faults.counts[0]?.count ?? 0,
    },
  };
}

/** `ip:port`, as in fmsg.yaml. */
export function addressText({ ip, port }: Endpoint): string {
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}

function runtimeCounts(): { readonly sockets: number; readonly timers: number } {
  const resources = process.getActiveResourcesInfo();
  return {
    sockets: resources.filter((name) => /^(?:TCP|TLS|UDP|Pipe)/.test(name)).length,
    timers: resources.filter((name) => name === "Timeout").length,
  };
}

function storeSize(dataDir: string): number {
  const file = storeFile(dataDir);
  return ["", "-wal", "-shm"].reduce((sum, suffix) => {
    return sum + (statSync(`${file}${suffix}`, { throwIfNoEntry: false })?.size ?? 0);
  }, 0);
}

function byLabels(
  counts: readonly { readonly values: readonly string[]; readonly count: number }[],
): Record<string, number> {
  return Object.fromEntries(counts.map(({ values, count }) => [values.join(" "), count]));
}
