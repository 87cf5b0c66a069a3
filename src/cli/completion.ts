// fmsg completion: scripts for shells, which complete commands, options, their values, users' addresses and ids.

import { existsSync } from "node:fs";
import { Argument, Command } from "commander";
import { findConfig, loadConfig } from "../config.ts";
import { Access, Mailbox, storeFile } from "../store/mod.ts";
import { command, type CommonOptions, type Output, printResult } from "./context.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

type Shell = typeof SHELLS[number];

/** Addresses or ids that are offered at once. */
const AT_ONCE = 500;

export function completionCommand(output: Output): Command {
  const completion = command("completion", "print a script that lets a shell complete commands")
    .addArgument(new Argument("<shell>", "your shell").choices(SHELLS))
    .addHelpText("after", INSTALLING)
    .action(async (shell: Shell, options: CommonOptions) => {
      const script = await scriptFor(shell, completion.parent ?? completion);
      printResult(output, options, { shell, script }, () => script.trimEnd());
    });
  return completion;
}

const INSTALLING = `
To have it in every new shell, as root:
  fmsg completion bash > /etc/bash_completion.d/fmsg
  fmsg completion zsh > /usr/local/share/zsh/site-functions/_fmsg
  fmsg completion fish > /etc/fish/completions/fmsg.fish
or for yourself:
  fmsg completion bash >> ~/.bashrc
  fmsg completion fish > ~/.config/fish/completions/fmsg.fish
After an upgrade of fmsg, do it again.

Example:
  fmsg completion bash`;

async function scriptFor(shell: Shell, root: Command): Promise<string> {
  const { treeOf } = await import("./completion/tree.ts");
  const tree = treeOf(root);
  switch (shell) {
    case "bash":
      return (await import("./completion/bash.ts")).bashScript(tree);
    case "zsh":
      return (await import("./completion/zsh.ts")).zshScript(tree);
    case "fish":
      return (await import("./completion/fish.ts")).fishScript(tree);
  }
}

/** What the scripts call for addresses and for ids. They never complain, since their words would land in somebody's line. */
export function completingCommands(output: Output): Command[] {
  return [
    completing("addresses", "users' addresses", addressesIn, output),
    completing("keys", "the ids of API keys", keyIdsIn, output),
    completing("sessions", "the ids of sessions", sessionIdsIn, output),
  ];
}

type Known = (dataDir: string, prefix: string) => readonly string[];

function completing(name: string, what: string, read: Known, output: Output): Command {
  return command(`complete-${name}`, `print ${what} for a shell's completion`)
    .argument("[prefix]", "how they begin")
    .action((prefix: string | undefined, options: CommonOptions) => {
      const known = knownHere(read, prefix ?? "", options);
      if (known.length > 0) printResult(output, options, known, () => known.join("\n"));
    });
}

function addressesIn(dataDir: string, prefix: string): readonly string[] {
  using mailbox = new Mailbox(dataDir);
  return mailbox.addresses(prefix, AT_ONCE);
}

function keyIdsIn(dataDir: string, prefix: string): readonly string[] {
  using access = new Access(dataDir);
  return access.allGrants().map(({ keyId }) => keyId).filter((id) => id.startsWith(prefix))
    .slice(0, AT_ONCE);
}

function sessionIdsIn(dataDir: string, prefix: string): readonly string[] {
  using access = new Access(dataDir);
  return access.sessions(null).map(({ id }) => id).filter((id) => id.startsWith(prefix))
    .slice(0, AT_ONCE);
}

function knownHere(read: Known, prefix: string, options: CommonOptions): readonly string[] {
  try {
    const file = findConfig(options.config, Deno.env, existsSync);
    if (file === undefined) return [];
    const { data_dir } = loadConfig(file);
    // Nobody who presses Tab wants a store made.
    if (!existsSync(storeFile(data_dir))) return [];
    return read(data_dir, prefix);
  } catch {
    return [];
  }
}
