// The addresses that belong into DNS for fmsg.<domain>: those from which this host reaches others (row R8).

import type { Endpoint } from "../../config.ts";
import {
  addressSeenOutside,
  canonicalIp,
  isLoopback,
  isPublic,
  localAddress,
  THIS_MACHINE,
} from "../../net/mod.ts";
import type { Addresses } from "./records.ts";

export interface Published extends Addresses {
  /** What to know about them, a sentence each. */
  readonly notes: readonly string[];
}

interface Looking {
  /** The network has no way in from outside: its own addresses are the right ones. */
  readonly isPrivateNetwork: boolean;
  readonly signal: AbortSignal;
}

/** What is asked of the network; another one in tests. */
export interface Network {
  readonly local: (family: Family) => Promise<string | null>;
  /** Is there a way from this address to the internet? */
  readonly leads: (from: string) => Promise<boolean>;
  readonly seenOutside: (family: Family, signal: AbortSignal) => Promise<string | null>;
}

export type Family = 4 | 6;

/** Asks the machine and, where that knows private addresses only, two public servers. Bounded to some seconds. */
export async function publishedAddresses(
  listen: readonly Endpoint[],
  looking: Looking,
  network: Network = THE_NETWORK,
): Promise<Published> {
  const ips = listen.map(({ ip }) => canonicalIp(ip) ?? ip);
  const [four, six] = await Promise.all([
    ofFamily(4, ips.filter((ip) => !ip.includes(":")), looking, network),
    ofFamily(6, ips.filter((ip) => ip.includes(":")), looking, network),
  ]);
  const notes = [...four.notes, ...six.notes];
  if (four.ips.length + six.ips.length === 0) notes.push(NONE);
  return { a: four.ips, aaaa: six.ips, notes };
}

const THE_NETWORK: Network = {
  local: localAddress,
  leads: THIS_MACHINE.leads,
  seenOutside: addressSeenOutside,
};

const NONE =
  "This machine seems to have no address that reaches others: add records for the address that it will have";

interface Part {
  readonly ips: readonly string[];
  readonly notes: readonly string[];
}

/** Row D3: a family on which the host does not listen is not used; what it listens on is what it leaves from. */
async function ofFamily(
  family: Family,
  listen: readonly string[],
  looking: Looking,
  network: Network,
): Promise<Part> {
  const isWildcard = listen.some((ip) => ip === "0.0.0.0" || ip === "::");
  const local = isWildcard ? await network.local(family) : null;
  const own = isWildcard ? (local === null ? [] : [local]) : listen;
  const parts = await Promise.all(own.map((ip) => asSeen(family, ip, looking, network)));
  return {
    ips: [...new Set(parts.flatMap(({ ips }) => ips))],
    notes: [...new Set(parts.flatMap(({ notes }) => notes))],
  };
}

async function asSeen(
  family: Family,
  ip: string,
  { isPrivateNetwork, signal }: Looking,
  { leads, seenOutside }: Network,
): Promise<Part> {
  if (isLoopback(ip) || isPrivateNetwork) return { ips: [ip], notes: [] };
  // An AAAA record of what this machine does not leave from makes every receiver terminate that is reached by IPv6.
  if (family === 6) return { ips: isPublic(ip) && await leads(ip) ? [ip] : [], notes: [] };
  if (isPublic(ip)) return { ips: [ip], notes: [] };
  const seen = await seenOutside(family, signal);
  if (seen === null) {
    return {
      ips: [ip],
      notes: [
        `${ip} is an address that the internet does not know, and nobody could tell the outside one: correct the record`,
      ],
    };
  }
  return {
    ips: [seen],
    notes: [
      `This machine has the address ${ip} and is seen as ${seen}: the router has to pass port 4930 on to it, and port 80 where the certificate comes by ACME`,
    ],
  };
}
