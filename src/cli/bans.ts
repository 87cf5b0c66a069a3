// fmsg host bans …: addresses that are banned from connecting, in the running host.

import { Command } from "commander";
import type { Ban } from "../host/mod.ts";
import { parseDuration, parseIp } from "../config.ts";
import {
  command,
  CommandError,
  type CommonOptions,
  type Output,
  printResult,
  UsageError,
} from "./context.ts";
import { whenText } from "./message_text.ts";
import { openConfig } from "./open.ts";
import { withHost } from "./running.ts";
import { safe, table } from "./terminal.ts";

/** As of ban.for in fmsg.yaml: 3650 days. */
const MAX_SECONDS = 3650 * 86_400;

interface AddOptions extends CommonOptions {
  readonly for?: string;
}

export function bansCommand(output: Output): Command {
  const bans = new Command("bans").description(
    "addresses that are banned, which a restart forgives",
  );
  bans.addCommand(
    command("list", "list the bans, the next to end first", "fmsg host bans list")
      .action((options: CommonOptions) => list(options, output)),
  );
  bans.addCommand(
    command(
      "add",
      "ban an address: it may not connect any more",
      "fmsg host bans add 192.0.2.1",
      "fmsg host bans add 2001:db8::1 --for 7d",
    )
      .argument("<ip>", "the address; of IPv6 its network of 64 bits is banned")
      .option("--for <duration>", "how long (default: ban.for in fmsg.yaml)")
      .action((ip: string, options: AddOptions) => add(ip, options, output)),
  );
  bans.addCommand(
    command("lift", "end a ban", "fmsg host bans lift 192.0.2.1")
      .argument("<ip>", "the address, or the network as it is listed")
      .action((ip: string, options: CommonOptions) => lift(ip, options, output)),
  );
  return bans;
}

async function list(options: CommonOptions, output: Output): Promise<void> {
  const bans = await withHost(openConfig(options), (host) => host.bans());
  if (options.json !== true && bans.length === 0) return output.note("No address is banned");
  printResult(output, options, bans, () => banTable(bans, output));
}

/** The bans for people. */
export function banTable(bans: readonly Ban[], output: Output): string {
  const { style, columns, isTerminal } = output;
  const now = Date.now() / 1000;
  return table(
    bans.map(({ address, until, reason }) => [address, whenText(until, now), safe(reason)]),
    {
      head: isTerminal ? ["address", "ends", "why"].map(style.dim) : [],
      columns,
      flexible: 2,
    },
  );
}

async function add(typed: string, options: AddOptions, output: Output): Promise<void> {
  const ip = typedIp(typed);
  const seconds = options.for === undefined ? null : typedDuration(options.for);
  const ban = await withHost(openConfig(options), (host) => host.ban(ip, seconds));
  printResult(
    output,
    options,
    ban,
    () => `${ban.address} is banned; the ban ends ${whenText(ban.until, Date.now() / 1000)}`,
  );
}

async function lift(typed: string, options: CommonOptions, output: Output): Promise<void> {
  const ip = typedIp(typed);
  const lifted = await withHost(openConfig(options), (host) => host.lift(ip));
  if (!lifted) {
    throw new CommandError(`${typed} is not banned: see "fmsg host bans list"`);
  }
  printResult(output, options, { lifted: typed }, () => `${typed} may connect again`);
}

/** An address, or a network of IPv6 as it is listed. */
function typedIp(text: string): string {
  try {
    return parseIp(text.replace(/(:.*)\/64$/, "$1"));
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`IP: ${error.message}`, { cause: error });
    throw error;
  }
}

function typedDuration(text: string): number {
  try {
    const seconds = parseDuration(text);
    if (seconds > 0 && seconds <= MAX_SECONDS) return seconds;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`--for: ${error.message}`, { cause: error });
  }
  throw new UsageError(`--for: "${text}" does not fit; write more than 0 and at most 3650d`);
}
