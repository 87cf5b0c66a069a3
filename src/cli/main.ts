// The command line: commands, errors in one line, and exit statuses.

import { Command, CommanderError } from "commander";
import { ConfigError } from "../config.ts";
import { PROGRAM_VERSION } from "../version.ts";
import { addToCommand } from "./add_to.ts";
import { type Output, standardOutput, UsageError } from "./context.ts";
import { demoCommand } from "./demo.ts";
import { hostCommand } from "./host.ts";
import { sendCommand } from "./send.ts";
import { userCommand } from "./user.ts";
import { safe } from "./terminal.ts";

/** Runs one command; the exit status: 0 done, 1 failed, 2 used wrongly. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  const output = standardOutput();
  try {
    await program(output).parseAsync([...args], { from: "user" });
    return 0;
  } catch (error) {
    return report(error, output);
  }
}

function program(output: Output): Command {
  const root = new Command("fmsg")
    .description("A host for fmsg: messages that belong to the people who write them.")
    .version(PROGRAM_VERSION)
    .helpCommand("help [topic]", "help on a command");
  root.addCommand(hostCommand(output));
  root.addCommand(userCommand(output));
  root.addCommand(sendCommand(output));
  root.addCommand(addToCommand(output));
  root.addCommand(demoCommand(output));
  settle(root);
  return root;
}

/** Every command throws instead of exiting, and keeps its errors to one line. */
function settle(command: Command): void {
  command.exitOverride().configureOutput({
    outputError: (text, write) => write(oneLine(text.replace(/^error: /, "fmsg: ")) + "\n"),
  });
  for (const inner of command.commands) settle(inner);
}

function report(error: unknown, output: Output): number {
  // Commander has printed its own errors, and help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const message = error instanceof Error ? error.message : String(error);
  output.note(`fmsg: ${oneLine(message)}`);
  if (Deno.env.get("FMSG_DEBUG") === "1" && error instanceof Error) output.note(debugText(error));
  return error instanceof UsageError || error instanceof ConfigError ? 2 : 1;
}

function debugText(error: Error): string {
  const cause = error.cause instanceof Error ? `\nCaused by: ${debugText(error.cause)}` : "";
  return `${error.stack ?? error.message}${cause}`;
}

function oneLine(text: string): string {
  return safe(text.trim().replace(/\s*\n\s*/g, " "));
}
