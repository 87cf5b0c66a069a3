// Certificates as an authority for tests makes them: from a certificate request (RFC 8555 7.4).

// @peculiar/x509 needs the metadata API in place before it is evaluated.
import "reflect-metadata";
import {
  BasicConstraintsExtension,
  PemConverter,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { Buffer } from "node:buffer";
import type { Authority } from "../../src/certificate/make.ts";

const SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";
const P256 = { name: "ECDSA", namedCurve: "P-256" };

export interface Wanted {
  /** Base64url of DER. */
  readonly csr: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Another name than the one that was asked for. */
  readonly name?: string;
}

/** The leaf in PEM. Throws when the request is not signed by its key. */
export async function issueFor(authority: Authority, wanted: Wanted): Promise<string> {
  const request = new Pkcs10CertificateRequest(Buffer.from(wanted.csr, "base64url"));
  if (!await request.verify()) throw new Error("The request is not signed by its key");
  // A common name is of no use to anybody, and is too short for some names.
  if (request.subject !== "") throw new Error(`The request is for "${request.subject}"`);
  const names = request.extensions.find(({ type }) => type === SUBJECT_ALTERNATIVE_NAME);
  if (names === undefined) throw new Error("The request has no names");
  const certificate = await X509CertificateGenerator.create({
    issuer: new X509Certificate(authority.pem).subjectName,
    serialNumber: crypto.randomUUID().replaceAll("-", "").replace(/^./, "4"),
    notBefore: wanted.notBefore,
    notAfter: wanted.notAfter,
    publicKey: await request.publicKey.export(),
    signingKey: await crypto.subtle.importKey(
      "pkcs8",
      PemConverter.decodeFirst(authority.keyPem),
      P256,
      false,
      ["sign"],
    ),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      wanted.name === undefined
        ? names
        : new SubjectAlternativeNameExtension([{ type: "dns", value: wanted.name }]),
    ],
  });
  return certificate.toString("pem") + "\n";
}
