// The certificate that was got before.

import { X509Certificate } from "node:crypto";
import { CertificateError, loadCertificate } from "../load.ts";
import type { Validity } from "./renewal.ts";
import { type AcmeSettings, certificateFile } from "./settings.ts";
import { readCertificateFile } from "./state.ts";

/** How long it is valid; null when there is none of this authority for this name, or the host could not serve it. */
export function certificateFor(
  { directory, name, dataDir }: Pick<AcmeSettings, "directory" | "name" | "dataDir">,
): Validity | null {
  if (readCertificateFile(dataDir)?.origin !== directory) return null;
  const file = certificateFile(dataDir);
  try {
    const leaf = new X509Certificate(loadCertificate({ cert: file, key: file }, name).cert);
    const names = (leaf.subjectAltName ?? "").toLowerCase().split(", ");
    if (!names.includes(`dns:${name}`)) return null;
    return { notBefore: leaf.validFromDate.getTime(), notAfter: leaf.validToDate.getTime() };
  } catch (error) {
    if (error instanceof CertificateError) return null;
    throw error;
  }
}
