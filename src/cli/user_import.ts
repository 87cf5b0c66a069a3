// fmsg user import: users from the CSV that fmsgid reads. All of the file, or nothing of it.

import { existsSync } from "node:fs";
import { serialize } from "node:v8";
import type { Command } from "commander";
import type { Config } from "../config.ts";
import { MAX_FRAME } from "../host/mod.ts";
import { storeFile, type UserView } from "../store/mod.ts";
import { shownAddress } from "./addresses.ts";
import {
  command,
  CommandError,
  type CommonOptions,
  type Output,
  printResult,
  withExamples,
} from "./context.ts";
import { readInput } from "./input.ts";
import { openConfig, withMailbox, withWriter } from "./open.ts";
import { safe } from "./terminal.ts";
import { type ChangedUser, type Changes, compareUsers, type Step } from "./user_changes.ts";
import { type CsvProblem, parseUsers } from "./user_csv.ts";
import { counted } from "./verify.ts";

interface ImportOptions extends CommonOptions {
  readonly dryRun?: boolean;
  readonly disableAbsent?: boolean;
}

/** Bytes of a file; that of 50,000 users with every column has half of it. */
const MAX_FILE = 16 * 1024 * 1024;

/** Bytes of changes: what the running host takes at once, less what goes around them. */
const MAX_CHANGES = MAX_FRAME - 4096;

/** How much of a long list is shown in a note. */
const MANY = 10;

export function importCommand(output: Output): Command {
  const imports = command("import", "add and change users by the CSV file that fmsgid reads")
    .argument("<file>", 'the CSV file, or "-" for stdin')
    .option("--dry-run", "show what would change, and change nothing")
    .option(
      "--disable-absent",
      "as fmsgid does: users that the file does not name take no new messages any more, " +
        "and those that it names do unless accepting_new says otherwise",
    )
    .addHelpText("after", FORMAT)
    .action((file: string, options: ImportOptions) => importUsers(file, options, output));
  return withExamples(
    imports,
    "fmsg user import people.csv --dry-run",
    "fmsg user import people.csv --disable-absent",
  );
}

const FORMAT = `
The first line names the columns, in any order; address is enough:
  address                   as in @alice@example.com
  display_name              the name
  accepting_new             true or false: whether new messages are taken
  limit_recv_size_total     bytes, and so on for all limits of FMSG-002; see
                            "fmsg user export"
A column that is not there changes nothing. An empty cell takes the default: no
name, true, and of a limit that of the configuration. -1 is no limit. Where the
file has a mistake, nothing of it is imported. Nobody is removed.`;

async function importUsers(file: string, options: ImportOptions, output: Output): Promise<void> {
  const config = openConfig(options);
  const bytes = await readInput(file, MAX_FILE, "a CSV file of users");
  const name = file === "-" ? "what came from stdin" : file;
  const { users, problems, ignored } = await parseUsers(bytes, config.domain);
  if (problems.length > 0) throw refused(name, problems, output);
  if (users.length === 0) throw new CommandError(`Nothing was imported: ${name} names no user`);
  const isDryRun = options.dryRun === true;
  const here = await usersHere(config, isDryRun);
  const { imports, ...changes } = compareUsers(here, users, options.disableAbsent === true);
  if (!isDryRun && imports.length > 0) {
    if (serialize(imports).length > MAX_CHANGES) throw tooMuch(name);
    await withWriter(config, (writer) => writer.submit("importUsers", { users: imports }));
  }
  noteWhatWasLeft(ignored, changes.absent, options, output);
  printResult(
    output,
    options,
    { dry_run: isDryRun, ...changes, ignored_columns: ignored },
    () =>
      isDryRun
        ? [...changeLines(changes), summary(changes, true)].join("\n")
        : summary(changes, false),
  );
}

function refused(name: string, problems: readonly CsvProblem[], output: Output): CommandError {
  for (const { line, what } of problems.slice(0, MANY)) output.note(`line ${line}: ${safe(what)}`);
  if (problems.length > MANY) output.note(`and ${problems.length - MANY} more`);
  return new CommandError(
    `Nothing was imported: correct ${counted(problems.length, "mistake")} in ${name}`,
  );
}

function tooMuch(name: string): CommandError {
  return new CommandError(
    `Nothing was imported: it is more than the host takes at once; import a part of ${name} first, and then all of it`,
  );
}

/** A dry run does not even make a store. */
async function usersHere(config: Config, isDryRun: boolean): Promise<readonly UserView[]> {
  if (isDryRun && !existsSync(storeFile(config.data_dir))) return [];
  return await withMailbox(config, (mailbox) => mailbox.users());
}

function noteWhatWasLeft(
  ignored: readonly string[],
  absent: readonly string[],
  options: ImportOptions,
  output: Output,
): void {
  for (const column of ignored) {
    output.note(`The column "${safe(column)}" means nothing here and was left out`);
  }
  if (absent.length === 0 || options.disableAbsent === true) return;
  const shown = absent.slice(0, MANY).map(shownAddress).join(", ");
  const more = absent.length > MANY ? ` and ${absent.length - MANY} more` : "";
  output.note(
    `Not in the file, and left as they are (--disable-absent stops them taking messages): ${shown}${more}`,
  );
}

type Result = Omit<Changes, "imports">;

function changeLines({ added, changed, disabled }: Result): string[] {
  return [
    ...added.map((address) => `+ ${shownAddress(address)}`),
    ...changed.map((user) => `~ ${changeLine(user)}`),
    ...disabled.map((address) => `- ${shownAddress(address)}: not in the file, takes no messages`),
  ];
}

function changeLine({ address, changes }: ChangedUser): string {
  const steps = Object.entries(changes).map(([name, { from, to }]) =>
    `${name} ${shownValue(from)} -> ${shownValue(to)}`
  );
  return `${shownAddress(address)}: ${steps.join(", ")}`;
}

function shownValue(value: Step["from"]): string {
  if (value === null) return "none";
  return typeof value === "string" && value !== "default" ? `"${safe(value)}"` : String(value);
}

function summary({ added, changed, disabled, unchanged }: Result, isDryRun: boolean): string {
  const disabledText = disabled.length === 0 ? [] : [`${disabled.length} disabled`];
  const counts = [
    `${added.length} added`,
    `${changed.length} changed`,
    ...disabledText,
    `${unchanged} unchanged`,
  ].join(", ");
  return isDryRun ? `It would be: ${counts}` : counts;
}
