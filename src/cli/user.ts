// fmsg user …: the directory of this host's users.

import { Command } from "commander";
import { command, CommandError, type CommonOptions, type Output, printResult } from "./context.ts";
import { openConfig, withWriter } from "./open.ts";

export function userCommand(output: Output): Command {
  const user = new Command("user").description("the users of this host");
  user.addCommand(
    command("add", "add a user")
      .argument("<address>", "such as @alice@example.com")
      .option("--name <name>", "a name to show")
      .option("--max-messages <n>")
      .option("--max-bytes <n>")
      .action(
        async (
          address: string,
          options: CommonOptions & { name?: string; maxMessages?: string; maxBytes?: string },
        ) => {
          const config = openConfig(options);
          const limits = {
            ...(options.maxMessages === undefined
              ? {}
              : { recv_messages: Number(options.maxMessages) }),
            ...(options.maxBytes === undefined ? {} : { recv_bytes: Number(options.maxBytes) }),
          };
          const added = await withWriter(config, (writer) =>
            writer.submit("addUser", {
              address,
              name: options.name ?? "",
              accepting: true,
              limits,
            }));
          if (!added) {
            throw new CommandError(`${address} is a user already`);
          }
          printResult(output, options, { address }, () => `Added ${address}`);
        },
      ),
  );
  return user;
}
