// What Debian's pebble, an authority for tests (RFC 8555), is given, wherever it runs.

import { join } from "node:path";
import type { Authority } from "../../../src/certificate/make.ts";

export const PORT = 14000;
export const MANAGEMENT_PORT = 15000;

export interface PebbleOptions {
  /** For its files. */
  readonly folder: string;
  /** Of its own certificate. */
  readonly authority: Authority;
  /** Where it listens. */
  readonly ip: string;
  /** A name by which it is called, too. */
  readonly name?: string;
  /** The port that its validations ask. */
  readonly httpPort: number;
  /** The DNS server that it asks, with the port. */
  readonly dns: string;
  /** Further keys of its configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** With the changes of the protocol that are to come. */
  readonly strict?: boolean;
}

export interface PebbleSetUp {
  /** Paths, and what has to be in them. */
  readonly files: readonly (readonly [path: string, text: string])[];
  /** What to start then. */
  readonly argv: readonly [string, ...string[]];
}

export async function setUpPebble(options: PebbleOptions): Promise<PebbleSetUp> {
  const { folder, authority, ip, name = "pebble.test", httpPort, dns, strict = false } = options;
  const { cert, key } = await authority.issue(name, { names: [ip] });
  const certificate = join(folder, "cert.pem");
  const privateKey = join(folder, "key.pem");
  const config = join(folder, "pebble.json");
  const pebble = {
    listenAddress: `${ip}:${PORT}`,
    managementListenAddress: `${ip}:${MANAGEMENT_PORT}`,
    certificate,
    privateKey,
    httpPort,
    tlsPort: httpPort + 1,
    ...options.config,
  };
  return {
    files: [[certificate, cert], [privateKey, key], [config, JSON.stringify({ pebble })]],
    argv: ["pebble", "-config", config, "-dnsserver", dns, `-strict=${strict}`],
  };
}
