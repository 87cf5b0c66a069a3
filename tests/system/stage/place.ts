// A place on the stage: the namespaces of one machine, the files in it, and commands that run there.

import { join } from "node:path";
import { waitFor } from "../../support/wait.ts";

/** How long a command may take that is over at once, in seconds. */
const COMMAND_S = 60;

export class Place {
  /** `pid` is of its first process, as this machine counts. `environment` is what its commands see. */
  constructor(
    readonly name: string,
    readonly pid: number,
    private readonly environment: Readonly<Record<string, string>> = {},
  ) {}

  /** Where a file of this place is to be found from outside. */
  path(file: string): string {
    return join(`/proc/${this.pid}/root`, file);
  }

  read(file: string): string {
    return Deno.readTextFileSync(this.path(file));
  }

  write(file: string, text: string): void {
    Deno.writeTextFileSync(this.path(file), text);
  }

  /** What a command prints. Throws when it fails, with all that it said. */
  async run(...argv: readonly string[]): Promise<string> {
    // Ended from inside: whoever ends nsenter leaves what it started.
    const limited = ["timeout", String(COMMAND_S), ...argv];
    const { success, stdout, stderr } = await this.command(limited, { stdin: "null" }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    if (!success) throw new Error(`${argv.join(" ")} failed at ${this.name}: ${err}${out}`);
    return out ?? "";
  }

  /** Starts what goes on until the stage is taken down. What it says goes to `log`, a file of this place. */
  start(log: string, ...argv: readonly string[]): Deno.ChildProcess {
    const shell = ["sh", "-c", 'log=$1; shift; exec "$@" >"$log" 2>&1', "sh", log, ...argv];
    return this.command(shell, { stdin: "null", stdout: "null", stderr: "null" }).spawn();
  }

  private command(argv: readonly string[], options: Deno.CommandOptions): Deno.Command {
    const spaces = ["mount", "pid", "net", "uts", "ipc", "cgroup"].map((space) => `--${space}`);
    return new Deno.Command("nsenter", {
      args: ["--target", String(this.pid), ...spaces, "--", ...argv],
      env: { ...this.environment },
      clearEnv: Object.keys(this.environment).length > 0,
      ...options,
    });
  }
}

/** The process that `pid` has started, and that one, so many `levels` down. */
export function descendant(pid: number, levels: number): Promise<number> {
  return waitFor(() => {
    let found = pid;
    for (let level = 0; level < levels; level++) {
      const children = Deno.readTextFileSync(`/proc/${found}/task/${found}/children`).trim();
      if (children === "") return null;
      found = Number(children.split(" ").at(-1));
    }
    return found;
  }, { what: `a process ${levels} levels below ${pid}` });
}
