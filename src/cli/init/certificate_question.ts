// Where the certificate comes from: asked, with what belongs to each way.

import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { certificateFile, LETS_ENCRYPT } from "../../certificate/acme/mod.ts";
import { CertificateError, loadCertificate } from "../../certificate/load.ts";
import { parsePath } from "../../config/leaf.ts";
import { shownDomain } from "../addresses.ts";
import { UsageError } from "../context.ts";
import { authorityName, termsUrl } from "./acme.ts";
import type { CertificateChoice } from "./answers.ts";
import type { Asker } from "./asker.ts";
import { type CertificateKind, type Given, parseEmail, problemOf } from "./flags.ts";
import type { Existing } from "./found.ts";

interface ChosenCertificate {
  readonly choice: CertificateChoice;
  /** The authority's terms were agreed to; false where there are none. */
  readonly agreed: boolean;
  /** What is wrong with it although it can be used, a sentence each. */
  readonly notes: readonly string[];
}

export interface Circumstances {
  readonly domain: string;
  readonly dataDir: string;
  readonly existing: Existing | null;
  /** The file of tls.ca, if there is one. */
  readonly roots: string | undefined;
}

type Acme = Extract<CertificateChoice, { kind: "acme" }>;
type Files = Extract<CertificateChoice, { kind: "files" }>;

/** Throws a CertificateError when files are named that cannot be used. */
export async function askCertificate(
  given: Given,
  at: Circumstances,
  asker: Asker | null,
): Promise<ChosenCertificate> {
  const before = at.existing?.answers.certificate ?? null;
  for (;;) {
    const kind = given.certificate ?? await askKind(before?.kind ?? "acme", at.domain, asker);
    switch (kind) {
      case "self-made":
        return { choice: { kind }, agreed: false, notes: [] };
      case "files": {
        const choice = await askFiles(given, before?.kind === "files" ? before : null, at, asker);
        const { warnings } = loadCertificate(choice, `fmsg.${at.domain}`);
        return { choice, agreed: false, notes: warnings };
      }
      case "acme": {
        const earlier = before?.kind === "acme" ? before : null;
        const choice: Acme = {
          kind,
          email: given.email ?? await askEmail(earlier?.email ?? null, asker),
          directory: given.directory ?? earlier?.directory ?? LETS_ENCRYPT,
          listen: given.acmeListen ?? earlier?.listen ?? null,
        };
        const agreed = given.agreed ||
          earlier?.directory === choice.directory && hasAsked(at.dataDir) ||
          asker !== null && await agrees(choice, at, asker);
        if (agreed || asker === null) return { choice, agreed, notes: [] };
        if (given.certificate !== undefined) {
          throw new UsageError(
            "There is no certificate without agreeing: choose --certificate files or self-made",
          );
        }
        asker.say("Then it cannot come from there: choose another way, or leave with Ctrl-C.");
      }
    }
  }
}

/** Where an authority was asked before, its terms were agreed to. */
function hasAsked(dataDir: string): boolean {
  return existsSync(dirname(certificateFile(dataDir)));
}

async function askKind(
  first: CertificateKind,
  domain: string,
  asker: Asker | null,
): Promise<CertificateKind> {
  if (asker === null) return first;
  return await asker.choose<CertificateKind>({
    message: `The certificate for fmsg.${shownDomain(domain)}`,
    choices: [
      { value: "acme", label: "Free from Let's Encrypt: the host gets and renews it (ACME)" },
      { value: "files", label: "From files that I have" },
      { value: "self-made", label: "Self-made, for a private network" },
    ],
    first,
  });
}

async function askFiles(
  given: Given,
  before: Files | null,
  { domain }: Circumstances,
  asker: Asker | null,
): Promise<Files> {
  const isPath = (text: string): string | null => problemOf(() => parsePath(text));
  const isThere = (text: string): string | null =>
    isPath(text) ?? (existsSync(text) ? null : `There is no file ${resolve(text)}`);
  const cert = given.cert ?? await asker?.text({
    message: "The certificate with its chain, a file in PEM",
    fallback: before?.cert ?? null,
    example: "/etc/letsencrypt/live/…/fullchain.pem",
    problem: isThere,
  }) ?? before?.cert;
  if (cert === undefined) throw new UsageError("Name the files: --cert FILE --key FILE");
  const key = given.key ?? await asker?.text({
    message: "Its private key, a file in PEM",
    fallback: before?.key ?? null,
    example: "/etc/letsencrypt/live/…/privkey.pem",
    problem: (text) =>
      isPath(text) ?? pairProblem({ cert: resolve(cert), key: resolve(text) }, `fmsg.${domain}`),
  }) ?? before?.key;
  if (key === undefined) throw new UsageError("Name the files: --cert FILE --key FILE");
  return { kind: "files", cert: resolve(cert), key: resolve(key) };
}

function pairProblem(files: { cert: string; key: string }, name: string): string | null {
  try {
    loadCertificate(files, name);
    return null;
  } catch (error) {
    if (error instanceof CertificateError) return error.message;
    throw error;
  }
}

async function askEmail(before: string | null, asker: Asker | null): Promise<string | null> {
  const email = await asker?.text({
    message: "Your e-mail address, for the authority's warnings (may be empty)",
    fallback: before,
    example: "me@example.com",
    problem: (text) => text === "" ? null : problemOf(() => parseEmail(text)),
  }) ?? before;
  return email === "" ? null : email;
}

async function agrees(choice: Acme, at: Circumstances, asker: Asker): Promise<boolean> {
  const terms = await termsUrl(choice, at.domain, at.roots);
  const where = terms ?? "It does not answer now; they are on its web site.";
  return await asker.confirm(
    `Do you agree to the terms of ${authorityName(choice)}?\n${asker.style.dim(where)}`,
    true,
  );
}
