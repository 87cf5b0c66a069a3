// What the parts of a host need to know of its configuration, in their own words.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createResolver, Dialler, type ListenerLimits, type Resolver } from "../net/mod.ts";
import type { WriterSettings } from "../store/mod.ts";
import type { Config } from "../config.ts";

/** What the writer has to know, also when a command opens the store without a host. */
export function writerSettings(config: Config): WriterSettings {
  return {
    domain: config.domain,
    quota: config.quota,
    maxSize: config.limits.max_size,
    maxExpandedSize: config.limits.max_expanded_size,
    discloseUsers: config.limits.disclose_users,
    window: config.delivery.window,
    acceptedFor: config.limits.max_message_age + config.limits.max_time_skew,
  };
}

export function listenerLimits({ limits }: Config): ListenerLimits {
  return {
    maxConnections: limits.max_connections,
    maxConnectionsPerIp: limits.max_connections_per_ip,
    headerMs: limits.header_timeout * 1000,
    idleMs: limits.idle_timeout * 1000,
    minRate: limits.min_rate,
  };
}

export function makeResolver({ dns }: Config): Resolver {
  return createResolver({
    servers: dns.servers,
    hosts: dns.hosts,
    dnssec: dns.dnssec,
    trusted: dns.trusted,
  });
}

export function makeDialler(config: Config, current: () => Config): Dialler {
  return new Dialler({
    extraRoots: readRoots(config),
    rootsFile: join(config.data_dir, "roots.pem"),
    limits: () => {
      const { delivery, limits } = current();
      return {
        connectMs: delivery.connect_timeout * 1000,
        idleMs: limits.idle_timeout * 1000,
        minRate: limits.min_rate,
      };
    },
  });
}

/** The text of tls.ca; null where there is none. Throws an Error that says why it cannot be read. */
export function readRoots({ tls }: Config): string | null {
  if (tls?.ca === undefined) return null;
  try {
    return readFileSync(tls.ca, "utf8");
  } catch (error) {
    throw new Error(
      `tls.ca: cannot read ${tls.ca}: ${
        error instanceof Error ? error.message : error
      }; check the path and who may read it, or remove the key`,
      { cause: error },
    );
  }
}

/** `fmsg.<domain>`: the name under which others know this host. */
export function serverName({ domain }: Config): string {
  return `fmsg.${domain}`;
}

/** Keys that are read once, so that a change of them needs a restart. */
const READ_ONCE = {
  domain: (config: Config) => config.domain,
  data_dir: (config: Config) => config.data_dir,
  listen: (config: Config) => config.listen,
  "tls.ca": (config: Config) => config.tls?.ca,
  "metrics.listen": (config: Config) => config.metrics.listen,
  "api.listen": (config: Config) => config.api?.listen,
  "api.tls": (config: Config) => config.api?.tls ?? false,
} as const;

export type ReadOnce = keyof typeof READ_ONCE;

/** `after`, with those keys as they were read in the beginning. */
export function withReadOnceOf(before: Config, after: Config): Config {
  const { domain, data_dir, listen, metrics } = before;
  return {
    ...after,
    domain,
    data_dir,
    listen,
    metrics,
    tls: withRootsOf(before.tls, after.tls),
    api: interfaceOf(before.api, after.api),
  };
}

/** Where there is an interface stays, and how it listens; the rest is as it is told now. */
function interfaceOf(before: Config["api"], after: Config["api"]): Config["api"] {
  if (before === null || after === null) return before;
  return { ...after, listen: before.listen, tls: before.tls };
}

function withRootsOf(before: Config["tls"], after: Config["tls"]): Config["tls"] {
  if (after === null) return null;
  const { ca: _changed, ...rest } = after;
  return before?.ca === undefined ? rest : { ...rest, ca: before.ca };
}

/** The keys in which a new configuration differs although they are read only once. */
export function changedForRestart(before: Config, after: Config): ReadOnce[] {
  const keys = Object.keys(READ_ONCE).filter((key): key is ReadOnce => key in READ_ONCE);
  return keys.filter((key) =>
    JSON.stringify(READ_ONCE[key](before)) !== JSON.stringify(READ_ONCE[key](after))
  );
}
