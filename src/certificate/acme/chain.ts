// Is what the authority gave a certificate that can be served?

import { createPrivateKey, X509Certificate } from "node:crypto";
import { checkCertificate } from "../../net/mod.ts";
import { AcmeError } from "./error.ts";
import { oneLine, textOf } from "./http.ts";

interface Chain {
  /** PEM, the host's certificate first. */
  readonly pem: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** A chain that the RFC allows may be any length; those that are in use have two to four. */
const MAX_CERTIFICATES = 10;

/** How far a clock may be wrong without a word about it. */
const SKEW_MS = 3600_000;

/**
 * Reads the certificates in `text`, among other things perhaps, and sees that they fit `key`, `name`, the time and each
 * other. Throws an AcmeError (`bad certificate`, `clock`).
 */
export function checkChain(
  text: string,
  { key, name, now }: { readonly key: string; readonly name: string; readonly now: number },
): Chain {
  const blocks = text.match(CERTIFICATE) ?? [];
  const certificates = blocks.map(read);
  const [leaf] = certificates;
  if (leaf === undefined || blocks.length > MAX_CERTIFICATES) {
    throw unusable(`${blocks.length} certificates came, wanted 1 to ${MAX_CERTIFICATES}`);
  }
  if (!leaf.checkPrivateKey(createPrivateKey(key))) throw unusable("it is for another key");
  const names = leaf.subjectAltName ?? "no name";
  if (!names.toLowerCase().split(", ").includes(`dns:${name}`)) {
    throw unusable(`it is for ${oneLine(names)}, not for ${name}`);
  }
  const { validFromDate: notBefore, validToDate: notAfter } = leaf;
  if (notBefore.getTime() > now + SKEW_MS) {
    // The certificate is good, and is fetched again when the clock is right: no other has to be made.
    throw new AcmeError("clock", `The authority's certificate ${when(leaf, now)}; set it right`);
  }
  if (notAfter.getTime() <= now) throw unusable(`it ${when(leaf, now)}`);
  certificates.slice(1).forEach((issuer, index) => {
    if (certificates[index]?.verify(issuer.publicKey) !== true) {
      throw unusable(`certificate ${index + 1} is not signed by the one behind it`);
    }
  });
  const pem = blocks.join("\n") + "\n";
  try {
    checkCertificate({ cert: pem, key });
  } catch (error) {
    throw unusable(textOf(error), error);
  }
  return { pem, notBefore, notAfter };
}

function when({ validFrom, validTo }: X509Certificate, now: number): string {
  return `is valid from ${validFrom} to ${validTo}, but the clock of this machine says ${
    new Date(now).toISOString()
  }`;
}

function read(block: string): X509Certificate {
  try {
    return new X509Certificate(block);
  } catch (error) {
    throw unusable("it cannot be read", error);
  }
}

function unusable(why: string, cause?: unknown): AcmeError {
  return new AcmeError(
    "bad certificate",
    `The authority's certificate cannot be used: ${why}; the one before stays, choose another authority if this comes again`,
    { cause },
  );
}
