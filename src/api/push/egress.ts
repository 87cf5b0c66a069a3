// Where notifications may go to: an endpoint is whatever a client says, so that the host would send requests for strangers.

import ipaddr from "ipaddr.js";
import type { Config } from "../../config.ts";
import { canonicalIp, isPublic } from "../../net/mod.ts";
import { isThisMachine } from "../session/link.ts";

/** What may be connected to. */
export interface Egress {
  readonly port: (port: number) => boolean;
  /** Every address of a name has to be one of these. */
  readonly address: (ip: string) => boolean;
}

/** The internet: every push service of a browser is on the port of https. */
export const INTERNET: Egress = { port: (port) => port === 443, address: isPublic };

/** What is on this machine as well, on any port: for tests, and for who tries things out. */
const THIS_MACHINE: Egress = {
  port: () => true,
  address: (ip) => isPublic(ip) || isLoopback(ip),
};

/**
 * A host that listens on loopback alone, for other hosts and for clients, and has no proxy that lets in others, is one that
 * nobody else reaches, so that those who may name endpoints are on this machine already.
 */
export function egressOf({ listen, api }: Config): Egress {
  const listens = [...listen, ...api === null ? [] : [api.listen]];
  const isBehind = api !== null && (api.trusted_proxies.length > 0 ||
    api.public_url !== null && !isThisMachine(api.public_url));
  return listens.every(({ ip }) => isLoopback(ip)) && !isBehind ? THIS_MACHINE : INTERNET;
}

/** What is wrong with an endpoint, to be put behind its name; null when it may be one. Its addresses are looked at later. */
export function endpointProblem(endpoint: string, egress: Egress): string | null {
  const url = URL.parse(endpoint);
  if (url === null || url.protocol !== "https:" || url.username !== "" || url.password !== "") {
    return "has to be an https URL without user and password";
  }
  if (canonicalIp(url.hostname.replace(/^\[|\]$/g, "")) !== null) {
    return "has to have a name as its host, not an IP address";
  }
  return egress.port(portOf(url)) ? null : "has to be on port 443";
}

/** Of an https URL. */
export function portOf({ port }: URL): number {
  return port === "" ? 443 : Number(port);
}

function isLoopback(ip: string): boolean {
  const address = canonicalIp(ip);
  return address !== null && ipaddr.parse(address).range() === "loopback";
}
