// The host's certificate from a pair of files.

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { type Certificate, checkCertificate } from "../net/mod.ts";

/** The certificate cannot be used; the message says which file, why, and what to do. */
export class CertificateError extends Error {
  override readonly name = "CertificateError";
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const PRIVATE_KEY =
  /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----[\s\S]+?-----END (?:[A-Z]+ )?PRIVATE KEY-----/;

/** Types of keys, and curves of those on elliptic curves, that the runtime signs handshakes with. */
const USABLE_KEYS: readonly string[] = ["prime256v1", "secp384r1", "secp521r1", "rsa", "ed25519"];

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

export interface LoadedCertificate extends Certificate {
  readonly expires: Date;
  /** What is wrong with it although it can be served, such as another name or a date; empty when nothing is. */
  readonly warnings: readonly string[];
}

/** Reads a certificate for `serverName` and its key. Throws a CertificateError when it cannot be served at all. */
export function loadCertificate(
  files: CertificateFiles,
  serverName: string,
  now = new Date(),
): LoadedCertificate {
  const chain = chainIn(read(files.cert, "tls.cert"), files.cert);
  const [leaf] = chain;
  const key = keyIn(read(files.key, "tls.key"), files.key);
  const cert = chain.map((certificate) => certificate.toString()).join("");
  checkPair(leaf, { cert, key }, files);
  const warnings: string[] = [];
  if (!isFor(leaf, serverName)) {
    warnings.push(
      `the certificate in ${files.cert} is not for ${serverName}: other hosts will not connect (it is for ${
        leaf.subjectAltName ?? "no name"
      })`,
    );
  }
  if (leaf.validToDate < now) {
    warnings.push(`the certificate in ${files.cert} expired on ${leaf.validTo}`);
  }
  if (leaf.validFromDate > now) {
    warnings.push(`the certificate in ${files.cert} is valid from ${leaf.validFrom} on`);
  }
  return { cert, key, expires: leaf.validToDate, warnings };
}

/** Something that changes when either file does. */
export function fingerprint(files: CertificateFiles): string {
  return [files.cert, files.key].map((file) => {
    const stat = statSync(file, { throwIfNoEntry: false });
    return stat === undefined ? "missing" : `${stat.mtimeMs} ${stat.size} ${stat.ino}`;
  }).join(" ");
}

function read(file: string, key: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new CertificateError(`${key}: cannot read ${file}: ${describe(error)}`, { cause: error });
  }
}

/** The certificates of a file, among whatever else it holds: text of tools, or the key. */
function chainIn(text: string, file: string): [X509Certificate, ...X509Certificate[]] {
  const blocks = text.match(CERTIFICATE) ?? [];
  if (text.split("-----BEGIN CERTIFICATE-----").length - 1 > blocks.length) {
    throw new CertificateError(`tls.cert: ${file} ends within a certificate; copy it again, whole`);
  }
  const chain = blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (error) {
      throw new CertificateError(
        `tls.cert: certificate ${index + 1} of ${blocks.length} in ${file} cannot be read (${
          describe(error)
        })`,
        { cause: error },
      );
    }
  });
  const [leaf, ...others] = chain;
  if (leaf === undefined) {
    throw new CertificateError(
      `tls.cert: ${file} holds no certificate in PEM form ("-----BEGIN CERTIFICATE-----")`,
    );
  }
  return [leaf, ...others];
}

/** The private key of a file, among whatever else it holds. */
function keyIn(text: string, file: string): string {
  const block = text.match(PRIVATE_KEY)?.[0];
  if (block === undefined) {
    throw new CertificateError(
      `tls.key: ${file} holds no private key in PEM form ("-----BEGIN PRIVATE KEY-----")`,
    );
  }
  if (block.includes("ENCRYPTED")) {
    throw new CertificateError(
      `tls.key: the private key in ${file} is encrypted, and nobody is there to ask for its password; write it without one, as "openssl pkey -in ${file}" does`,
    );
  }
  return block + "\n";
}

/** The runtime finds out only at the first handshake what it cannot use, and then no connection is served. */
function checkPair(leaf: X509Certificate, pair: Certificate, files: CertificateFiles): void {
  const key = privateKey(pair.key, files.key);
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  const kind = type === "ec" ? details?.namedCurve ?? type : type ?? "";
  if (!USABLE_KEYS.includes(kind)) {
    throw new CertificateError(
      `tls.key: the key in ${files.key} is of the kind ${kind}, which cannot be used here; get a certificate for a key of ECDSA P-256 or RSA`,
    );
  }
  if (!leaf.checkPrivateKey(key)) {
    throw new CertificateError(
      `tls.key: ${files.key} is not the key of the first certificate in ${files.cert}`,
    );
  }
  try {
    checkCertificate(pair);
  } catch (error) {
    throw new CertificateError(
      `tls.key: the key in ${files.key} cannot be used with the certificate in ${files.cert} (${
        describe(error)
      })`,
      { cause: error },
    );
  }
}

function privateKey(pem: string, file: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw new CertificateError(
      `tls.key: the private key in ${file} cannot be read (${describe(error)})`,
      { cause: error },
    );
  }
}

/** By its alternative names, as clients look at it; the runtime's `checkHost` knows no wildcards and no letter case. */
function isFor({ subjectAltName }: X509Certificate, name: string): boolean {
  const names = (subjectAltName ?? "").toLowerCase().split(", ");
  return names.includes(`dns:${name}`) || names.includes(`dns:${name.replace(/^[^.]+/, "*")}`);
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
