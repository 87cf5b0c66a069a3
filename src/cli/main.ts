// The command line: commands, errors in one line, and exit statuses.

import { type Argument, Command, CommanderError } from "commander";
import { ConfigError } from "../config.ts";
import { PROGRAM_VERSION } from "../version.ts";
import { addToCommand } from "./add_to.ts";
import {
  type Output,
  OutputClosed,
  standardOutput,
  UsageError,
  withCommonOptions,
  withExamples,
} from "./context.ts";
import { completingCommands, completionCommand } from "./completion.ts";
import { demoCommand } from "./demo.ts";
import { printTopic, withTopics } from "./help.ts";
import { hostCommand } from "./host.ts";
import { keyCommand } from "./key.ts";
import { listCommand } from "./list.ts";
import { messageCommand } from "./message.ts";
import { queueCommand } from "./queue.ts";
import { saveCommand } from "./save.ts";
import { searchCommand } from "./search.ts";
import { sendCommand } from "./send.ts";
import { sessionCommand } from "./session.ts";
import { showCommand } from "./show.ts";
import { nearest } from "./suggest.ts";
import { loadWidths, safe } from "./terminal.ts";
import { threadCommand } from "./thread.ts";
import { tokenCommand } from "./token.ts";
import { TOPIC_NAMES, topicNamed } from "./topics.ts";
import { userCommand } from "./user.ts";

/** Runs one command; the exit status: 0 done, 1 failed, 2 used wrongly. */
export async function runCommandLine(
  args: readonly string[],
  output: Output = standardOutput(),
): Promise<number> {
  try {
    await program(output).parseAsync(args.map(bareWait), { from: "user" });
    return 0;
  } catch (error) {
    return report(error, output);
  }
}

/** `--wait` alone waits 60 seconds: the word that follows is the body, and no number for it. */
function bareWait(arg: string, i: number, args: readonly string[]): string {
  const isOption = arg === "--wait" && !args.slice(0, i).includes("--");
  return isOption ? "--wait=60" : arg;
}

function program(output: Output): Command {
  const root = withCommonOptions(
    new Command("fmsg")
      .description("A host for fmsg: messages that belong to the people who write them.")
      .version(PROGRAM_VERSION, "-V, --version", "print the version"),
  );
  root.addCommand(hostCommand(output));
  root.addCommand(userCommand(output));
  root.addCommand(keyCommand(output));
  root.addCommand(tokenCommand(output));
  root.addCommand(sessionCommand(output));
  root.addCommand(withExamples(
    sendCommand(output),
    'fmsg send --from @alice@example.com --to @bob@example.org --topic Lunch "At noon?"',
    "fmsg send --from @alice@example.com --to @bob@example.org --attach menu.pdf --file letter.md",
  ));
  root.addCommand(
    withExamples(
      addToCommand(output),
      "fmsg add-to 7 --from @alice@example.com @carol@example.net",
    ),
  );
  root.addCommand(listCommand(output));
  root.addCommand(searchCommand(output));
  root.addCommand(showCommand(output));
  root.addCommand(threadCommand(output));
  root.addCommand(saveCommand(output));
  root.addCommand(messageCommand(output));
  root.addCommand(queueCommand(output));
  root.addCommand(demoCommand(output));
  root.addCommand(completionCommand(output));
  for (const completing of completingCommands(output)) {
    root.addCommand(completing, { hidden: true });
  }
  withTopics(root);
  withExamples(root, "fmsg help send", "fmsg user list --json");
  root.hook("preAction", async (_root, action) => {
    inheritCommonOptions(action);
    if (action.getOptionValue("json") !== true && !WITHOUT_COLUMNS.has(action.name())) {
      await loadWidths();
    }
  });
  settle(root, output);
  return root;
}

/** Commands that line nothing up, and are started often or by programs. */
const WITHOUT_COLUMNS: ReadonlySet<string> = new Set([
  "complete-addresses",
  "complete-keys",
  "complete-sessions",
  "completion",
  "run",
  "send",
  "token",
]);

