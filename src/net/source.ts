// From which of this machine's addresses a connection leaves (row D3): receivers compare it with DNS.

import { networkInterfaces } from "node:os";
import { canonicalIp, type Endpoint, isIPv6 } from "./ip.ts";

/** How to leave for an address: from one of ours, as the system chooses, or not at all. */
export type Source =
  | { readonly kind: "from"; readonly ip: string }
  | { readonly kind: "any" }
  | { readonly kind: "none" };

/**
 * The source for a connection to `destination`. `listen` is where this host listens, `own` what `fmsg.<own domain>`
 * resolves to, `configured` is `delivery.source`.
 *
 * On a wildcard address, a family whose published address is not on this machine is not used, since every receiver
 * would terminate; unless none is, as behind a NAT that maps addresses one to one, where only the system knows.
 */
export function chooseSource(
  destination: string,
  listen: readonly Endpoint[],
  own: readonly string[],
  configured: string | null,
  local: ReadonlySet<string> = localAddresses(),
): Source {
  const sameFamily = (ip: string): boolean => isIPv6(ip) === isIPv6(destination);
  if (configured !== null) {
    return sameFamily(configured) ? { kind: "from", ip: configured } : { kind: "none" };
  }
  const family = listen.map(({ ip }) => canonicalIp(ip) ?? ip).filter(sameFamily);
  if (family.length === 0) return { kind: "none" };
  const fixed = family.find((ip) => !isWildcard(ip));
  if (fixed !== undefined) return { kind: "from", ip: fixed };
  // Of the loopback network, an interface lists one address and has them all.
  const published = own.filter((ip) => local.has(ip) || ip.startsWith("127."));
  const ip = published.find(sameFamily);
  if (ip !== undefined) return { kind: "from", ip };
  return published.length === 0 ? { kind: "any" } : { kind: "none" };
}

/** Does a host that listens there need to know its published addresses to choose a source? */
export function listensEverywhere(listen: readonly Endpoint[]): boolean {
  return listen.some(({ ip }) => isWildcard(canonicalIp(ip) ?? ip));
}

function isWildcard(ip: string): boolean {
  return ip === "0.0.0.0" || ip === "::";
}

/** The addresses of this machine's interfaces; those in networks with others only where that is asked for. */
export function localAddresses({ loopback = true } = {}): ReadonlySet<string> {
  const interfaces = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return new Set(
    interfaces.filter(({ internal }) => loopback || !internal)
      .map(({ address }) => canonicalIp(address) ?? address),
  );
}
