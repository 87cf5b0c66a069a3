// The own certificate, in its files: that it can be used, who may read its key, and that the running host shows it.

import { type KeyObject, X509Certificate } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { certificateFile } from "../certificate/acme/mod.ts";
import { loadCertificate } from "../certificate/load.ts";
import type { Config } from "../config.ts";
import type { Status } from "../host/mod.ts";
import { type Certificate, type Probe, ProbeRoots, rehearse, shownOf } from "../net/mod.ts";
import { judgeCertificate, type Whose } from "./certificate.ts";
import { type Finding, findingsOn, wordsOf } from "./finding.ts";
import type { Subject } from "./subject.ts";

const on = findingsOn("certificate");

/** The findings, and the fingerprint of what is in the file. */
export interface OwnCertificate {
  readonly findings: readonly Finding[];
  readonly fingerprint: string | null;
}

type Tls = NonNullable<Config["tls"]>;

export async function examineOwnCertificate(
  config: Config,
  subject: Subject,
): Promise<OwnCertificate> {
  const { tls } = config;
  if (tls === null) {
    const none = on.fail(
      "certificate",
      "There is no certificate: the host cannot run without one",
      'let "fmsg host init" see to it, or set tls.cert and tls.key in fmsg.yaml',
    );
    return { findings: [none], fingerprint: null };
  }
  const files = filesOf(tls, config.data_dir);
  if (tls.kind === "acme" && !existsSync(files.cert)) {
    const none = on.fail(
      "certificate",
      `There is no certificate yet from ${new URL(tls.directory).host}`,
      "start the host, if it does not run: it gets one, once DNS leads to this machine and port 80 is open to all; its log tells what it meets",
    );
    return { findings: [none], fingerprint: null };
  }
  try {
    const pair = loadCertificate(files, subject.name);
    const chain = pair.cert.match(/-----BEGIN CERTIFICATE-----/g)?.length ?? 0;
    const shown = shownOf(new X509Certificate(pair.cert));
    const whose: Whose = { kind: "own", renewal: renewalOf(tls), chain };
    const trust = await judgeTrust(pair, tls, subject, whose);
    const findings = [
      ...trust,
      ...judgeKey(new X509Certificate(pair.cert).publicKey, whose.renewal),
      ...judgeKeyAccess(files.key, modeOf(files.key)),
    ];
    return { findings, fingerprint: shown.fingerprint };
  } catch (error) {
    const unusable = on.fail(
      "certificate",
      wordsOf(error),
      "correct the files that tls.cert and tls.key of fmsg.yaml name, and who may read them",
    );
    return { findings: [unusable], fingerprint: null };
  }
}

/** The running host shows what is in the file, or else was not able to read it anew. */
export function judgeServed(
  served: string | null,
  inFile: string | null,
  warnings: readonly string[],
): Finding[] {
  if (served === null || inFile === null) return [];
  if (served === inFile) {
    return [on.ok("certificate-served", "The running host shows this certificate")];
  }
  const why = warnings.length === 0 ? "" : ` (${warnings.join("; ")})`;
  return [on.fail(
    "certificate-served",
    `The running host still shows another certificate than the one in the file${why}`,
    "type: systemctl reload fmsg, or send the host SIGHUP; its log tells why it keeps the old one",
  )];
}

/** What a running host tells of getting its certificate by itself. */
export function judgeRenewal({ expires, acme }: Status["certificate"]): Finding[] {
  if (acme === null) return [];
  if (acme.last_error === null && expires === null) {
    return [on.warning(
      "acme-renewal",
      "The host is getting its first certificate",
      "run the check again in a minute",
    )];
  }
  if (acme.last_error === null) {
    return [
      on.ok("acme-renewal", "The host gets its certificate by itself, and renews it in time"),
    ];
  }
  const next = acme.next_attempt === null
    ? "it tries now"
    : `the next attempt is at ${acme.next_attempt}`;
  const finding = expires === null ? on.fail : on.warning;
  return [finding(
    "acme-renewal",
    `The host could not get a certificate (tried ${acme.attempts}×): ${acme.last_error}`,
    `see to that; ${next}`,
  )];
}

/** As a host would judge it that trusts what this one does; one of a private authority is a warning. */
async function judgeTrust(
  pair: Certificate,
  tls: Tls,
  subject: Subject,
  whose: Whose,
): Promise<Finding[]> {
  const { name, roots, signal } = subject;
  const seen = await rehearse(pair, name, roots, signal);
  if (seen.kind !== "answered" || seen.certificate === null) {
    const why = seen.kind === "failed" ? `: ${seen.detail}` : "";
    return [on.warning(
      "certificate-chain",
      `Whether others would accept the certificate could not be tried on this machine${why}`,
      "run the check again",
    )];
  }
  const { certificate: shown, trusted, selfSigned, named } = seen;
  const findings = judgeCertificate(
    { shown, trusted, selfSigned, named },
    name,
    whose,
    Date.now() / 1000,
  );
  if (tls.ca === undefined || !trusted || await isTrustedByAll(pair, name, signal)) return findings;
  return findings.map((finding) =>
    finding.id !== "certificate-chain" ? finding : on.warning(
      "certificate-chain",
      `The certificate is trusted only thanks to tls.ca (${tls.ca})`,
      "that is for private networks: every other host has to name that root in its tls.ca, too",
    )
  );
}

async function isTrustedByAll(
  pair: Certificate,
  name: string,
  signal: AbortSignal,
): Promise<boolean> {
  const seen: Probe = await rehearse(pair, name, new ProbeRoots(null), signal);
  return seen.kind === "answered" && seen.trusted;
}

const MIN_RSA_BITS = 2048;

export function judgeKey(key: KeyObject, renewal: string): Finding[] {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  const bits = details?.modulusLength ?? MIN_RSA_BITS;
  if (type !== "rsa" || bits >= MIN_RSA_BITS) return [];
  return [on.fail(
    "certificate-key",
    `The key of the certificate is weak: RSA with ${bits} bits`,
    `make a new key, ECDSA P-256 or RSA with 2048 bits, and ${renewal}`,
  )];
}

export function judgeKeyAccess(file: string, mode: number | null): Finding[] {
  if (mode === null) return [];
  if ((mode & 0o007) === 0) {
    return [
      on.ok("certificate-key", "The key belongs to the certificate, and is closed to others"),
    ];
  }
  return [on.warning(
    "certificate-key",
    `Every user of this machine who gets at it can use the private key ${file}`,
    `type: chmod o-rwx ${file}`,
  )];
}

function filesOf(tls: Tls, dataDir: string): { readonly cert: string; readonly key: string } {
  switch (tls.kind) {
    case "files":
      return tls;
    case "acme": {
      const file = certificateFile(dataDir);
      return { cert: file, key: file };
    }
  }
}

function renewalOf(tls: Tls): string {
  switch (tls.kind) {
    case "files":
      return "renew it with the program that got it (certbot renew, for one), or let the host get one by itself: tls.acme in fmsg.yaml";
    case "acme":
      return "see in the log of the host why it could not renew it; port 80 has to be open to it";
  }
}

function modeOf(file: string): number | null {
  try {
    return statSync(file).mode;
  } catch {
    return null;
  }
}

/** The text of tls.ca; a text that is an error where it cannot be read. */
export function readRoots(
  { tls }: Config,
): { readonly pem: string | null; readonly problem: string | null } {
  if (tls?.ca === undefined) return { pem: null, problem: null };
  try {
    return { pem: readFileSync(tls.ca, "utf8"), problem: null };
  } catch (error) {
    return { pem: null, problem: wordsOf(error) };
  }
}
