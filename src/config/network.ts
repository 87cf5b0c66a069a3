// Addresses and names as people write them in fmsg.yaml. A parser returns the canonical form or
// throws a RangeError that says what was seen and what to write.
import { isIP } from "node:net";
import { domainToASCII } from "node:url";
import ipaddr from "ipaddr.js";
import { shown } from "./quantities.ts";

/** A place to listen on or to ask: an IP address without brackets, and a port. */
export type Endpoint = { readonly ip: string; readonly port: number };

/** `fmsg.<domain>` has to be a DNS name, and those are at most 253 long. */
const MAX_NAME = 253;
const PREFIX = "fmsg.";

/**
 * The domain of this host's addresses: lower-case A-labels, no dot at the end. The dot, which is legal
 * in DNS, is how someone whose domain itself begins with `fmsg.` says that it is meant.
 */
export function parseDomain(value: unknown): string {
  if (value === "") {
    throw new RangeError("is missing; write the domain of your addresses, as in example.com");
  }
  const seen = shown(value);
  if (typeof value !== "string") {
    throw new RangeError(`${seen} is no domain; write one as in example.com`);
  }
  const bare = value.replace(/^[a-z]+:\/\//i, "").replace(/^.*@/, "").replace(/[/:].*$/, "");
  const name = dnsName(bare);
  if (name === null || isIP(name) !== 0 || name.length > MAX_NAME - PREFIX.length) {
    throw new RangeError(
      `${seen} is no domain; write labels of letters, digits and hyphens, as in example.com`,
    );
  }
  const prefixed = name.startsWith(PREFIX) && name.split(".").length > 2 && !value.endsWith(".");
  const meant = prefixed ? name.slice(PREFIX.length) : name;
  if (bare !== value) throw new RangeError(`${seen} is no domain; write the bare domain: ${meant}`);
  if (prefixed) {
    throw new RangeError(
      `${seen} has the prefix that is put in front by itself; write the bare domain: ${meant} ` +
        `(if your addresses do end in @${name}, write ${name}. with a dot at the end)`,
    );
  }
  return name;
}

/** A name to look up: lower-case A-labels, no dot at the end. */
export function parseHostName(value: unknown): string {
  const name = typeof value === "string" ? dnsName(value) : null;
  if (name !== null) return name;
  throw new RangeError(`${shown(value)} is no host name; write one as in fmsg.example.com`);
}

/** An IP address in canonical form, without brackets or zone. */
export function parseIp(value: unknown): string {
  const ip = typeof value === "string" ? canonicalIp(value) : null;
  if (ip !== null) return ip;
  throw new RangeError(
    `${shown(value)} is no IP address; write one as in 192.0.2.1 or 2001:db8::1`,
  );
}

/** Where to listen: an address of this machine and a port, 0 for any free one. */
export function parseListen(value: unknown): Endpoint {
  const endpoint = typeof value === "string" ? readEndpoint(value) : null;
  if (endpoint !== null) return endpoint;
  throw new RangeError(
    `${
      shown(value)
    } is no address with a port; write an IP and a port as in "0.0.0.0:4930" or "[::]:4930"`,
  );
}

/** A DNS server: an address, and a port where it is not 53. */
export function parseServer(value: unknown): Endpoint {
  if (typeof value === "string") {
    const ip = canonicalIp(value.replace(/^\[(.*)\]$/, "$1"));
    if (ip !== null) return { ip, port: 53 };
    const endpoint = readEndpoint(value);
    if (endpoint !== null && endpoint.port > 0) return endpoint;
  }
  throw new RangeError(
    `${
      shown(value)
    } is no DNS server; write its IP, with a port as in "127.0.0.1:5353" when it is not 53`,
  );
}

/** A range of IP addresses; one address alone is a range of one. Always `address/bits`. */
export function parseCidr(value: unknown): string {
  const [address = "", bits, ...more] = typeof value === "string" ? value.split("/") : [];
  const ip = canonicalIp(address);
  if (ip !== null && more.length === 0) {
    const length = bits ?? (ip.includes(":") ? 128 : 32);
    // One spelling: `08` bits are 8.
    if (ipaddr.isValidCIDR(`${ip}/${length}`)) return `${ip}/${Number(length)}`;
  }
  throw new RangeError(
    `${shown(value)} is no range of IP addresses; write one as in 10.0.0.0/8 or "2001:db8::/32"`,
  );
}

/** The address under which others reach this host: http or https, no slash at the end. */
export function parsePublicUrl(value: unknown): string {
  const url = readUrl(value);
  if (url !== null && url.search === "") return url.href.replace(/\/+$/, "");
  throw new RangeError(
    `${shown(value)} is no address of a site; write one as in https://fmsg.example.com`,
  );
}

/** An address that keys or certificates are fetched from, so in clear text on this machine only. */
export function parseSecureUrl(value: unknown): string {
  const url = readUrl(value);
  const here = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;
  if (url !== null && (url.protocol === "https:" || here.test(url.hostname))) return url.href;
  throw new RangeError(`${shown(value)} is no https address; write one that begins with https://`);
}

/** What a browser sends as `Origin`: scheme, host and port, nothing behind. */
export function parseOrigin(value: unknown): string {
  if (typeof value === "string" && /^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s*]+$/i.test(value)) {
    return value.toLowerCase();
  }
  throw new RangeError(
    `${
      shown(value)
    } is no origin; write scheme and host, nothing behind, as in https://app.example.com`,
  );
}

function readUrl(value: unknown): URL | null {
  const url = typeof value === "string" ? URL.parse(value) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) return null;
  return url.hash === "" && url.username === "" && url.password === "" ? url : null;
}

/** RFC 1035 as relaxed by RFC 1123, international names as A-labels; null for anything else. */
function dnsName(text: string): string | null {
  const ascii = /^\p{ASCII}*$/u.test(text) ? text.toLowerCase() : domainToASCII(text);
  const name = ascii.replace(/\.$/, "");
  const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
  return name.length <= MAX_NAME && name.split(".").every((l) => label.test(l)) ? name : null;
}

/** Null for zones (`fe80::1%eth0`) too: an address that other hosts see has none. */
function canonicalIp(text: string): string | null {
  if (isIP(text) === 0 || text.includes("%")) return null;
  return ipaddr.parse(text).toString();
}

function readEndpoint(text: string): Endpoint | null {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  if (match === null) return null;
  const [, six, four = "", digits] = match;
  const ip = canonicalIp(six ?? four);
  const port = Number(digits);
  if (ip === null || port > 65_535 || ip.includes(":") !== (six !== undefined)) return null;
  return { ip, port };
}
