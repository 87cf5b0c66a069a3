// fmsg host check: what is wrong with a host, one's own or another's, and what to do about it.

import { existsSync } from "node:fs";
import type { Command } from "commander";
import type { Finding, Level } from "../check/mod.ts";
import { type Config, ConfigError, findConfig, loadConfig, parseDomain } from "../config.ts";
import {
  command,
  CommandError,
  type CommonOptions,
  type Output,
  printResult,
  UsageError,
} from "./context.ts";
import { openConfig } from "./open.ts";
import { pad, safe, type Style, wrap } from "./terminal.ts";

/** After so long, in milliseconds, whoever waits is told what for. */
const PATIENCE_MS = 1500;

const LEVELS: Readonly<Record<Level, string>> = { ok: "OK", warning: "WARNING", fail: "FAIL" };

/** Columns of the number and of the level, with a space behind each. */
const NUMBER_COLUMNS = 2;
const LEVEL_COLUMNS = 7;
const INDENT = NUMBER_COLUMNS + LEVEL_COLUMNS + 2;

/** Longer lines are hard to read. */
const MAX_COLUMNS = 100;

/** Someone else's words, such as names in a certificate, end somewhere. */
const MAX_TEXT = 1000;

export function checkCommand(output: Output): Command {
  return command(
    "check",
    "examine this host, or another's: DNS, addresses, port, certificate, clock, disk; with remedies",
    "fmsg host check",
    "fmsg host check example.org",
    'fmsg host check --json | jq -r ".findings[] | select(.level != \\"ok\\") | .remedy"',
  )
    .argument("[domain]", "another's domain, to which nothing is sent; without it: this host")
    .action((domain: string | undefined, options: CommonOptions) =>
      domain === undefined ? checkOwn(options, output) : checkOther(domain, options, output)
    );
}

async function checkOwn(options: CommonOptions, output: Output): Promise<void> {
  // Here, since what an examination needs would make every command start later.
  const { examineOwn, unreadableConfiguration } = await import("../check/mod.ts");
  const file = findConfig(options.config, Deno.env, existsSync);
  // What openConfig says where there is none.
  if (file === undefined) return void openConfig(options);
  let config: Config;
  try {
    config = loadConfig(file);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return await tell(null, once(unreadableConfiguration(error.message)), options, output);
  }
  const waiting = (): void => {
    if (isWatched(options, output)) {
      output.note("The host does not run yet; waiting for it a few seconds …");
    }
  };
  await tell(config.domain, examineOwn(config, file, waiting), options, output);
}

async function checkOther(typed: string, options: CommonOptions, output: Output): Promise<void> {
  const { examineOther } = await import("../check/mod.ts");
  const domain = domainIn(typed);
  await tell(domain, examineOther(domain, configIfThere(options, output)), options, output);
}

/** The domain that was typed: of an address its domain, international names as A-labels. */
function domainIn(typed: string): string {
  try {
    return parseDomain(typed.trim().replace(/^.*@/, ""));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(error.message, { cause: error });
  }
}

/** Another's host is examined without a configuration as well, unless one was named. */
function configIfThere(options: CommonOptions, output: Output): Config | null {
  try {
    const file = findConfig(options.config, Deno.env, existsSync);
    return file === undefined ? null : loadConfig(file);
  } catch (error) {
    if (!(error instanceof ConfigError) || options.config !== undefined) throw error;
    output.note(safe(`Without the configuration here: ${error.message}`));
    return null;
  }
}

async function* once(finding: Finding): AsyncGenerator<readonly Finding[]> {
  yield [finding];
}

/** Prints findings as they come; throws a CommandError when something is broken. */
async function tell(
  domain: string | null,
  examination: AsyncIterable<readonly Finding[]>,
  options: CommonOptions,
  output: Output,
): Promise<void> {
  const inWords = options.json !== true;
  const findings: Finding[] = [];
  const patience = setTimeout(() => {
    if (isWatched(options, output)) output.note("Asking DNS servers and calling the port …");
  }, PATIENCE_MS);
  try {
    for await (const found of examination) {
      for (const finding of found) {
        findings.push(finding);
        if (inWords) output.print(findingText(findings.length, finding, output));
      }
    }
  } finally {
    clearTimeout(patience);
  }
  const broken = findings.filter(({ level }) => level === "fail");
  const [first] = broken;
  const ok = first === undefined;
  const warnings = findings.filter(({ level }) => level === "warning").length;
  const besides = warnings === 0 ? "" : `, ${warnings} warning${warnings === 1 ? "" : "s"}`;
  if (ok || !inWords) {
    printResult(
      output,
      options,
      { ok, domain, findings },
      () => `\n${output.style.green("Nothing is broken")}${besides}`,
    );
  }
  if (ok) return;
  throw new CommandError(
    `${broken.length} of ${findings.length} ${
      broken.length === 1 ? "is" : "are"
    } broken${besides}: begin with ${findings.indexOf(first) + 1}`,
  );
}

/** Is there somebody who waits, and wants to know what for? */
function isWatched({ json }: CommonOptions, { isTerminal }: Output): boolean {
  return json !== true && isTerminal;
}

/** On a terminal the remedy has a line of its own; otherwise a finding is one line. */
export function findingText(
  number: number,
  { level, seen, remedy }: Finding,
  { style, columns, isTerminal }: Pick<Output, "style" | "columns" | "isTerminal">,
): string {
  const head = `${pad(String(number), NUMBER_COLUMNS, "right")} ${
    coloured(style, level)(pad(LEVELS[level], LEVEL_COLUMNS))
  } `;
  const text = harmless(seen);
  const advice = remedy === null ? "" : `→ ${harmless(remedy)}`;
  if (!isTerminal) return head + (advice === "" ? text : `${text} ${advice}`);
  const room = Math.max(20, Math.min(columns, MAX_COLUMNS) - INDENT);
  const hanging = (lines: string): string => lines.replaceAll("\n", `\n${" ".repeat(INDENT)}`);
  if (advice === "") return head + hanging(wrap(text, room));
  const below = wrap(advice, room - 2).replaceAll("\n", "\n  ");
  return head + hanging(`${wrap(text, room)}\n${style.bold(below)}`);
}

function coloured(style: Style, level: Level): (text: string) => string {
  switch (level) {
    case "ok":
      return style.green;
    case "warning":
      return style.yellow;
    case "fail":
      return style.red;
  }
}

function harmless(text: string): string {
  return safe(text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text);
}
