// Which certificate authorities are trusted: those of the runtime and of the system, and what the operator adds.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { rootCertificates } from "node:tls";

/** What a client trusts. */
export interface Roots {
  /**
   * All of it is, as far as can be told, in the runtime's default store, with which a client resumes sessions. The
   * store may have been filled before, by a download of this program's packages for instance; then it lacks them.
   */
  readonly inDefaultStore: boolean;
  /** The same for a context of its own, which does not resume sessions. */
  explicit(): string[];
}

/** Where systems keep their bundle of roots. */
const SYSTEM_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/cert.pem",
];

/** What the runtime's default store was given in this process, once it was. */
let given: string | null = null;

/**
 * Trusts the roots of the runtime and of the system, and `extra` (PEM). The runtime reads additions to its default
 * store once, at the first connection, from the file that DENO_CERT names; it is written to `file`, which has to stay
 * until then. The first caller decides: one that needs others later gets them explicitly, and does not resume sessions.
 */
export function useRoots(extra: string | null, file: string): Roots {
  if (extra !== null && certificatesIn(extra).length === 0) {
    throw new Error('tls.ca holds no certificate in PEM form ("-----BEGIN CERTIFICATE-----")');
  }
  const operators = readIfThere(Deno.env.get("DENO_CERT"));
  const wanted = [systemRoots(), extra].filter((pem) => pem !== null).join("\n");
  if (given === null) {
    given = wanted;
    const all = [wanted, operators].filter((pem) => pem !== null).join("\n");
    // On a full disk there may be no room to write the same again.
    if (readIfThere(file) !== all) writeFileSync(file, all);
    Deno.env.set("DENO_CERT", file);
  }
  return {
    inDefaultStore: given === wanted,
    explicit: () => [...rootCertificates, ...certificatesIn([wanted, operators ?? ""].join("\n"))],
  };
}

/** The same trust for a context of its own, without a file and without a change of the default store. */
export function explicitRoots(extra: string | null): string[] {
  const operators = readIfThere(Deno.env.get("DENO_CERT"));
  const pem = [systemRoots(), extra, operators].filter((pem) => pem !== null).join("\n");
  return [...rootCertificates, ...certificatesIn(pem)];
}

function readIfThere(file: string | undefined): string | null {
  return file !== undefined && existsSync(file) ? readFileSync(file, "utf8") : null;
}

/** The system's bundle of roots in PEM; null where there is none. */
export function systemRoots(): string | null {
  const bundle = SYSTEM_BUNDLES.find((file) => existsSync(file));
  return bundle === undefined ? null : readFileSync(bundle, "utf8");
}

function certificatesIn(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}
