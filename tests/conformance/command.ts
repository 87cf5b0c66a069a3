// The command line in the test's own process, which is quicker than a process for each command; what it asks for is
// done by the running host all the same.

import * as v from "valibot";
import { runCommandLine } from "../../src/cli/main.ts";
import { capturing } from "../cli/support.ts";
import type { HostProcess } from "../support/host_process.ts";
import { ADDED, type AddedView, SENT, type SentView, view } from "../support/host_views.ts";

export interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `fmsg ...words`; behind "--", nothing is an option any more. */
export async function command(host: HostProcess, words: readonly string[]): Promise<Ended> {
  const output = capturing();
  const [name = "", ...rest] = words;
  const status = await runCommandLine([name, "--config", host.configFile, ...rest], output.to);
  const { stdout, stderr } = output.taken();
  return { status, stdout, stderr };
}

/** What a command prints with --json; throws what it says when it fails. */
async function json(host: HostProcess, words: readonly string[]): Promise<unknown> {
  const [name = "", ...rest] = words;
  const { status, stdout, stderr } = await command(host, [name, "--json", ...rest]);
  if (status !== 0) throw new Error(`fmsg ${words.join(" ")} ended with ${status}: ${stderr}`);
  return JSON.parse(stdout);
}

export interface Letter {
  readonly from: string;
  readonly to: readonly string[];
  readonly replyTo?: number;
  /** Default: "Hello". */
  readonly body?: string;
}

export async function send(host: HostProcess, letter: Letter): Promise<SentView> {
  return view(SENT, await json(host, sendWords(letter)));
}

export function sendWords({ from, to, replyTo, body = "Hello" }: Letter): string[] {
  const reply = replyTo === undefined ? [] : ["--reply-to", String(replyTo)];
  return ["send", "--from", from, "--to", to.join(","), ...reply, "--", body];
}

export async function addTo(
  host: HostProcess,
  id: number,
  from: string,
  ...to: readonly string[]
): Promise<AddedView> {
  return view(ADDED, await json(host, ["add-to", String(id), "--from", from, ...to]));
}

/** Makes everything that waits due now, or only a message with its batches: how many deliveries. */
export async function retry(host: HostProcess, id?: number): Promise<number> {
  const words = ["queue", "retry", ...id === undefined ? [] : [String(id)]];
  return view(v.object({ retried: v.number() }), await json(host, words)).retried;
}

/** Ends what waits of a message, to one domain or to all: how many deliveries. */
export async function cancel(host: HostProcess, id: number, domain?: string): Promise<number> {
  const words = ["queue", "cancel", String(id), ...domain === undefined ? [] : [domain]];
  return view(v.object({ cancelled: v.number() }), await json(host, words)).cancelled;
}
