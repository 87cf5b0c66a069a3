// fmsg user link: a link that signs a browser in, for the user's inbox there.

import type { Command } from "commander";
import { isThisMachine, signInLink, siteOf } from "../api/session/link.ts";
import { makeSignInToken } from "../api/session/token.ts";
import type { Config } from "../config.ts";
import { connectToHost } from "../host/mod.ts";
import { isProblem } from "../protocol/mod.ts";
import { Access } from "../store/mod.ts";
import type { Address } from "../wire/mod.ts";
import { shownAddress, typedAddress } from "./addresses.ts";
import { command, CommandError, type CommonOptions, type Output, printResult } from "./context.ts";
import { typedLifetime } from "./expiry.ts";
import { openConfig, withWriter } from "./open.ts";
import { formatTime } from "./terminal.ts";
import { requireUser } from "./token.ts";

const DEFAULT_LIFETIME = "24h";

/** Whoever finds a link is signed in: it is not made to be kept. */
const MAX_DAYS = 30;

interface LinkOptions extends CommonOptions {
  readonly expires?: string;
}

/** A link that was made, as JSON has it. */
export interface Link {
  /** Of the user, as the directory spells it. */
  readonly address: string;
  readonly link: string;
  /** POSIX seconds. */
  readonly expires: number;
}

export function linkCommand(output: Output): Command {
  return command(
    "link",
    "print a link that opens the user's inbox in a browser, once",
    "fmsg user link @alice@example.com",
    "fmsg user link @alice@example.com --expires 1h",
  )
    .argument("<address>", "the user")
    .option(
      "--expires <time>",
      `how long it can be used, or until when, up to ${MAX_DAYS} days (default: ${DEFAULT_LIFETIME})`,
    )
    .action((address: string, options: LinkOptions) => print(address, options, output));
}

async function print(text: string, options: LinkOptions, output: Output): Promise<void> {
  const address = typedAddress(text, "ADDRESS");
  const lifetime = typedLifetime(options.expires ?? DEFAULT_LIFETIME, MAX_DAYS);
  const config = openConfig(options);
  const made = await makeLink(config, address, lifetime);
  if (options.json !== true) {
    output.note(
      `This link signs a browser in as ${shownAddress(made.address)}, once, until ${
        formatTime(made.expires)
      }`,
    );
    for (const note of await notesOn(config)) output.note(note);
  }
  const code = options.json === true ? null : await codeOf(made, output);
  printResult(output, options, made, () => code === null ? made.link : `${code}\n${made.link}`);
}

/** Throws a CommandError for those whom the interface does not let in, and where there is no interface. */
export async function makeLink(
  config: Config,
  address: Address,
  lifetime = typedLifetime(DEFAULT_LIFETIME, MAX_DAYS),
): Promise<Link> {
  const site = siteOf(config);
  if (site === null) {
    throw new CommandError(
      'This host has no inbox in the browser yet: "fmsg host init" asks for it, or set api.listen in fmsg.yaml, and restart it',
    );
  }
  const token = makeSignInToken();
  const expires = Math.floor(Date.now() / 1000 + lifetime);
  return await withWriter(config, async (writer) => {
    using access = new Access(config.data_dir);
    requireUser(access, address, config);
    const stored = await writer.submit("createSignInLink", {
      addressKey: address.key,
      hash: token.hash,
      expires,
    });
    if (isProblem(stored)) throw new CommandError(stored.message);
    return { address: stored.address, link: signInLink(site, token.text), expires: stored.expires };
  });
}

/** The link as a QR code; null where it cannot be shown. */
export async function codeOf({ link }: Link, output: Output): Promise<string | null> {
  if (!output.isTerminal) return null;
  return (await import("./qr.ts")).qrText(link, output);
}

/** What keeps a link from working at once, or elsewhere, a sentence each. */
async function notesOn(config: Config): Promise<readonly string[]> {
  const notes: string[] = [];
  const site = siteOf(config);
  if (site !== null && new URL(site).protocol === "http:") {
    notes.push(
      isThisMachine(site)
        ? "The link is for a browser on this machine: others need an https address, api.public_url in fmsg.yaml"
        : `Nobody can sign in at ${site}, in clear text: browsers need an https address, api.public_url in fmsg.yaml`,
    );
  }
  const serves = await servesNow(config);
  if (serves === "stopped") notes.push("The host does not run: the link works once it does");
  if (serves === "without") {
    notes.push("The running host was started before it had this interface: restart it");
  }
  return notes;
}

async function servesNow(
  { data_dir }: Config,
): Promise<"serving" | "stopped" | "without"> {
  using host = await connectToHost(data_dir);
  if (host === null) return "stopped";
  return (await host.status()).api === null ? "without" : "serving";
}
