// fmsg completion: scripts for shells, which complete commands, options, their values and the users' addresses.

import { existsSync } from "node:fs";
import { Argument, Command } from "commander";
import { findConfig, loadConfig } from "../config.ts";
import { Mailbox, storeFile } from "../store/mod.ts";
import { command, type CommonOptions, type Output, printResult } from "./context.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

type Shell = typeof SHELLS[number];

/** Addresses that are offered at once. */
const MAX_ADDRESSES = 500;

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

/** What the scripts call for addresses. It never complains, since its words would land in somebody's line. */
export function completeAddressesCommand(output: Output): Command {
  return command("complete-addresses", "print users' addresses for a shell's completion")
    .argument("[prefix]", "how they begin")
    .action((prefix: string | undefined, options: CommonOptions) => {
      const addresses = addressesHere(prefix ?? "", options);
      if (addresses.length > 0) printResult(output, options, addresses, () => addresses.join("\n"));
    });
}

function addressesHere(prefix: string, options: CommonOptions): readonly string[] {
  try {
    const file = findConfig(options.config, Deno.env, existsSync);
    if (file === undefined) return [];
    const { data_dir } = loadConfig(file);
    // Nobody who presses Tab wants a store made.
    if (!existsSync(storeFile(data_dir))) return [];
    using mailbox = new Mailbox(data_dir);
    return mailbox.addresses(prefix, MAX_ADDRESSES);
  } catch {
    return [];
  }
}
