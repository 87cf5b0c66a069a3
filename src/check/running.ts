// The running host: that there is one, and what it says of itself.

import type { Config } from "../config.ts";
import { connectToHost, type Status } from "../host/mod.ts";
import { addressText } from "../net/mod.ts";
import { PROGRAM_VERSION } from "../version.ts";
import { counted, type Finding, findingsOn, listed, wordsOf } from "./finding.ts";

const on = findingsOn("host");

export type Running =
  | { readonly kind: "running"; readonly status: Status }
  | { readonly kind: "stopped" }
  | { readonly kind: "unknown"; readonly why: string };

/** How long a host may take to answer, and how often one that starts is looked for, in milliseconds. */
const ANSWER_MS = 5000;
const LOOK_MS = 200;

/**
 * One that was started a moment ago is not there at once (an executable unpacks itself first): it is waited for until
 * `patience` milliseconds are over, and `waiting` is told.
 */
export async function lookAtHost(
  { data_dir }: Config,
  { patience, signal, waiting }: {
    readonly patience: number;
    readonly signal: AbortSignal;
    readonly waiting: () => void;
  },
): Promise<Running> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const until = performance.now() + patience;
    let connected = await connectToHost(data_dir);
    if (connected === null && patience > 0) waiting();
    while (connected === null && performance.now() < until && !signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      connected = await connectToHost(data_dir);
    }
    if (connected === null) return { kind: "stopped" };
    using host = connected;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("it does not answer")), ANSWER_MS);
    });
    return { kind: "running", status: await Promise.race([host.status(), late]) };
  } catch (error) {
    return { kind: "unknown", why: wordsOf(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** `configured`: as fmsg.yaml says now. */
export function judgeHost(
  running: Running,
  configured: Config,
  programVersion = PROGRAM_VERSION,
): Finding[] {
  switch (running.kind) {
    case "stopped":
      return [on.fail(
        "host-running",
        "The host does not run: others cannot deliver, and nothing goes out",
        "start it: systemctl start fmsg, or fmsg host run",
      )];
    case "unknown":
      return [on.warning(
        "host-running",
        `Whether the host runs cannot be told: ${running.why}`,
        "run the check as root or as the host's user; if it hangs, restart the host",
      )];
    case "running":
      return judgeStatus(running.status, configured, programVersion);
  }
}

function judgeStatus(status: Status, configured: Config, programVersion: string): Finding[] {
  const findings = [on.ok("host-running", `The host runs: process ${status.pid}`)];
  if (status.version !== programVersion) {
    findings.push(on.warning(
      "host-version",
      `The host that runs is fmsg ${status.version}, this program is ${programVersion}`,
      "restart the host: systemctl restart fmsg",
    ));
  }
  const missing = configured.listen.filter((endpoint) => !isServed(endpoint, status.addresses));
  if (status.domain !== configured.domain || missing.length > 0) {
    const what = status.domain === configured.domain
      ? `does not listen on ${listed(missing.map(addressText))}`
      : `is for ${status.domain}`;
    findings.push(on.warning(
      "host-config",
      `fmsg.yaml has changed since the host started, which ${what}`,
      "restart the host: systemctl restart fmsg",
    ));
  }
  if (status.counts.faults > 0) {
    findings.push(on.warning(
      "host-faults",
      `The host met ${counted(status.counts.faults, "error")} that nobody foresaw`,
      'look for "internal error" in its log, and report it',
    ));
  }
  return findings;
}

/** A port of 0 is any; "::" has the port of IPv4 too. */
function isServed({ ip, port }: Config["listen"][number], addresses: readonly string[]): boolean {
  if (port === 0) return true;
  return addresses.includes(addressText({ ip, port })) ||
    (ip === "0.0.0.0" && addresses.includes(`[::]:${port}`));
}
