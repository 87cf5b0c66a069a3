// fmsg host backup: a consistent copy of the store, made while messages come in.

import { dirname, join, resolve } from "node:path";
import { existsSync, mkdirSync, statfsSync, statSync } from "node:fs";
import type { Command } from "commander";
import type { Config } from "../config.ts";
import {
  auditCopy,
  copySize,
  copyStore,
  DirectoryLock,
  type Finding,
  lockOwner,
  own,
  StoreError,
  storeFile,
  type StoreSummary,
} from "../store/mod.ts";
import {
  command,
  CommandError,
  type CommonOptions,
  type Output,
  printResult,
  UsageError,
} from "./context.ts";
import { openConfig, withMailbox } from "./open.ts";
import { inPartialFolder, publish } from "./partial.ts";
import { formatSize, formatTime } from "./terminal.ts";
import { counted } from "./verify.ts";

interface BackupOptions extends CommonOptions {
  readonly toStdout?: boolean;
}

/** Bytes that are read and written at once. */
const PIECE = 256 * 1024;

/** Bytes of a store whose copy takes so long that a word about it is in place. */
const LARGE = 256 * 1024 * 1024;

export function backupCommand(output: Output): Command {
  return command(
    "backup",
    "copy the store to a file, while the host runs or not; fmsg.yaml and the certificate are your own files: keep them too",
    "fmsg host backup /backups/fmsg-monday.db",
    "fmsg host backup --to-stdout | gzip > fmsg.db.gz",
  )
    .argument("[file]", "the file to make; one that exists is never replaced")
    .option("--to-stdout", "write the copy to stdout, for a pipe")
    .action((file: string | undefined, options: BackupOptions) => backup(file, options, output));
}

async function backup(
  file: string | undefined,
  options: BackupOptions,
  output: Output,
): Promise<void> {
  const toStdout = options.toStdout === true;
  if ((file === undefined) !== toStdout) {
    throw new UsageError("Name one place for the copy: a file, or --to-stdout");
  }
  if (file === "-") throw new UsageError('For a copy on stdout use --to-stdout in place of "-"');
  if (toStdout) requireHarmlessStdout(options, output);
  const config = openConfig(options);
  // The store is made where there is none.
  await withMailbox(config, () => {});
  if (file === undefined) return await backUpToStdout(config, output);
  const copied = await backUpToFile(config, resolve(file), output);
  printResult(output, options, { file, ...copied }, () => `Wrote ${file}: ${holds(copied)}`);
}

function requireHarmlessStdout(options: BackupOptions, output: Output): void {
  if (options.json === true) {
    throw new UsageError("--json needs a file: stdout cannot hold the copy as well");
  }
  if (output.isTerminal) {
    throw new UsageError(
      'The copy would go to the terminal: pipe it, as in "fmsg host backup --to-stdout | gzip > fmsg.db.gz"',
    );
  }
}

async function backUpToFile(config: Config, file: string, output: Output): Promise<StoreSummary> {
  const folder = dirname(file);
  if (!existsSync(folder)) {
    throw new CommandError(`There is no folder ${folder}: make it first, or name another`);
  }
  if (isThere(file)) throw taken(file);
  const size = requireRoom(config, folder);
  if (output.isTerminal && size > LARGE) output.note(`Copying ${formatSize(size)} …`);
  const partial = join(folder, `.fmsg-${crypto.randomUUID()}.partial`);
  try {
    return await inPartialFolder(partial, async () => {
      const summary = await copyAndAudit(config, partial);
      publish(storeFile(partial), file);
      return summary;
    });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) throw taken(file);
    if (error instanceof CommandError || error instanceof StoreError) throw error;
    throw new CommandError(
      `Cannot write ${file}: ${error instanceof Error ? error.message : error}`,
      { cause: error },
    );
  }
}

/** The copy is made in a file all the same, since SQLite writes it in no order, and since it is audited first. */
async function backUpToStdout(config: Config, output: Output): Promise<void> {
  const partial = join(config.data_dir, "backup.partial");
  mkdirSync(partial, { recursive: true, mode: 0o700 });
  own(partial, config.data_dir, 0o700);
  using lock = DirectoryLock.take(partial);
  if (lock === null) {
    throw new CommandError(
      `Process ${lockOwner(partial)} is making a copy for stdout: wait until it is through`,
    );
  }
  requireRoom(config, config.data_dir);
  const [copy, summary] = await inPartialFolder(partial, async () => {
    removeIfThere(storeFile(partial)); // of one that was killed
    const summary = await copyAndAudit(config, partial);
    // From here on it has no name, and whatever ends this command leaves nothing.
    return [Deno.openSync(storeFile(partial)), summary] as const;
  });
  using file = copy;
  const piece = new Uint8Array(PIECE);
  for (let n = file.readSync(piece); n !== null; n = file.readSync(piece)) {
    await output.write(piece.subarray(0, n));
  }
  output.note(`Wrote ${holds(summary)}`);
}

/** What is in a copy that is not right is worse than no copy: it might take the place of a good one. */
async function copyAndAudit(config: Config, folder: string): Promise<StoreSummary> {
  await copyStore(config.data_dir, folder);
  const { findings, ...summary } = await auditCopy(folder);
  if (findings.length > 0) {
    throw new CommandError(
      `There is no copy, since the store is not in order: ${
        firstOf(findings)
      }; "fmsg host verify" says what to do`,
    );
  }
  return summary;
}

/** About how large the copy will be. Finds out before a long time has passed, and before the host is brought to refuse messages for want of space. */
function requireRoom(config: Config, folder: string): number {
  const needed = copySize(config.data_dir);
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const sameDisk = statSync(folder).dev === statSync(config.data_dir).dev;
  const kept = sameDisk ? config.limits.min_free_disk : 0;
  if (needed + kept <= free) return needed;
  throw new CommandError(
    `The copy takes ${formatSize(needed)}, and on the disk of ${folder} ${
      formatSize(free)
    } are free` +
      (kept === 0 ? "" : `, of which limits.min_free_disk keeps ${formatSize(kept)}`) +
      ": free some space, or copy to another disk",
  );
}

/** The first few of what was found, for a line. */
export function firstOf(findings: readonly Finding[]): string {
  const shown = findings.slice(0, 3).map(({ what }) => what).join("; ");
  return findings.length > 3 ? `${shown}; and ${findings.length - 3} more` : shown;
}

/** What is in a store, in words. */
export function holds({ messages, users, drafts, last, size }: StoreSummary): string {
  return [
    counted(messages, "message"),
    counted(users, "user"),
    ...drafts === 0 ? [] : [counted(drafts, "draft")],
    formatSize(size),
    ...last === null ? [] : [`the newest message of ${formatTime(last)}`],
  ].join(", ");
}

function isThere(file: string): boolean {
  try {
    Deno.lstatSync(file);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function taken(file: string): CommandError {
  return new CommandError(
    statSync(file, { throwIfNoEntry: false })?.isDirectory()
      ? `${file} is a folder: name a file in it`
      : `${file} exists, and a copy never replaces a file: name another, or move it away`,
  );
}

function removeIfThere(file: string): void {
  try {
    Deno.removeSync(file);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
