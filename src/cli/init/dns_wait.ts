// Waiting until the records of fmsg.<domain> can be seen.

import type { Config } from "../../config.ts";
import {
  createResolver,
  defaultServers,
  lookAt,
  nameServersOf,
  type Resolution,
  type Server,
} from "../../net/mod.ts";
import type { Addresses } from "./records.ts";

export type RecordsOutcome =
  | { readonly state: "seen" }
  /** What was seen at last, in words. */
  | { readonly state: "not seen"; readonly reason: string }
  | { readonly state: "skipped" };

export interface Waiting {
  readonly seconds: number;
  readonly signal: AbortSignal;
  /** Told what is seen, when that changes. */
  readonly tell: (line: string) => void;
  /** Seconds before the next look; they double up to `LONGEST_PAUSE_S`. */
  readonly pause?: number;
  /** The port of the zone's name servers; 53 but in tests. */
  readonly nameServerPort?: number;
}

/**
 * Asks the configured DNS servers until they give exactly the addresses that are to be there (any, where it is not known
 * which), or the time is over. Before the name servers of the zone have them, others are not asked: they would remember
 * for long that there is nothing.
 */
export async function waitForRecords(
  { domain, dns }: Pick<Config, "domain" | "dns">,
  wanted: Addresses,
  { seconds, signal, tell, pause = 1, nameServerPort = 53 }: Waiting,
): Promise<RecordsOutcome> {
  const name = `fmsg.${domain}`;
  const servers = dns.servers.length > 0 ? dns.servers : defaultServers();
  // Of the domain: a question about the name itself is what is not to be asked yet.
  const nameServers = await nameServersOf(domain, {
    servers,
    port: nameServerPort,
    timeout: ZONE_MS,
    signal: AbortSignal.any([signal, AbortSignal.timeout(2 * ZONE_MS)]),
  });
  let zone = nameServers.flatMap(({ server }) => server ?? []);
  const end = performance.now() + seconds * 1000;
  let said = "";
  for (let rest = pause;; rest = Math.min(rest * 2, LONGEST_PAUSE_S)) {
    const early = await zoneDiffers(zone, name, wanted, signal);
    if (early === null) zone = [];
    const difference = early ?? compare(await askAll(dns, name, signal), wanted);
    if (signal.aborted) return { state: "skipped" };
    if (difference === null) return { state: "seen" };
    if (difference !== said) tell(difference);
    said = difference;
    const left = end - performance.now();
    if (left <= 0) return { state: "not seen", reason: difference };
    if (!await sleep(Math.min(rest * 1000, left), signal)) return { state: "skipped" };
  }
}

/**
 * What is seen at one of the zone's servers where that is not what is wanted yet; null: all that answer have it, or none
 * can be asked from here, and others have to do.
 */
async function zoneDiffers(
  zone: readonly Server[],
  name: string,
  wanted: Addresses,
  signal: AbortSignal,
): Promise<string | null> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(ZONE_MS)]);
  const seen = await Promise.all(zone.map(async (server) => {
    const [a, aaaa] = await Promise.all([
      lookAt(server, { name, type: "A" }, within),
      lookAt(server, { name, type: "AAAA" }, within),
    ]);
    return merged(a.resolution, aaaa.resolution);
  }));
  const answers = seen.filter((resolution) => resolution.kind !== "failed");
  const differences = answers.map((resolution) => compare(resolution, wanted));
  return differences.find((difference) => difference !== null) ?? null;
}

function merged(a: Resolution, aaaa: Resolution): Resolution {
  const addresses = [a, aaaa].flatMap((part) => part.kind === "addresses" ? part.addresses : []);
  if (addresses.length > 0) return { kind: "addresses", addresses };
  return a.kind === "none" ? aaaa : a;
}

/** Each time by a resolver of its own: this one must not remember. */
async function askAll(
  dns: Pick<Config, "dns">["dns"],
  name: string,
  signal: AbortSignal,
): Promise<Resolution> {
  await using resolver = createResolver(dns);
  return await resolver.addresses(name, signal);
}

/** How long the zone's servers may take, in milliseconds. */
const ZONE_MS = 3000;

/** Servers are asked politely, also by one who waits long. */
const LONGEST_PAUSE_S = 15;

/** What is seen where it is not what is wanted; null: it is. */
export function compare(seen: Resolution, wanted: Addresses): string | null {
  switch (seen.kind) {
    case "none":
      return "nothing there yet";
    case "failed":
    case "bogus":
      return seen.reason;
    case "addresses": {
      const all = [...wanted.a, ...wanted.aaaa];
      const missing = all.filter((ip) => !seen.addresses.includes(ip));
      const foreign = all.length === 0 ? [] : seen.addresses.filter((ip) => !all.includes(ip));
      const parts = [
        ...missing.length === 0 ? [] : [`${missing.join(", ")} still missing`],
        ...foreign.length === 0 ? [] : [`${foreign.join(", ")} there, which is not this host`],
      ];
      return parts.length === 0 ? null : parts.join("; ");
    }
  }
}

/** False when the signal came first. */
async function sleep(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const abort = (): void => resolve(false);
  const timer = setTimeout(() => resolve(true), ms);
  signal.addEventListener("abort", abort);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}
