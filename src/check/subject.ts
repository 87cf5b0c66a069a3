// What is examined, and with what: everything that the parts of an examination share.

import type { Config } from "../config.ts";
import { type Machine, type Mirror, ProbeRoots, type Server, THIS_MACHINE } from "../net/mod.ts";

/** Where the outside is asked; other places in tests. */
export interface Outside {
  readonly machine: Machine;
  /** Who tells from which address one comes; undefined: the usual ones. */
  readonly mirrors?: readonly Mirror[];
  /** Resolvers that see what the internet sees, and validate. */
  readonly publicServers: readonly Server[];
  /** The port of the name servers of a zone. */
  readonly nameServerPort: number;
  /** The name of servers that tell the time, and their port (RFC 5905). */
  readonly timeServers: { readonly name: string; readonly port: number };
  /** How long a host that does not run yet is waited for, in milliseconds. */
  readonly patience: number;
}

export const THE_INTERNET: Outside = {
  machine: THIS_MACHINE,
  publicServers: [{ ip: "1.1.1.1", port: 53 }, { ip: "9.9.9.9", port: 53 }],
  nameServerPort: 53,
  timeServers: { name: "pool.ntp.org", port: 123 },
  patience: 6000,
};

export interface Subject {
  /** In A-labels. */
  readonly domain: string;
  /** `fmsg.<domain>` */
  readonly name: string;
  /** The port that others use. */
  readonly port: number;
  /** One's own configuration; null where there is none, or where another's host is examined without it. */
  readonly config: Config | null;
  readonly roots: ProbeRoots;
  readonly outside: Outside;
  /** Ends everything. */
  readonly signal: AbortSignal;
}

/** How long a connection and its handshake may take, in milliseconds. */
export const PROBE_MS = 5000;

export const FMSG_PORT = 4930;
