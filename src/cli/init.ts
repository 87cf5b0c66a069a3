// fmsg host init: from questions to a host that is ready to start.

import type { Command } from "commander";
import { command, type Output, printResult, UsageError } from "./context.ts";
import { type Asker, canAsk, Cancelled, NO_STYLE, openAsker } from "./init/asker.ts";
import { carryOut, type Done } from "./init/carry_out.ts";
import { showDryRun } from "./init/dry_run.ts";
import { finish } from "./init/finish.ts";
import { type Given, type InitOptions, readFlags } from "./init/flags.ts";
import { lookAround } from "./init/found.ts";
import { inboxLinkText } from "./init/inbox_link.ts";
import { Interrupted, Interruption } from "./init/interruption.ts";
import { isChange, type Plan } from "./init/plan.ts";
import { prepare } from "./init/prepare.ts";
import { resultJson } from "./init/result.ts";
import { notesText } from "./init/words.ts";

export function initCommand(output: Output): Command {
  return command(
    "init",
    "set a host up, or change how it is set up; it asks for what it has to know, and shows what it will do before it does it",
    "fmsg host init",
    "fmsg host init --yes --domain example.com --user alice --email me@example.com --agree-tos --wait-dns",
    "fmsg host init --dry-run --yes --domain example.com",
  )
    .option("--yes", "take the defaults for what no flag says, and ask nothing")
    .option("--dry-run", "show what would be written, and write nothing")
    .option("--domain <domain>", "the domain of your addresses")
    .option("--user <user>", "the first user, as in alice or @alice@example.com")
    .option("--no-user", "add no user")
    .option(
      "--data-dir <folder>",
      "for messages, users and keys (default: /var/lib/fmsg, or data beside the configuration)",
    )
    .option("--listen <ip:port...>", "where to listen (default: port 4930 of all addresses)")
    .option(
      "--certificate <acme|files|self-made>",
      "where the certificate comes from (default: acme)",
    )
    .option("--email <address>", "acme: where the authority writes when something is wrong")
    .option(
      "--agree-tos",
      "acme: you agree to the authority's terms; with --yes and without this flag the certificate is left to the host, and starting that is agreeing",
    )
    .option("--acme-directory <url>", "acme: another authority than Let's Encrypt")
    .option("--acme-listen <ip:port...>", "acme: where its requests to port 80 arrive")
    .option("--cert <file>", "files: the certificate with its chain, in PEM")
    .option("--key <file>", "files: its private key, in PEM")
    .option(
      "--ca <file>",
      "roots to trust besides the system's, for a private network or authority",
    )
    .option(
      "--api <none|local|public>",
      "the inbox in the browser, and the interface for apps (default: none)",
    )
    .option("--unit <file>", "write a systemd unit there (default: /etc/systemd/system, for root)")
    .option("--no-unit", "write no systemd unit")
    .option("--wait-dns [time]", "wait for the DNS records, 10m unless told")
    .action((options: InitOptions) => init(options, output));
}

async function init(options: InitOptions, output: Output): Promise<void> {
  const given = readFlags(options);
  const asker = options.yes === true ? null : await requireAsker(given, output);
  const found = lookAround(given);
  try {
    const prepared = await prepare(given, found, asker, options.dryRun === true);
    if (options.dryRun === true) return await showDryRun(prepared, found, options, output);
    // A person has read them before agreeing.
    const notes = asker === null ? notesText(prepared.notes, NO_STYLE, output.columns) : "";
    if (asker !== null || notes !== "") output.note(notes);
    const done = await carryOutWhole(prepared.plan, output);
    const show = (text: string): void =>
      options.json === true ? output.note(text) : output.print(text);
    const finished = await finish({ prepared, given, found, asker, done, output, show });
    if (options.json === true) {
      return printResult(output, options, resultJson(prepared, found, done, finished), () => "");
    }
    const { link } = finished;
    if (link !== null) output.print(`\n${await inboxLinkText(link, prepared, output)}`);
  } catch (error) {
    if (!(error instanceof Cancelled)) throw error;
    output.note("Nothing was changed.");
    Deno.exit(CANCELLED);
  }
}

/** What shells give for Ctrl-C. */
const CANCELLED = 130;

async function requireAsker(given: Given, output: Output): Promise<Asker> {
  if (canAsk()) return await openAsker((text) => output.note(text));
  const needed = given.domain === undefined ? "--yes --domain example.com" : "--yes";
  throw new UsageError(
    `There is no terminal to ask in: use ${needed}, and flags for what should not have its default`,
  );
}

async function carryOutWhole(plan: Plan, output: Output): Promise<Done> {
  // Taking back is quick, and has to come to its end.
  using interruption = new Interruption({ patient: true });
  try {
    return await carryOut(plan, interruption.signal, (line) => output.note(line));
  } catch (error) {
    if (plan.files.some(isChange)) output.note("Everything is as it was.");
    if (!(error instanceof Interrupted)) throw error;
    Deno.exit(interruption.status ?? CANCELLED);
  }
}
