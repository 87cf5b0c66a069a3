// Names and addresses in the one spelling in which they are compared.
import { Buffer } from "node:buffer";
import { isIP } from "node:net";

const LABEL = /^[a-z0-9_-]{1,63}$/;

/** `name` in lower case without its last dot; null if no look-up can be made for it. */
export function canonicalName(name: string): string | null {
  const lower = lowerCase(name.endsWith(".") ? name.slice(0, -1) : name);
  return lower.length <= 253 && lower.split(".").every((label) => LABEL.test(label)) ? lower : null;
}

/** ASCII only (RFC 4343): `toLowerCase` would also turn the Kelvin sign into a `k`. */
export function lowerCase(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** True if `name` is `zone` or lies under it. Both in lower case. */
export function isWithin(name: string, zone: string): boolean {
  return zone === "." || name === zone || name.endsWith(`.${zone}`);
}

/**
 * The text of an IP address as RFC 5952 wants it, an IPv4-mapped IPv6 address as its IPv4; null for
 * what is no address.
 */
export function canonicalAddress(ip: string): string | null {
  const version = isIP(ip);
  if (version !== 6) return version === 4 ? ip : null;
  const [address = "", zone] = ip.split("%");
  // The URL parser and not ipaddr.js, which takes the IPv4-compatible ::192.0.2.1 for a mapped one.
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(text);
  if (mapped !== null) return mapped.slice(1).map((half) => dotted(parseInt(half, 16))).join(".");
  return zone === undefined ? text : `${text}%${zone}`;
}

/** The same for the 4 or 16 bytes of an A or AAAA record. */
export function addressOfBytes(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const hex = Buffer.from(bytes).toString("hex");
  const address = canonicalAddress(hex.match(/..../g)?.join(":") ?? "");
  if (address === null) throw new RangeError(`${bytes.length} bytes are no IP address`);
  return address;
}

export function isLoopback(ip: string): boolean {
  const address = canonicalAddress(ip);
  return address === "::1" || address?.startsWith("127.") === true;
}

function dotted(half: number): string {
  return `${half >> 8}.${half & 0xff}`;
}