/** Every command throws instead of exiting, writes where all of them write, and keeps its errors to one line. */
function settle(command: Command, output: Output): void {
  const columns = Math.min(output.columns, HELP_COLUMNS);
  command
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureOutput({
      writeOut: (text) => output.print(text.replace(/\n$/, "")),
      writeErr: (text) => output.note(text.replace(/\n$/, "")),
      outputError: (text) => output.note(`fmsg: ${oneLine(withAdvice(text, command))}`),
      getOutHelpWidth: () => columns,
      getErrHelpWidth: () => columns,
      // On stdout the style knows whether colours are wanted; it does not know stderr.
      getOutHasColors: () => true,
      getErrHasColors: () => false,
    })
    .configureHelp({
      styleTitle: (title) => output.style.bold(title),
      subcommandTerm: (below) =>
        [below.name(), ...below.registeredArguments.map(placeholder)].join(" "),
    });
  if (command.commands.length === 0) return;
  for (const inner of command.commands) settle(inner, output);
  addHelp(command, output);
}

function placeholder(argument: Argument): string {
  const name = argument.name() + (argument.variadic ? "..." : "");
  return argument.required ? `<${name}>` : `[${name}]`;
}

/** Lines of help that are longer than this are hard to read. */
const HELP_COLUMNS = 100;

/**
 * A command that has others below it: `help` on them, and the common options before their names. Alone it is used
 * wrongly, and prints its help on stderr.
 */
function addHelp(command: Command, output: Output): void {
  const isRoot = command.parent === null;
  const help = new Command("help")
    .description(isRoot ? "help on a command or a topic" : "help on a command")
    .argument("[topic...]", `the command, as in user add${isRoot ? ", or a topic" : ""}`)
    .action(async (words: readonly string[]) => {
      const topic = isRoot && words.length === 1 ? topicNamed(words[0] ?? "") : null;
      if (topic === null) find(command, words).outputHelp();
      else await printTopic(topic, output);
    });
  command.enablePositionalOptions().helpCommand(false).addCommand(help, { hidden: !isRoot });
  if (!isRoot) {
    const [first] = namesBelow(command);
    withExamples(withCommonOptions(command), `${pathOf(command)} ${first ?? ""} --help`);
  }
  settle(help, output);
}

/** The command below `from` that the words name; words behind a command's name are its arguments. */
function find(from: Command, words: readonly string[]): Command {
  const [word, ...rest] = words;
  if (word === undefined || from.commands.length === 0) return from;
  const found = from.commands.find((command) => command.name() === word);
  if (found !== undefined) return find(found, rest);
  const isTopic = from.parent === null && nearest(word, namesBelow(from)).length === 0 &&
    nearest(word.toLowerCase(), TOPIC_NAMES).length > 0;
  return from.error(`error: unknown ${isTopic ? "topic" : "command"} '${word}'`);
}

/** `fmsg --config FILE list` is as good as `fmsg list --config FILE`. */
function inheritCommonOptions(action: Command): void {
  for (let above = action.parent; above !== null; above = above.parent) {
    for (const name of ["config", "json"]) {
      if (action.getOptionValue(name) !== undefined) continue;
      action.setOptionValue(name, above.getOptionValue(name));
    }
  }
}

/** What Commander complains of, and what to do about it. */
function withAdvice(text: string, command: Command): string {
  const complaint = text.trim().replace(/^error: (.)/, (_, first: string) => first.toUpperCase())
    .replace(/\.$/, "");
  const unknown = /^error: unknown (command|option|topic) '(?:--)?([^'=]*)/.exec(text);
  const [, kind = "", word = ""] = unknown ?? [];
  const meant = unknown === null ? [] : nearest(
    word.toLowerCase(),
    kind === "command" ? namesBelow(command) : kind === "topic" ? TOPIC_NAMES : flagsOf(command),
  );
  if (meant.length === 0) return `${complaint}; see "${pathOf(command)} --help"`;
  const dashes = kind === "option" ? "--" : "";
  return `${complaint}; did you mean ${meant.map((name) => dashes + name).join(" or ")}?`;
}

function namesBelow(command: Command): string[] {
  return command.createHelp().visibleCommands(command).map((below) => below.name());
}

function flagsOf(command: Command): string[] {
  return command.createHelp().visibleOptions(command)
    .flatMap(({ long, short }) => [long ?? "", short ?? ""])
    .filter((flag) => flag.startsWith("--"))
    .map((flag) => flag.slice(2));
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function report(error: unknown, output: Output): number {
  // Commander has printed its own errors, and help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  // After `| head` the one who reads has what they wanted.
  if (error instanceof OutputClosed) return 0;
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
