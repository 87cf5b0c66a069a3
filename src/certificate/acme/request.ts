// The certificate's key, and the request for its certificate (RFC 2986). Import lazily: loads @peculiar/x509.

// @peculiar/x509 needs the metadata API in place before it is evaluated.
import "reflect-metadata";
import {
  PemConverter,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
} from "@peculiar/x509";
import { Buffer } from "node:buffer";
import { createPublicKey } from "node:crypto";

const P256 = { name: "ECDSA", namedCurve: "P-256" };

/** A fresh private key (PKCS #8 PEM). */
export async function makeKey(): Promise<string> {
  const { privateKey } = await crypto.subtle.generateKey(P256, true, ["sign", "verify"]);
  return PemConverter.encode(await crypto.subtle.exportKey("pkcs8", privateKey), "PRIVATE KEY") +
    "\n";
}

/** A request for `name`, as it is sent: base64url of DER (RFC 8555 7.4). Throws when the key cannot be read. */
export async function makeRequest(name: string, key: string): Promise<string> {
  const privateKey = await crypto.subtle.importKey(
    "pkcs8",
    PemConverter.decodeFirst(key),
    P256,
    true,
    ["sign"],
  );
  const spki = createPublicKey(key).export({ type: "spki", format: "der" });
  const publicKey = await crypto.subtle.importKey("spki", new Uint8Array(spki), P256, true, [
    "verify",
  ]);
  const request = await Pkcs10CertificateRequestGenerator.create({
    keys: { privateKey, publicKey },
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    // The name stands here only: a subject holds 64 characters, and nobody looks at it.
    extensions: [new SubjectAlternativeNameExtension([{ type: "dns", value: name }])],
  });
  return Buffer.from(request.rawData).toString("base64url");
}
