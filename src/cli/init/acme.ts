// The authority that is asked for a certificate by ACME, as the wizard deals with it.

import { readFileSync } from "node:fs";
import {
  AcmeError,
  type AcmeStep,
  challengeEndpoints,
  LETS_ENCRYPT,
  obtainCertificate,
  stepText,
  termsOf,
} from "../../certificate/acme/mod.ts";
import type { Acme, Config } from "../../config.ts";

export type CertificateOutcome =
  | { readonly state: "obtained"; readonly expires: Date }
  | { readonly state: "there" }
  | { readonly state: "left to the host" }
  /** The host goes on trying. */
  | { readonly state: "failed"; readonly reason: string };

export function authorityName({ directory }: Pick<Acme, "directory">): string {
  return directory === LETS_ENCRYPT ? "Let's Encrypt" : new URL(directory).host;
}

/** Where its terms are; null when it does not tell now. */
export async function termsUrl(
  { directory }: Pick<Acme, "directory">,
  domain: string,
  rootsFile: string | undefined,
): Promise<string | null> {
  try {
    const settings = { directory, name: `fmsg.${domain}`, extraRoots: rootsOf(rootsFile) };
    return (await termsOf(settings, AbortSignal.timeout(TERMS_MS))).termsOfService;
  } catch (error) {
    if (error instanceof AcmeError || error instanceof DOMException) return null;
    throw error;
  }
}

const TERMS_MS = 5000;

/** Gets the certificate of a configuration that is in place. Never rejects: there is a host that will try again. */
export async function tryCertificate(
  config: Config,
  acme: Acme,
  { signal, progress }: { signal: AbortSignal; progress: (line: string) => void },
): Promise<CertificateOutcome> {
  const settings = {
    directory: acme.directory,
    email: acme.email,
    name: `fmsg.${config.domain}`,
    listen: challengeEndpoints(acme, config.listen),
    dataDir: config.data_dir,
    extraRoots: rootsOf(config.tls?.ca),
  };
  try {
    const { expires } = await obtainCertificate(settings, {
      signal,
      progress: told(progress),
    });
    return { state: "obtained", expires };
  } catch (error) {
    if (signal.aborted) return { state: "left to the host" };
    return { state: "failed", reason: error instanceof Error ? error.message : String(error) };
  }
}

/** An authority that validates from several places asks from each of them: the first is told. */
export function told(progress: (line: string) => void): (step: AcmeStep) => void {
  let asked = false;
  return (step) => {
    const isAgain = step.kind === "requested" && asked;
    asked ||= step.kind === "requested";
    if (!isAgain) progress(stepText(step));
  };
}

/** Null where there are none; what cannot be read, the host itself complains of. */
function rootsOf(file: string | undefined): string | null {
  if (file === undefined) return null;
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}
