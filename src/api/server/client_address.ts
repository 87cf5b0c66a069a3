// Whose request it is: the address of the socket, or what a proxy that is trusted says of it.

import { canonicalIp, inRanges } from "../../net/mod.ts";

/**
 * The client's address in its canonical form. `forwardedFor` counts only where `peer`, the address of the socket, is in
 * one of the `trusted` ranges: then it is the right-most address in it that is in none (FMSG-003 "Proxy trust").
 */
export function clientAddress(
  peer: string,
  forwardedFor: string | null,
  trusted: readonly string[],
): string {
  if (forwardedFor === null || trusted.length === 0 || !inRanges(peer, trusted)) return peer;
  let client = peer;
  for (const entry of forwardedFor.split(",").reverse().slice(0, MAX_PROXIES)) {
    const ip = canonicalIp(withoutPort(entry.trim()));
    // What is no address tells nothing, and neither does what stands before it.
    if (ip === null) return client;
    client = ip;
    if (!inRanges(ip, trusted)) return client;
  }
  return client;
}

/** A chain of more proxies is none. */
const MAX_PROXIES = 32;

/** Some proxies write `192.0.2.1:1234` or `[2001:db8::1]:1234`. */
function withoutPort(entry: string): string {
  return /^\[([^\]]*)\](?::\d+)?$/.exec(entry)?.[1] ?? /^([^:]*):\d+$/.exec(entry)?.[1] ?? entry;
}
