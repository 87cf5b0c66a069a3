// The completion in real shells at a terminal. Needs tmux, zsh and fish (Debian: apt-get install tmux zsh fish).

import assert from "node:assert/strict";
import { join } from "node:path";
import { Place } from "../cli/support.ts";
import { waitFor } from "../support/wait.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;

/** What is typed, with the key Tab at its end, and what the line is then. */
const LINES: readonly (readonly [typed: string, line: string])[] = [
  ["fmsg us", "fmsg user"],
  ["fmsg user set --acc", "fmsg user set --accepting"],
  ["fmsg user set --accepting=t", "fmsg user set --accepting=true"],
  ["fmsg user show @ali", "fmsg user show @alice@a.test"],
  ["fmsg user show @alice@", "fmsg user show @alice@a.test"],
  ["fmsg send --to=@bob@a.test,@ali", "fmsg send --to=@bob@a.test,@alice@a.test"],
  ["fmsg --json list @b", "fmsg --json list @bob@a.test"],
  ["fmsg help tr", "fmsg help troubleshooting"],
  ["fmsg help user se", "fmsg help user set"],
  ["fmsg host backup bi", "fmsg host backup bin/"],
];

const SHELLS = [
  {
    name: "bash",
    start: "bash --norc",
    setUp: (file: string) => `PS1='% '; . ${file}`,
  },
  {
    name: "zsh",
    start: "zsh -f",
    setUp: (file: string) => `PS1='%% '; autoload -U compinit; compinit -D; . ${file}`,
  },
  {
    name: "fish",
    start: "fish --no-config",
    setUp: (file: string) =>
      `function fish_prompt; echo '% '; end; set -g fish_autosuggestion_enabled 0; source ${file}`,
  },
] as const;

for (const { name, start, setUp } of SHELLS) {
  Deno.test(`${name} completes commands, options, values, addresses and files at a terminal`, async () => {
    using place = new Place();
    await place.addUsers("alice", "bob");
    const bin = join(place.dir, "bin");
    Deno.mkdirSync(bin);
    const program = `#!/bin/sh\nexec '${Deno.execPath()}' run -A '${MAIN}' "$@"\n`;
    Deno.writeTextFileSync(join(bin, "fmsg"), program, { mode: 0o755 });
    const script = join(place.dir, "completion");
    const { stdout } = await place.run(["completion", name]);
    Deno.writeTextFileSync(script, stdout);
    await using terminal = await Terminal.start(place, start);
    await terminal.type(`${setUp(script)}; clear`, "Enter");
    await terminal.shows("%");
    for (const [typed, line] of LINES) {
      await terminal.type(typed, "Tab");
      await terminal.shows(`% ${line}`);
      await terminal.type("", "C-u");
      await terminal.shows("%");
    }
  });
}

/** A terminal of tmux, which has a server of its own. */
class Terminal implements AsyncDisposable {
  private constructor(private readonly socket: string) {}

  static async start(place: Place, command: string): Promise<Terminal> {
    const terminal = new Terminal(`fmsg-${crypto.randomUUID()}`);
    const size = ["-x", "120", "-y", "40", "-c", place.dir];
    await terminal.#tmux(["-f", "/dev/null", "new-session", "-d", ...size, command], {
      PATH: `${join(place.dir, "bin")}:${Deno.env.get("PATH")}`,
      FMSG_CONFIG: place.config,
      DENO_NO_UPDATE_CHECK: "1",
      HOME: place.dir,
    });
    return terminal;
  }

  async type(text: string, key: string): Promise<void> {
    if (text !== "") await this.#tmux(["send-keys", "-l", "--", text]);
    await this.#tmux(["send-keys", key]);
  }

  /** Waits until the first line that has something is this one; zsh puts an = behind options with a value. */
  async shows(line: string): Promise<void> {
    await waitFor(async () => {
      const screen = await this.#tmux(["capture-pane", "-p"]);
      const first = screen.split("\n").find((one) => one.trim() !== "") ?? "";
      return first.trimEnd().replace(/=$/, "") === line;
    }, { what: line });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A shell that is killed may still write its history, into a folder that is gone.
    await this.type("exit", "Enter");
    await waitFor(async () => !(await this.#run(["has-session"])).success, { what: "the end" });
  }

  async #tmux(words: readonly string[], env: Record<string, string> = {}): Promise<string> {
    const { success, stdout, stderr } = await this.#run(words, env);
    assert.ok(success, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout);
  }

  async #run(
    words: readonly string[],
    env: Record<string, string> = {},
  ): Promise<Deno.CommandOutput> {
    return await new Deno.Command("tmux", { args: ["-L", this.socket, ...words], env }).output();
  }
}
