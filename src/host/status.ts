// What a running host tells of itself: `fmsg host status`, in the names of its JSON.

import process from "node:process";
import { statSync } from "node:fs";
import { hex } from "../wire/mod.ts";
import { addressText, type Endpoint, type OpenConnection } from "../net/mod.ts";
import {
  freeSpace,
  hasRoom,
  type Overview,
  type QuotaUse,
  storeFile,
  type StoreReader,
  type WaitingDomain,
} from "../store/mod.ts";
import type { Config } from "../config.ts";
import { PROGRAM_VERSION } from "../version.ts";
import type { Ban } from "./offenders.ts";
import type { CertificateView } from "./own_certificate.ts";
import type { EndedExchange, Statistics } from "./statistics.ts";

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
  readonly queue: Pick<Overview, "waiting" | "oldest"> & {
    /** Those for which most waits. */
    readonly domains: readonly WaitingDomain[];
  };
  readonly bans: readonly Ban[];
  /** Users who have used most of a limit. */
  readonly quotas: readonly QuotaUse[];
  readonly messages: number;
  readonly users: number;
  readonly certificate: {
    /** RFC 3339; null while there is none. */
    readonly expires: string | null;
    /** What is wrong with it, or with the one that should take its place. */
    readonly warnings: readonly string[];
    /** Of a certificate that the host gets itself; otherwise null. */
    readonly acme: RenewalView | null;
  };
  /** null where there is none. */
  readonly api: InterfaceView | null;
  readonly disk: Disk;
  /** Bytes that are resident. */
  readonly memory: number;
  readonly counts: Counts;
}

/** The interface for clients. */
export interface InterfaceView {
  /** As `ip:port` or `[ip]:port`; null while it waits for the host's certificate. */
  readonly address: string | null;
  /** Does it serve TLS by itself? */
  readonly tls: boolean;
  /** Connections that are open now, those of `sockets` included. */
  readonly connections: number;
  /** WebSockets that wait for events. */
  readonly sockets: number;
  /** Answered since the start. */
  readonly requests: number;
}

export interface RenewalView {
  /** RFC 3339; null while the host asks for one. */
  readonly next_attempt: string | null;
  /** Of the last attempt, if that failed. */
  readonly last_error: string | null;
  /** Attempts that failed since the last certificate. */
  readonly attempts: number;
}

/** Bytes. */
export interface Disk {
  readonly free: number;
  /** With less free space, messages are refused. */
  readonly floor: number;
  /** False: there is too little, and messages are refused. */
  readonly room: boolean;
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
  /** Attempts to deliver, from the look-up on. */
  readonly exchanges_out: number;
  /**
   * Of TCP and TLS, those that listen included, as the runtime tells of them: a TLS connection that came in counts as two,
   * and those of the metrics and of commands do not count.
   */
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
  readonly certificate: CertificateView;
  readonly api: InterfaceView | null;
  readonly reader: StoreReader;
  readonly statistics: Statistics;
}

/** What costs a few milliseconds to find out. */
export type Vitals =
  & Pick<Overview, "messages" | "users" | "waiting" | "oldest">
  & Pick<Status, "disk" | "memory" | "counts">;

export function vitalsOf(parts: StatusParts): Vitals {
  const { config: { data_dir, limits }, statistics } = parts;
  const { staged, ...overview } = parts.reader.overview();
  return {
    ...overview,
    disk: {
      free: freeSpace(data_dir),
      floor: limits.min_free_disk,
      room: hasRoom(data_dir, limits.min_free_disk),
      store: storeSize(data_dir),
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

/** Everything; others are served while the limits of all users are looked at. */
export async function statusOf(parts: StatusParts): Promise<Status> {
  const { config, statistics } = parts;
  const quotas = await quotasNearTheirEnd(parts);
  const { waiting, oldest, ...vitals } = vitalsOf(parts);
  return {
    version: PROGRAM_VERSION,
    pid: Deno.pid,
    domain: config.domain,
    data_dir: config.data_dir,
    addresses: parts.endpoints.map(addressText),
    uptime: Date.now() / 1000 - statistics.started,
    connections: parts.connections.map(({ peer, since, state }) => ({
      peer,
      age: (performance.now() - since) / 1000,
      state,
    })),
    refused: byLabels(statistics.refused.counts),
    exchanges: byLabels(statistics.exchanges.counts),
    last: statistics.last.map(viewOf),
    queue: { waiting, oldest, domains: parts.reader.mostWaiting() },
    bans: parts.bans,
    quotas,
    certificate: certificateView(parts.certificate),
    api: parts.api,
    ...vitals,
  };
}

function certificateView({ expires, warnings, acme }: CertificateView): Status["certificate"] {
  return {
    expires: expires?.toISOString() ?? null,
    warnings,
    acme: acme === null ? null : {
      next_attempt: acme.nextAttempt?.toISOString() ?? null,
      last_error: acme.lastError,
      attempts: acme.attempts,
    },
  };
}

async function quotasNearTheirEnd({ reader, config }: StatusParts): Promise<readonly QuotaUse[]> {
  let near: readonly QuotaUse[] = [];
  for (near of reader.quotasNearTheirEnd(config.quota)) {
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return near;
}

function viewOf(exchange: EndedExchange): ExchangeView {
  const { time, direction, peer, domain, to, headerHash, codes, challenge } = exchange;
  const { terminated, detail, bytes, ms } = exchange;
  return {
    time,
    direction,
    peer,
    domain,
    to: to ?? null,
    header_hash: headerHash === null ? null : hex(headerHash),
    codes,
    challenge,
    terminated,
    detail,
    bytes,
    ms,
  };
}

function runtimeCounts(): { readonly sockets: number; readonly timers: number } {
  const resources = process.getActiveResourcesInfo();
  return {
    sockets: resources.filter((name) => /^(?:TCP|Pipe)/.test(name)).length,
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
