// The host's certificate from a pair of files.

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { type Certificate, checkCertificate } from "../net/mod.ts";

/** The certificate cannot be used; the message says which file, why, and what to do. */
export class CertificateError extends Error {
  override readonly name = "CertificateError";
}

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
  const cert = read(files.cert, "tls.cert");
  const key = read(files.key, "tls.key");
  const parsed = parse(cert, files.cert);
  try {
    checkCertificate({ cert, key });
  } catch (error) {
    throw new CertificateError(
      `tls.key: the key in ${files.key} cannot be used with the certificate in ${files.cert} (${
        describe(error)
      })`,
      { cause: error },
    );
  }
  if (!parsed.checkPrivateKey(privateKey(key, files.key))) {
    throw new CertificateError(
      `tls.key: ${files.key} is not the key of the certificate in ${files.cert}`,
    );
  }
  const warnings: string[] = [];
  if (parsed.checkHost(serverName) === undefined) {
    warnings.push(
      `the certificate in ${files.cert} is not for ${serverName}: other hosts will not connect (${parsed.subjectAltName})`,
    );
  }
  if (parsed.validToDate < now) {
    warnings.push(`the certificate in ${files.cert} expired on ${parsed.validTo}`);
  }
  if (parsed.validFromDate > now) {
    warnings.push(`the certificate in ${files.cert} is valid from ${parsed.validFrom} on`);
  }
  return { cert, key, expires: parsed.validToDate, warnings };
}

/** Something that changes when either file does. */
export function fingerprint(files: CertificateFiles): string {
  return [files.cert, files.key].map((file) => {
    const { mtimeMs, size, ino } = statSync(file);
    return `${mtimeMs} ${size} ${ino}`;
  }).join(" ");
}

function read(file: string, key: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new CertificateError(`${key}: cannot read ${file}: ${describe(error)}`, { cause: error });
  }
}

function parse(pem: string, file: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new CertificateError(`tls.cert: ${file} holds no certificate in PEM form`, {
      cause: error,
    });
  }
}

function privateKey(pem: string, file: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw new CertificateError(`tls.key: ${file} holds no private key in PEM form`, {
      cause: error,
    });
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
