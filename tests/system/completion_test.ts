// The completion in real shells at a terminal.

import { join } from "node:path";
import { Place } from "../cli/support.ts";
import { Desk } from "./stage/desk.ts";

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
  ["fmsg host backup co", "fmsg host backup copies/"],
];

const SHELLS = [
  { name: "bash", shell: ["bash", "--norc"], setUp: "PS1='% '; . ./script" },
  {
    name: "zsh",
    shell: ["zsh", "-f"],
    setUp: "PS1='%% '; autoload -U compinit; compinit -D; . ./script",
  },
  {
    name: "fish",
    shell: ["fish", "--no-config"],
    setUp:
      "function fish_prompt; echo '% '; end; set -g fish_autosuggestion_enabled 0; source script",
  },
] as const;

for (const { name, shell, setUp } of SHELLS) {
  Deno.test(`${name} completes commands, options, values, addresses, keys and files at a terminal`, async () => {
    using place = new Place();
    await place.addUsers("alice", "bob");
    await using desk = await Desk.open({ prompt: "% ", shell, env: { FMSG_CONFIG: place.config } });
    const { stdout } = await place.run(["completion", name]);
    await Deno.writeTextFile(join(desk.work, "script"), stdout);
    await Deno.mkdir(join(desk.work, "copies"));
    const { terminal } = desk;
    await terminal.type(`${setUp}; clear`);
    await terminal.press("Enter");
    await terminal.see(/^\n*%$/);
    const { key_id: id } = Object(await place.json("key", "create", "@alice@a.test"));
    const revoke = [`fmsg key revoke ${String(id).slice(0, 3)}`, `fmsg key revoke ${id}`] as const;
    for (const [typed, line] of [...LINES, revoke]) {
      await terminal.type(typed);
      await terminal.press("Tab");
      // zsh puts an = behind options with a value.
      await terminal.see(new RegExp(`^% ${escape(line)}=?$`, "m"));
      await terminal.press("C-u");
      await terminal.see(/^%$/m);
    }
  });
}

function escape(text: string): string {
  return text.replaceAll(/[.+*?()[\]]/g, "\\$&");
}
