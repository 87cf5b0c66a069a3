// IP addresses in one spelling, so that they can be compared as text.

import ipaddr from "ipaddr.js";
import { canonicalAddress } from "./dns/name.ts";

/** Where somebody listens. */
export interface Endpoint {
  readonly ip: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

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

/** What `sourceKey` counts by, for people: `192.0.2.1`, `2001:db8::/64`. */
export function sourceText(ip: string): string {
  if (!isIPv6(ip)) return ip;
  return `${canonicalIp(`${sourceKey(ip)}::`) ?? ip}/64`;
}

/** Is an address in one of the ranges, each written as `address/bits`? */
export function inRanges(ip: string, ranges: readonly string[]): boolean {
  const address = ipaddr.parse(ip);
  return ranges.some((range) => {
    const [network, bits] = readRange(range);
    return network.kind() === address.kind() && address.match(network, bits);
  });
}

/** IPv4 in IPv6 is IPv4, as in `canonicalIp`. */
function readRange(range: string): readonly [ipaddr.IPv4 | ipaddr.IPv6, number] {
  const [network, bits] = ipaddr.parseCIDR(range);
  const isMapped = network instanceof ipaddr.IPv6 && network.isIPv4MappedAddress() && bits >= 96;
  return isMapped ? [network.toIPv4Address(), bits - 96] : [network, bits];
}

/** `ip:port` or `[ip]:port`, as in fmsg.yaml. */
export function addressText({ ip, port }: Endpoint): string {
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}
