// Certificates for private networks, demonstrations and tests: an authority of one's own and what it issues.
// Import this module lazily: it is the only one that loads @peculiar/x509, which costs start-up time.

// @peculiar/x509 needs the metadata API in place before it is evaluated.
import "reflect-metadata";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonGeneralNames,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { createPrivateKey, X509Certificate as NodeCertificate } from "node:crypto";
import { isIP } from "node:net";

/** A certificate (PEM, only the leaf) and its private key (PKCS #8 PEM). Both end with a newline. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
}

/** What may be asked of a certificate. Without dates it is valid from one hour ago, for `days`. */
export interface IssueOptions {
  /** From `notBefore` to `notAfter`, where the latter is not given. Default 90. */
  readonly days?: number;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** DNS names and IP addresses it is valid for besides the first name. */
  readonly names?: readonly string[];
}

/** A certificate authority with its private key. */
export interface Authority {
  /** Its certificate, for those who are to trust it. */
  readonly pem: string;
  /** Its private key (PKCS #8): with `pem` it makes the same authority again, by `loadAuthority`. */
  readonly keyPem: string;
  /**
   * A certificate for `dnsName` with a fresh key. It never outlives the authority unless `notAfter` says so.
   * Throws `MakeCertificateError`.
   */
  issue(dnsName: string, options?: IssueOptions): Promise<Issued>;
}

/** A certificate could not be made, or an authority not be loaded. */
export class MakeCertificateError extends Error {
  override name = "MakeCertificateError";
}

/** A new authority, valid for 10 years. `name` is what certificate viewers show, at most 64 characters. */
export async function makeAuthority(name: string): Promise<Authority> {
  if (name === "" || name.length > MAX_COMMON_NAME) {
    throw new MakeCertificateError(
      `Making an authority: its name has ${name.length} characters, wanted 1 to ${MAX_COMMON_NAME}; choose another name`,
    );
  }
  const keys = await makeKeys();
  const notBefore = anHourAgo();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: commonName(name),
    serialNumber: randomSerial(),
    notBefore,
    notAfter: daysAfter(notBefore, AUTHORITY_DAYS),
    keys,
    extensions: [
      // It issues to hosts only, so no authority may stand between.
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return authority(certificate, keys.privateKey, await privateKeyPem(keys.privateKey));
}

/** The authority that `pem` and `keyPem` of an earlier one describe. Throws `MakeCertificateError`. */
export async function loadAuthority(pem: string, keyPem: string): Promise<Authority> {
  let certificate: X509Certificate;
  let key: CryptoKey;
  let belongTogether: boolean;
  try {
    certificate = new X509Certificate(pem);
    const der = PemConverter.decodeFirst(keyPem);
    key = await crypto.subtle.importKey("pkcs8", der, EC, EXTRACTABLE, ["sign"]);
    belongTogether = new NodeCertificate(pem).checkPrivateKey(createPrivateKey(keyPem));
  } catch (cause) {
    throw new MakeCertificateError(
      "Loading an authority: wanted a PEM certificate and its P-256 private key as PKCS #8 PEM; give both files as they were written",
      { cause },
    );
  }
  if (!certificate.getExtension(BasicConstraintsExtension)?.ca) {
    throw new MakeCertificateError(
      `Loading an authority: the certificate of "${certificate.subject}" is not an authority's; give the one that issues`,
    );
  }
  if (!belongTogether) {
    throw new MakeCertificateError(
      `Loading an authority: the private key is not the one of "${certificate.subject}"; give the two files that were written together`,
    );
  }
  return authority(certificate, key, keyPem);
}

/** A certificate for `dnsName` that nobody vouches for. Throws `MakeCertificateError`. */
export async function selfSigned(dnsName: string, options: IssueOptions = {}): Promise<Issued> {
  const names = subjectNames(dnsName, options);
  const validity = validityOf(dnsName, options);
  const keys = await makeKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...names.subject && { name: names.subject },
    serialNumber: randomSerial(),
    ...validity,
    keys,
    extensions: [...leafExtensions(), names.extension],
  });
  return { cert: certificatePem(certificate), key: await privateKeyPem(keys.privateKey) };
}

