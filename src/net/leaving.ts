// From which addresses this machine reaches the internet: what has to be in DNS for others to believe it (row R8).

import { createSocket } from "node:dgram";
import ipaddr from "ipaddr.js";
import { askRecords, lookAt, type Server } from "./dns/mod.ts";
import { canonicalIp, inRanges, isIPv6 } from "./ip.ts";
import { localAddresses } from "./source.ts";

export type IpVersion = 4 | 6;

/** What is asked of the machine; another one in tests. */
export interface Machine {
  /** The addresses of its interfaces, in the system's order. */
  addresses(): readonly string[];
  /** Is there a way from this address to the internet? */
  leads(from: string): Promise<boolean>;
}

/**
 * The address of this machine from which a packet to the internet would leave, a public one before others; null where
 * that family has none, or no route. The runtime cannot ask the system for its choice (a UDP socket that is connected
 * is not, on Deno 2.9); where there are several, any of them will do: a host leaves from the one that DNS gives for it
 * (`chooseSource`).
 */
export async function localAddress(
  family: IpVersion,
  machine: Machine = THIS_MACHINE,
): Promise<string | null> {
  const own = machine.addresses().filter((ip) => isIPv6(ip) === (family === 6) && !isLocalOnly(ip));
  const order = [...own.filter(isPublic), ...own.filter((ip) => !isPublic(ip))];
  for (const ip of order) {
    if (await machine.leads(ip)) return ip;
  }
  return null;
}

/** Can others on the internet reach it, as far as the address tells? Not where it is private, of documentation … */
export function isPublic(ip: string): boolean {
  const address = canonicalIp(ip);
  if (address === null || rangeOf(address) !== "unicast") return false;
  return !isIPv6(address) || inRanges(address, [GIVEN_OUT]);
}

/** Of IPv6 no other addresses belong to anybody (IANA's registry of its address space). */
const GIVEN_OUT = "2000::/3";

/** Who answers with the address that a question came from. */
export interface Mirror {
  readonly server: Server;
  readonly name: string;
  /** "address": an A or AAAA record, by the family. "chaos": a TXT record of class CH. */
  readonly kind: "address" | "chaos";
}

/**
 * The address from which this machine is seen outside over that family, asked of two public servers; null when neither
 * answers in time. Meant for machines behind NAT, whose own address is not public.
 */
export async function addressSeenOutside(
  family: IpVersion,
  signal?: AbortSignal,
  mirrors: readonly Mirror[] = MIRRORS,
): Promise<string | null> {
  const enough = new AbortController();
  const timeout = AbortSignal.timeout(WITHIN_MS);
  const scope = AbortSignal.any([enough.signal, timeout, ...signal === undefined ? [] : [signal]]);
  const asked = mirrors
    .filter(({ server }) => isIPv6(server.ip) === (family === 6))
    .map(async (mirror) => {
      const seen = await ask(mirror, family, scope);
      if (seen === null) throw new Error(`${mirror.server.ip} did not tell`);
      return seen;
    });
  try {
    return await Promise.any(asked);
  } catch {
    return null;
  } finally {
    enough.abort();
    // Their sockets close with them.
    await Promise.allSettled(asked);
  }
}

/** A datagram may get lost. */
const MAX_TRIES = 3;
const TRY_MS = 1200;
const WITHIN_MS = 3500;

/** Both ask what no resolver in between would answer, so that nobody tells its own address in place of ours. */
const MIRRORS: readonly Mirror[] = [
  ...["208.67.222.222", "2620:119:35::35"].map((ip) => ({
    server: { ip, port: 53 },
    name: "myip.opendns.com",
    kind: "address" as const,
  })),
  ...["1.1.1.1", "2606:4700:4700::1111"].map((ip) => ({
    server: { ip, port: 53 },
    name: "whoami.cloudflare",
    kind: "chaos" as const,
  })),
];

async function ask(
  { server, name, kind }: Mirror,
  family: IpVersion,
  signal: AbortSignal,
): Promise<string | null> {
  const values = kind === "chaos"
    ? await askText(server, name, signal)
    : await askAddress(server, name, family, signal);
  const mine = values.map(canonicalIp).find((ip) => ip !== null && isIPv6(ip) === (family === 6));
  return mine ?? null;
}

async function askText(
  server: Server,
  name: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const scope = { timeout: TRY_MS, signal };
    const texts = await askRecords(server, { name, type: "TXT", class: "CH" }, scope);
    if (texts !== null) return texts;
  }
  return [];
}

async function askAddress(
  server: Server,
  name: string,
  family: IpVersion,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const question = { name, type: family === 6 ? "AAAA" as const : "A" as const };
  const { resolution } = await lookAt(server, question, signal);
  return resolution.kind === "addresses" ? resolution.addresses : [];
}

export const THIS_MACHINE: Machine = {
  addresses: () => [...localAddresses()],
  leads,
};

/** Addresses that nobody has (RFC 5737, RFC 6666): the system looks for a route to them, and no one hears of it. */
const NOWHERE = { 4: "198.51.100.1", 6: "100::1" } as const;

/** An empty datagram to nowhere: without a route the system refuses it at once. */
function leads(from: string): Promise<boolean> {
  return new Promise((resolve) => {
    const six = isIPv6(from);
    const socket = createSocket(six ? "udp6" : "udp4");
    let answer = false;
    socket.once("close", () => resolve(answer));
    socket.once("error", () => socket.close());
    socket.bind(0, from, () => {
      socket.send(new Uint8Array(0), DISCARD_PORT, NOWHERE[six ? 6 : 4], (error) => {
        answer = error === null || error === undefined;
        socket.close();
      });
    });
  });
}

const DISCARD_PORT = 9;

/** Addresses that lead nowhere by their kind. */
function isLocalOnly(ip: string): boolean {
  const range = rangeOf(ip);
  return range === "loopback" || range === "linkLocal" || range === "unspecified";
}

function rangeOf(ip: string): string {
  return ipaddr.parse(ip).range();
}
