// An authority of one's own and the host's certificate from it: those that are there, or new ones where they do not fit.

import { X509Certificate } from "node:crypto";
import type { Authority } from "../../certificate/make.ts";
import { loadCertificate } from "../../certificate/load.ts";
import type { Answers } from "./answers.ts";
import { type SelfMadeFiles, selfMadeFiles } from "./configuration.ts";
import { textOf } from "./found.ts";
import type { PlannedFile } from "./plan.ts";

export async function selfMade(answers: Answers): Promise<PlannedFile[]> {
  const files = selfMadeFiles(answers);
  const before = {
    cert: textOf(files.cert),
    key: textOf(files.key),
    authority: textOf(files.authority),
    authorityKey: textOf(files.authorityKey),
  };
  const name = `fmsg.${answers.domain}`;
  const after = fits(files, before.authority, name) ? before : await make(name, before);
  const file = (
    which: keyof SelfMadeFiles,
    what: string,
    more: Pick<PlannedFile, "mode" | "ofData" | "secret">,
  ): PlannedFile[] => {
    const text = after[which];
    // The key of the authority may be kept elsewhere, where it is safer.
    if (text === null) return [];
    return [{ path: files[which], what, text, before: before[which], ...more }];
  };
  return [
    ...file("authorityKey", "key of the authority", { mode: 0o600, ofData: false, secret: true }),
    ...file("authority", "certificate of the authority", {
      mode: 0o644,
      ofData: false,
      secret: false,
    }),
    ...file("key", "key of the host", { mode: 0o600, ofData: true, secret: true }),
    ...file("cert", "certificate of the host", { mode: 0o600, ofData: true, secret: false }),
  ];
}

type Texts = Readonly<Record<keyof SelfMadeFiles, string | null>>;

/** Nobody renews it, so it is as good as the authority allows. */
const DAYS = 3652;
const SOON_MS = 30 * 86_400_000;

function fits(files: SelfMadeFiles, authority: string | null, name: string): boolean {
  if (authority === null) return false;
  try {
    const { cert, expires, warnings } = loadCertificate(files, name);
    const root = new X509Certificate(authority);
    const leaf = new X509Certificate(cert);
    return warnings.length === 0 && expires.getTime() > Date.now() + SOON_MS &&
      leaf.checkIssued(root) && leaf.verify(root.publicKey);
  } catch {
    // Whatever is wrong with them, others take their place.
    return false;
  }
}

/** The authority stays where it can issue: others trust it. */
async function make(name: string, before: Texts): Promise<Texts> {
  const library = await import("../../certificate/make.ts");
  const known = await knownAuthority(before, library);
  const authority = known ?? await library.makeAuthority(name.slice(0, MAX_NAME));
  const { cert, key } = await authority.issue(name, { days: DAYS });
  return known === null
    ? { cert, key, authority: authority.pem, authorityKey: authority.keyPem }
    : { ...before, cert, key };
}

const MAX_NAME = 64;

async function knownAuthority(
  { authority, authorityKey }: Texts,
  library: typeof import("../../certificate/make.ts"),
): Promise<Authority | null> {
  if (authority === null || authorityKey === null) return null;
  try {
    const lasts = new X509Certificate(authority).validToDate.getTime() > Date.now() + SOON_MS;
    return lasts ? await library.loadAuthority(authority, authorityKey) : null;
  } catch {
    return null;
  }
}
