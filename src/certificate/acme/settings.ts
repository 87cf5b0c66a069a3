// What has to be known to get a certificate, and where it is kept.

import { join } from "node:path";
import type { Acme, Endpoint } from "../../config.ts";

/** The directory that is asked unless tls.acme.directory says otherwise. */
export const LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory";

export interface AcmeSettings {
  /** The URL of the authority's directory (RFC 8555 7.1.1). */
  readonly directory: string;
  /** Where the authority writes when something is wrong; null: nowhere. */
  readonly email: string | null;
  /** The name the certificate is for: `fmsg.<domain>`, in A-labels. */
  readonly name: string;
  /** Where the authority's requests arrive, see `challengeEndpoints`. */
  readonly listen: readonly Endpoint[];
  /** Account keys, the certificate and what was tried are kept in its folder `acme`. It has to exist. */
  readonly dataDir: string;
  /** The text of tls.ca: roots in PEM that are trusted besides those of the runtime and the system; null: none. */
  readonly extraRoots: string | null;
}

/** The port that HTTP-01 asks (RFC 8555 8.3). */
const HTTP_PORT = 80;

/** Where HTTP-01 is answered: tls.acme.listen, or else port 80 of the addresses that the host listens on. */
export function challengeEndpoints(
  { listen }: Pick<Acme, "listen">,
  hostListens: readonly Endpoint[],
): Endpoint[] {
  if (listen !== null) return [...listen];
  return [...new Set(hostListens.map(({ ip }) => ip))].map((ip) => ({ ip, port: HTTP_PORT }));
}

/** The certificate with its chain, and its private key: one file, so that they always belong together. */
export function certificateFile(dataDir: string): string {
  return join(stateFolder(dataDir), "certificate.pem");
}

export function stateFolder(dataDir: string): string {
  return join(dataDir, "acme");
}