function authority(certificate: X509Certificate, key: CryptoKey, keyPem: string): Authority {
  return {
    pem: certificatePem(certificate),
    keyPem,
    issue: (dnsName, options = {}) => issue(certificate, key, dnsName, options),
  };
}

async function issue(
  issuer: X509Certificate,
  signingKey: CryptoKey,
  dnsName: string,
  options: IssueOptions,
): Promise<Issued> {
  const names = subjectNames(dnsName, options);
  const validity = validityOf(dnsName, options, issuer.notAfter);
  const keys = await makeKeys();
  const certificate = await X509CertificateGenerator.create({
    ...names.subject && { subject: names.subject },
    issuer: issuer.subjectName,
    serialNumber: randomSerial(),
    ...validity,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      ...leafExtensions(),
      names.extension,
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return { cert: certificatePem(certificate), key: await privateKeyPem(keys.privateKey) };
}

function leafExtensions(): Extension[] {
  return [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    // A host is server and client with one certificate.
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
  ];
}

function subjectNames(
  dnsName: string,
  options: IssueOptions,
): { subject: Name | undefined; extension: SubjectAlternativeNameExtension } {
  const names: JsonGeneralNames = [dnsName, ...options.names ?? []].map((value) => {
    if (isIP(value) !== 0) return { type: "ip", value };
    if (!DNS_NAME.test(value) || value.length > MAX_DNS_NAME) {
      throw new MakeCertificateError(
        `Making a certificate: ${
          JSON.stringify(value)
        } is neither a DNS name of ASCII letters, digits, hyphens and dots nor an IP address; write an international name in its xn-- form`,
      );
    }
    return { type: "dns", value };
  });
  // A longer name does not fit the subject, and without a subject RFC 5280 4.2.1.6 wants the extension critical.
  const subject = dnsName.length <= MAX_COMMON_NAME ? commonName(dnsName) : undefined;
  return {
    subject,
    extension: new SubjectAlternativeNameExtension(names, subject === undefined),
  };
}

function validityOf(
  dnsName: string,
  options: IssueOptions,
  latest = new Date(8.64e15),
): { notBefore: Date; notAfter: Date } {
  const notBefore = wholeSeconds(options.notBefore ?? anHourAgo());
  const wanted = daysAfter(notBefore, options.days ?? LEAF_DAYS);
  const notAfter = wholeSeconds(options.notAfter ?? (wanted < latest ? wanted : latest));
  // Written so that an invalid date, which compares as false, is refused too.
  if (!(notAfter > notBefore)) {
    throw new MakeCertificateError(
      `Making a certificate for ${dnsName}: it would be valid from ${String(notBefore)} to ${
        String(notAfter)
      }, wanted an end after the start; check the dates, the number of days and that the authority has not expired`,
    );
  }
  return { notBefore, notAfter };
}

const EC = { name: "ECDSA", namedCurve: "P-256" };
const EXTRACTABLE = true;
const AUTHORITY_DAYS = 3653;
const LEAF_DAYS = 90;
const MAX_COMMON_NAME = 64;
const MAX_DNS_NAME = 253;
const DNS_NAME =
  /^(\*\.)?[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)*$/i;

function makeKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(EC, EXTRACTABLE, ["sign", "verify"]);
}

/** As an object, because the library gives some characters of a bare string a meaning of their own. */
function commonName(text: string): Name {
  return new Name([{ CN: [{ utf8String: text }] }]);
}

/** 16 random bytes as hexadecimal, with the highest bits 01: positive and never shorter. */
function randomSerial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0] ?? 0) & 0x3f | 0x40;
  return bytes.toHex();
}

/** A peer's clock may be slow: what is made now has to be valid there as well. */
function anHourAgo(): Date {
  return wholeSeconds(new Date(Date.now() - 3_600_000));
}

/** RFC 5280 4.1.2.5 has no fractions of a second. */
function wholeSeconds(date: Date): Date {
  return new Date(Math.floor(date.getTime() / 1000) * 1000);
}

function daysAfter(date: Date, days: number): Date {
  return new Date(date.getTime() + days * 86_400_000);
}

function certificatePem(certificate: X509Certificate): string {
  return certificate.toString("pem") + "\n";
}

async function privateKeyPem(key: CryptoKey): Promise<string> {
  return PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY") + "\n";
}
