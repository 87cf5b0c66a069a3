// fmsg user export: all users as the CSV that "fmsg user import" and fmsgid read.

import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import type { Config } from "../config.ts";
import type { UserView } from "../store/mod.ts";
import {
  command,
  CommandError,
  type CommonOptions,
  type Output,
  printResult,
  UsageError,
} from "./context.ts";
import { openConfig, withMailbox } from "./open.ts";
import { publish } from "./partial.ts";
import { formatUsers } from "./user_csv.ts";
import { counted } from "./verify.ts";

interface ExportOptions extends CommonOptions {
  readonly withDefaults?: boolean;
}

export function exportCommand(output: Output): Command {
  return command(
    "export",
    "write all users as the CSV file that fmsgid reads; importing it again changes nothing",
    "fmsg user export people.csv",
    "fmsg user export --with-defaults > addresses.csv",
  )
    .argument(
      "[file]",
      'the file to make; one that exists is never replaced (default: "-", stdout)',
    )
    .option(
      "--with-defaults",
      "for fmsgid, whose defaults are others: write the limit that holds where a user has none of their own",
    )
    .action((file: string | undefined, options: ExportOptions) =>
      exportUsers(file ?? "-", options, output)
    );
}

async function exportUsers(file: string, options: ExportOptions, output: Output): Promise<void> {
  const toStdout = file === "-";
  if (toStdout && options.json === true) {
    throw new UsageError("--json needs a file: stdout cannot hold the users as well");
  }
  const config = openConfig(options);
  const users = await withMailbox(config, (mailbox) => mailbox.users());
  const bytes = new TextEncoder().encode(
    formatUsers(
      options.withDefaults === true ? users.map((user) => complete(user, config)) : users,
    ),
  );
  if (toStdout) await output.write(bytes);
  else writeFile(file, bytes);
  noteForOthers(users, output);
  if (toStdout) return;
  printResult(
    output,
    options,
    { file, users: users.length },
    () => `Wrote ${file}: ${counted(users.length, "user")}`,
  );
}

/** A user with every limit that holds. */
function complete(user: UserView, config: Config): UserView {
  return { ...user, limits: { ...config.quota, ...user.limits } };
}

/** All of it or nothing. */
function writeFile(file: string, bytes: Uint8Array): void {
  const partial = join(dirname(file), `.fmsg-${crypto.randomUUID()}.part`);
  try {
    Deno.writeFileSync(partial, bytes, { createNew: true, mode: 0o600 });
    publish(partial, file);
  } catch (error) {
    throw new CommandError(
      error instanceof Deno.errors.AlreadyExists
        ? `${file} exists, and an export never replaces a file: name another, or move it away`
        : `Cannot write ${file}: ${error instanceof Error ? error.message : error}`,
      { cause: error },
    );
  } finally {
    rmSync(partial, { force: true });
  }
}

/** What other programs would make something else of. */
function noteForOthers(users: readonly UserView[], output: Output): void {
  const formulas = users.filter(({ name }) => FORMULA.test(name)).length;
  if (formulas > 0) {
    output.note(
      `${
        counted(formulas, "name")
      } would be a formula in a spreadsheet: let it take all columns as text`,
    );
  }
  const limited = users.filter(({ limits }) => typeof limits.recv_messages === "number").length;
  if (limited > 0) {
    output.note(
      `${
        counted(limited, "user")
      } with a limit on messages kept, in the column limit_recv_count_total: fmsgid has no such limit`,
    );
  }
}

/** What spreadsheets take for the beginning of a formula. The names are written as they are: the file is a list of users first. */
const FORMULA = /^[=+\-@\t\r]/;
