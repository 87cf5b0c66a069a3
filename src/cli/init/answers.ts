// What the wizard has to know before it writes anything.

import type { Acme, Endpoint } from "../../config.ts";

export interface Answers {
  /** As it is in DNS: A-labels, lower case. */
  readonly domain: string;
  /** Where fmsg.yaml goes; absolute. */
  readonly configFile: string;
  /** Absolute. */
  readonly dataDir: string;
  readonly listen: readonly Endpoint[];
  readonly certificate: CertificateChoice;
  /** A file of roots to trust besides the system's; absolute; null: none, or the one that is configured already. */
  readonly roots: string | null;
  /** The address of the first user, as typed; null: none is added. */
  readonly user: string | null;
  readonly api: ApiChoice;
  /** Where the systemd unit goes; absolute; null: none is written. */
  readonly unitFile: string | null;
  /** The executable that the unit starts; absolute. */
  readonly program: string;
}

export type CertificateChoice =
  | { readonly kind: "acme" } & Acme
  | { readonly kind: "files"; readonly cert: string; readonly key: string }
  /** An authority of one's own and a certificate from it, for private networks. */
  | { readonly kind: "self-made" };

/** The client interface: none, plain HTTP on loopback for a reverse proxy, or by the host itself on port 443. */
export type ApiChoice = "none" | "local" | "public";
