// What came of a step, and what it is known by.

import { codeName } from "../../src/wire/mod.ts";
import type { HostProcess, LogLine } from "../support/host_process.ts";
import { waitFor } from "../support/wait.ts";

export interface Outcome {
  /** How the step is counted and, where nothing like it was seen before, kept in the corpus. */
  readonly signature: string;
  /** What must not be; null when all is as it should be. */
  readonly problem: string | null;
  /** Exchanges that there were. */
  readonly exchanges: number;
}

export interface Seen {
  readonly kind: string;
  readonly codes: readonly number[];
  /** How far the fuzzer's side had got. */
  readonly phase: string;
  /** The host's own line about it, where there is one. */
  readonly line: LogLine | null;
}

/** A quick reset is not logged, and refusals that come again are later and together. */
const LINE_MS = 300;

/** What the host logged, from line `seen` on, about what that peer sent; null where there is no such line. */
export function lineFrom(ip: string, host: HostProcess, seen: number): Promise<LogLine | null> {
  return lineOf(
    host,
    seen,
    ({ peer, msg, direction }) => peer === ip && (msg === "refused" || direction === "in"),
  );
}

/** The same about what was sent to that domain. */
export function lineTo(domain: string, host: HostProcess, seen: number): Promise<LogLine | null> {
  return lineOf(host, seen, ({ to, direction }) => to === domain && direction === "out");
}

async function lineOf(
  { log }: HostProcess,
  seen: number,
  isIt: (line: LogLine) => boolean,
): Promise<LogLine | null> {
  return await waitFor(() => log.slice(seen).find(isIt), { ms: LINE_MS }).catch(() => null);
}

export function signatureOf({ kind, codes, phase, line }: Seen): string {
  const challenge = typeof line?.challenge === "string" && line.challenge !== "none"
    ? [`challenge ${line.challenge}`]
    : [];
  return [kind, phase, said(codes), ending(line), ...challenge].join(", ");
}

/** The first code, and the codes for recipients as a set: their number says nothing new. */
function said([first, ...rest]: readonly number[]): string {
  if (first === undefined) return "no code";
  return [named(first), ...[...new Set(rest.map(named))].toSorted()].join("+");
}

function named(code: number): string {
  return codeName(code) === `code ${code}` ? "other" : String(code);
}

function ending(line: LogLine | null): string {
  if (line === null) return "no line";
  if (line.direction === "out" && line.peer === "") return "no connection";
  // What is wrong with what was sent, where that is told in words of our own.
  if (line.terminated === "malformed header" || line.terminated === "bad compressed data") {
    return String(line.detail).replaceAll(/\d+/g, "N");
  }
  return String(line.terminated ?? line.reason ?? "done");
}
