// The service of a host as its server's systemd sees it, and what the wizard says to type for it.

import { waitFor } from "../../support/wait.ts";
import type { Place } from "./place.ts";

/** The first start unpacks the program, which systemctl does not wait for. */
const START_MS = 60_000;

/** The commands that `fmsg host init` says to type next. */
export function commandsIn(said: string): string[] {
  const [, lines = ""] = /^Next, type:\n\n((?: {2}.+\n)+)/m.exec(said) ?? [];
  return lines.split("\n").map((line) => line.trim()).filter((line) => line !== "");
}

export class Service {
  constructor(readonly server: Place, readonly name: string) {}

  /** Everything that it has logged since systemd started it the last time. */
  async log(): Promise<string> {
    const run = await this.property("InvocationID");
    return await this.server.run(...JOURNAL, `_SYSTEMD_INVOCATION_ID=${run}`);
  }

  /** Waits until the log has this, since the last start. */
  async says(what: string): Promise<void> {
    await waitFor(async () => (await this.log()).includes(what), {
      what: `${this.name} at ${this.server.name} to say ${what}`,
      ms: START_MS,
    });
  }

  async property(name: string): Promise<string> {
    const show = ["systemctl", "show", "--property", name, "--value", this.name];
    return (await this.server.run(...show)).trim();
  }

  /** What the kernel says of its process. */
  async status(): Promise<ProcessStatus> {
    const text = await this.server.run("cat", `/proc/${await this.property("MainPID")}/status`);
    const value = (key: string): string =>
      new RegExp(`^${key}:\\s+(\\w+)`, "m").exec(text)?.[1] ?? "";
    return {
      uid: Number(value("Uid")),
      capabilities: [value("CapEff"), value("CapBnd")].map((set) => BigInt(`0x${set}`)),
      noNewPrivileges: value("NoNewPrivs") === "1",
    };
  }
}

export interface ProcessStatus {
  readonly uid: number;
  /** Those that it has, and those that it could get. */
  readonly capabilities: readonly bigint[];
  readonly noNewPrivileges: boolean;
}

/** CAP_NET_BIND_SERVICE, as a set. */
export const PORTS = 1n << 10n;

const JOURNAL = ["journalctl", "-o", "cat", "--no-pager"];
