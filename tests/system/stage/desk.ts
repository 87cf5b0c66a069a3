// A terminal on this machine, for what needs no server: in it `fmsg` is the program of this checkout.

import { join } from "node:path";
import { Place } from "./place.ts";
import { Terminal } from "./terminal.ts";

const MAIN = new URL("../../../main.ts", import.meta.url).pathname;

export interface DeskChoices {
  /** What the shell shows when it waits. */
  readonly prompt: string;
  readonly shell: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export class Desk implements AsyncDisposable {
  private constructor(
    readonly terminal: Terminal,
    /** Where the shell begins, and nothing is at first. */
    readonly work: string,
    private readonly folder: string,
  ) {}

  static async open({ prompt, shell, env = {} }: DeskChoices): Promise<Desk> {
    const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "fmsg-desk-" }));
    const [bin, work] = [join(folder, "bin"), join(folder, "work")];
    try {
      for (const name of [bin, work]) await Deno.mkdir(name);
      const program = `#!/bin/sh\nexec '${Deno.execPath()}' run -A '${MAIN}' "$@"\n`;
      await Deno.writeTextFile(join(bin, "fmsg"), program, { mode: 0o755 });
      const terminal = await Terminal.open({
        place: new Place("here", Deno.pid),
        ...{ prompt, home: work, folder, shell },
        env: {
          DENO_NO_UPDATE_CHECK: "1",
          FMSG_CONFIG: "",
          // No shell remembers what was typed.
          HISTFILE: "",
          fish_history: "",
          LANG: "C.UTF-8",
          PATH: `${bin}:${Deno.env.get("PATH")}`,
          ...env,
        },
      });
      return new Desk(terminal, work, folder);
    } catch (error) {
      await Deno.remove(folder, { recursive: true });
      throw error;
    }
  }

  /** What has been made where the shell began. */
  files(): string[] {
    return [...Deno.readDirSync(this.work)].map(({ name }) => name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminal.close();
    await Deno.remove(this.folder, { recursive: true });
  }
}
