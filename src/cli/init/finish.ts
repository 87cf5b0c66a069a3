// After everything is written: DNS records, the certificate, and what to do next. What is done stays, whatever comes.

import { certificateFile } from "../../certificate/acme/mod.ts";
import { loadCertificate } from "../../certificate/load.ts";
import type { Config } from "../../config.ts";
import { shownAddress } from "../addresses.ts";
import type { Output } from "../context.ts";
import { withMailbox } from "../open.ts";
import { safe, wrap } from "../terminal.ts";
import type { Link } from "../user_link.ts";
import { authorityName, type CertificateOutcome, tryCertificate } from "./acme.ts";
import { type Asker, Cancelled, NO_STYLE } from "./asker.ts";
import type { Done } from "./carry_out.ts";
import { type RecordsOutcome, waitForRecords } from "./dns_wait.ts";
import { type Given, USUAL_WAIT_S } from "./flags.ts";
import type { Found } from "./found.ts";
import { inboxLink } from "./inbox_link.ts";
import { skippable } from "./interruption.ts";
import type { Prepared } from "./prepare.ts";
import { type Published, publishedAddresses } from "./published.ts";
import { recordsText } from "./records.ts";
import { closingText, dnsText, MOST_COLUMNS, notesText } from "./words.ts";

/** What there is in the end, beside the plan. */
export interface Finished {
  /** Of the user that was added, or of one that is here already; null: there is none. */
  readonly address: string | null;
  readonly records: Published;
  /** Null: they were not looked for. */
  readonly dns: RecordsOutcome | null;
  readonly certificate: CertificateOutcome;
  /** That opens the inbox in a browser; null: there is none. */
  readonly link: Link | null;
}

interface Finishing {
  readonly prepared: Prepared;
  readonly given: Given;
  readonly found: Found;
  readonly asker: Asker | null;
  readonly done: Done;
  readonly output: Output;
  /** Where the parts of the result go that a person reads. */
  readonly show: (text: string) => void;
}

/** Fails for nothing that the host itself will try again. Ctrl-C skips what takes time. */
export async function finish(finishing: Finishing): Promise<Finished> {
  const { prepared, found, asker, done, output, show } = finishing;
  const { plan } = prepared;
  const { answers } = plan;
  const columns = asker?.columns ?? output.columns;
  const style = asker?.style ?? NO_STYLE;
  if (answers.user !== null) {
    const user = shownAddress(answers.user);
    output.note(done.user === "added" ? `Added ${user}` : `${user} is a user already`);
  }
  const records = await publishedBy(prepared);
  show(`\n${recordsText(answers.domain, records, columns)}`);
  if (records.notes.length > 0) {
    output.note(`\n${notesText(records.notes, style, columns)}`);
  }
  const dns = await waitIfWanted(finishing, records);
  const certificate = await certificateIfReady(finishing, dns);
  const users = answers.user === null ? await usersHere(plan.config) : [answers.user];
  const address = users[0] ?? null;
  show(
    `\n${closingText({ prepared, found, address, certificate, columns, style: output.style })}`,
  );
  // As late as can be: it does not last.
  const link = await inboxLink(prepared, done, users, (line) => output.note(`\n${line}`));
  return { address, records, dns, certificate, link };
}

async function usersHere(config: Config): Promise<string[]> {
  const users = await withMailbox(config, (mailbox) => mailbox.users());
  return users.map(({ address }) => address);
}

export async function publishedBy({ plan: { answers } }: Prepared): Promise<Published> {
  return await skippable(false, (signal) =>
    publishedAddresses(answers.listen, {
      isPrivateNetwork: answers.certificate.kind === "self-made",
      signal,
    }));
}

async function waitIfWanted(
  finishing: Finishing,
  records: Published,
): Promise<RecordsOutcome | null> {
  const { prepared: { plan, agreed }, given, asker, output } = finishing;
  const seconds = given.waitDns ??
    (asker !== null && await wantsToWait(plan.answers.certificate.kind === "acme" && agreed, asker)
      ? USUAL_WAIT_S
      : null);
  if (seconds === null) return null;
  output.note(
    `\nLooking for them${asker === null ? "" : " (Enter: do not wait)"} …`,
  );
  const outcome = await skippable(asker !== null, (signal) =>
    waitForRecords(plan.config, records, {
      seconds,
      signal,
      tell: (line) => output.note(stepLine(line, finishing)),
    }));
  output.note(stepLine(dnsText(outcome), finishing));
  return outcome;
}

/** Whoever leaves here does not want to wait: everything else is done, and is told. */
async function wantsToWait(forCertificate: boolean, asker: Asker): Promise<boolean> {
  const added = "I have added them: look for them";
  try {
    return await asker.choose({
      message: "Add them where your domain is managed. Then?",
      choices: [
        { value: "wait", label: forCertificate ? `${added}, and get the certificate` : added },
        { value: "later", label: "Later" },
      ],
      first: "wait",
    }) === "wait";
  } catch (error) {
    if (error instanceof Cancelled) return false;
    throw error;
  }
}

async function certificateIfReady(
  finishing: Finishing,
  dns: RecordsOutcome | null,
): Promise<CertificateOutcome> {
  const { prepared: { plan, agreed, running }, asker, output } = finishing;
  const { config, answers: { certificate } } = plan;
  if (certificate.kind !== "acme") return { state: "there" };
  if (isThere(config.data_dir, config.domain)) return { state: "there" };
  // An authority counts the tries that fail, and without the records this one would.
  const isReady = dns === null ? asker === null : dns.state === "seen";
  if (!agreed || running !== null || !isReady) return { state: "left to the host" };
  output.note(
    `\nGetting a certificate from ${authorityName(certificate)} (Ctrl-C: leave it to the host) …`,
  );
  const outcome = await skippable(false, (signal) =>
    tryCertificate(config, certificate, {
      signal,
      progress: (line) => output.note(stepLine(line, finishing)),
    }));
  if (outcome.state === "failed") {
    const title = (asker?.style ?? NO_STYLE).red("Not now:");
    output.note(stepLine(`${title} ${safe(outcome.reason)}`, finishing));
  }
  return outcome;
}

function isThere(dataDir: string, domain: string): boolean {
  const file = certificateFile(dataDir);
  try {
    return loadCertificate({ cert: file, key: file }, `fmsg.${domain}`).warnings.length === 0;
  } catch {
    return false;
  }
}

function stepLine(line: string, { asker, output }: Finishing): string {
  const columns = Math.min(asker?.columns ?? output.columns, MOST_COLUMNS);
  return `  ${wrap(line, columns - 2).replaceAll("\n", "\n  ")}`;
}
