// fmsg host verify: the audit of the store.

import { existsSync } from "node:fs";
import type { Command } from "commander";
import { writerSettings } from "../host/mod.ts";
import { type AuditReport, type Finding, storeFile, verifyStore } from "../store/mod.ts";
import { command, CommandError, type CommonOptions, type Output, printResult } from "./context.ts";
import { openConfig, withWriter } from "./open.ts";
import { formatSize, safe } from "./terminal.ts";

/** How often progress is shown, in milliseconds. */
const PROGRESS_MS = 2000;

export function verifyCommand(output: Output): Command {
  return command(
    "verify",
    "audit the store: every hash comes out of what is stored, and everything fits together",
    "fmsg host verify",
    'fmsg host verify --json | jq -r ".findings[]"',
  ).action((options: CommonOptions) => verify(options, output));
}

async function verify(options: CommonOptions, output: Output): Promise<void> {
  const config = openConfig(options);
  const file = storeFile(config.data_dir);
  if (!existsSync(file)) await withWriter(config, () => Promise.resolve());
  const report = await verifyStore(
    config.data_dir,
    writerSettings(config),
    auditProgress(output),
  );
  const { messages, contents, bytes, staged } = report;
  const ok = report.findings.length === 0;
  const findings = report.findings.map(sentence);
  const notes = report.notes.map(sentence);
  printResult(
    output,
    options,
    { ok, messages, contents, bytes, staged, findings, notes },
    () =>
      [...findings, ...notes, ...ok ? [inOrder(report)] : []].map((line) => safe(line)).join("\n"),
  );
  if (ok) return;
  throw new CommandError(
    findings.length === 1
      ? `Something is wrong with the store ${file}`
      : `${findings.length} things are wrong with the store ${file}`,
  );
}

/** What is wrong, and what to do. */
function sentence({ what, remedy }: Finding): string {
  return `${what}; ${remedy}`;
}

function inOrder({ messages, contents, bytes, staged }: AuditReport): string {
  const held = `${counted(messages, "message")}, ${counted(contents, "content")}, ${
    formatSize(bytes)
  }`;
  return `The store is in order: ${held}` +
    (staged === 0 ? "" : `; ${counted(staged, "more content")} on the way in`);
}

/** Shows on a terminal how far an audit is, when it takes long. */
export function auditProgress(output: Output): ((done: number, of: number) => void) | undefined {
  if (!output.isTerminal) return undefined;
  let shown = Date.now();
  return (done, of) => {
    if (Date.now() - shown < PROGRESS_MS) return;
    shown = Date.now();
    output.note(`${done} of ${counted(of, "message")} audited …`);
  };
}

/** `1 message`, `2 messages` */
export function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
