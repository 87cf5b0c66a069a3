// IP addresses in one spelling, so that they can be compared as text.

import ipaddr from "ipaddr.js";
import { canonicalAddress } from "./dns/mod.ts";

/** As `canonicalAddress`, without the zone that an address of a socket may carry. */
export function canonicalIp(text: string): string | null {
  return canonicalAddress(text.replace(/%.*$/, ""));
}

export function isIPv6(ip: string): boolean {
  return ip.includes(":");
}

/** What limits per address count by: an IPv4 address, or the /64 of an IPv6 address, which is one customer's. */
export function sourceKey(ip: string): string {
  if (!isIPv6(ip)) return ip;
  return ipaddr.IPv6.parse(ip).parts.slice(0, 4).map((part) => part.toString(16)).join(":");
}
