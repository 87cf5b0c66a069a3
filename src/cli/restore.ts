// fmsg host restore: a backup becomes the store of a host that has none.

import { existsSync, mkdirSync, rmdirSync, rmSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import type { Config } from "../config.ts";
import { writerSettings } from "../host/mod.ts";
import {
  type Adoptable,
  adoptCopy,
  DirectoryLock,
  lockOwner,
  own,
  StoreError,
  storeFile,
} from "../store/mod.ts";
import { firstOf, holds } from "./backup.ts";
import {
  command,
  CommandError,
  type CommonOptions,
  type Output,
  printResult,
  UsageError,
} from "./context.ts";
import { openConfig } from "./open.ts";
import { inPartialFolder, publish } from "./partial.ts";
import { formatSize } from "./terminal.ts";
import { auditProgress } from "./verify.ts";

const STDIN = "-";

/** Bytes that are read and written at once. */
const PIECE = 256 * 1024;

export function restoreCommand(output: Output): Command {
  return command(
    "restore",
    "make a backup the store of a host that has none and does not run; it is audited first",
    "fmsg host restore /backups/fmsg-monday.db",
    "gunzip -c fmsg.db.gz | fmsg host restore -",
  )
    .argument("<file>", 'what "fmsg host backup" wrote, or "-" for stdin')
    .action((file: string, options: CommonOptions) => restore(file, options, output));
}

async function restore(file: string, options: CommonOptions, output: Output): Promise<void> {
  if (file === STDIN && Deno.stdin.isTerminal()) {
    throw new UsageError('Nothing comes from stdin but what is typed: pipe a backup into "-"');
  }
  const config = openConfig(options);
  if (file !== STDIN) requireBackup(file);
  const restored = await intoDataDir(config, async () => {
    requireNoStore(config.data_dir);
    const partial = join(config.data_dir, "restore.partial");
    rmSync(partial, { recursive: true, force: true }); // of one that was killed
    return await inPartialFolder(partial, async () => {
      await copyIn(file, storeFile(partial), config.data_dir);
      requireMagic(storeFile(partial), file);
      const found = await adopt(file, partial, config, output);
      own(storeFile(partial), config.data_dir);
      publish(storeFile(partial), storeFile(config.data_dir));
      return found;
    });
  });
  const { domains: _, findings: __, ...summary } = restored;
  printResult(output, options, { file, ...summary }, () => inWords(restored));
}

function inWords(restored: Adoptable): string {
  const restoredText = `Restored ${holds(restored)}`;
  if (restored.waiting === 0) return restoredText;
  const wait = restored.waiting === 1 ? "1 delivery waits" : `${restored.waiting} deliveries wait`;
  return `${restoredText}\n${wait} and will be tried when the host starts; ` +
    "a host that got one since the backup answers that it is a duplicate";
}

/** Runs `work` while nobody else uses the data directory. One that was made for it is gone again should it fail. */
async function intoDataDir<Result>(config: Config, work: () => Promise<Result>): Promise<Result> {
  const { data_dir } = config;
  const isNew = makeDataDir(data_dir);
  using lock = DirectoryLock.take(data_dir);
  if (lock === null) {
    throw new CommandError(
      `Process ${lockOwner(data_dir)} uses ${data_dir}: stop the host before a backup is restored`,
    );
  }
  try {
    return await work();
  } catch (error) {
    if (isNew) removeDataDir(data_dir);
    throw error;
  }
}

/** True when it was not there. */
function makeDataDir(dataDir: string): boolean {
  try {
    return undefined !== mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new CommandError(
      `data_dir: cannot make the directory ${dataDir}: ${wordsOf(error)}`,
      { cause: error },
    );
  }
}

/** With nothing in it but the lock. */
function removeDataDir(dataDir: string): void {
  rmSync(join(dataDir, "lock"), { force: true });
  rmdirSync(dataDir);
}

/** A log of another store would be played into the restored one; an empty one, or only the index of one, would not. */
function requireNoStore(dataDir: string): void {
  const store = storeFile(dataDir);
  const logs = [`${store}-wal`, `${store}-journal`].filter(hasContent);
  const found = existsSync(store) ? [store, ...logs] : logs;
  if (found.length === 0) return;
  throw new CommandError(
    `${dataDir} holds a store already: move ${found.join(" and ")} away, or name another data_dir`,
  );
}

function requireBackup(file: string): void {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) throw new CommandError(`There is no file ${file}`);
  if (found.isDirectory()) throw new CommandError(`${file} is a folder: name a backup in it`);
  if (hasContent(`${file}-wal`)) {
    throw new CommandError(
      `${file} is no backup but a store in use, of which a part is in ${file}-wal: copy it with "fmsg host backup"`,
    );
  }
}

function hasContent(file: string): boolean {
  return (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

async function copyIn(file: string, partial: string, dataDir: string): Promise<void> {
  if (file !== STDIN) requireRoom(file, dataDir);
  try {
    using opened = file === STDIN ? null : Deno.openSync(file);
    const from = opened ?? Deno.stdin;
    using to = Deno.openSync(partial, { write: true, createNew: true, mode: 0o600 });
    const piece = new Uint8Array(PIECE);
    for (let n = await from.read(piece); n !== null; n = await from.read(piece)) {
      for (let rest = piece.subarray(0, n); rest.length > 0;) {
        rest = rest.subarray(to.writeSync(rest));
      }
    }
  } catch (error) {
    throw refused(`${nameOf(file)} cannot be copied to ${dataDir}: ${wordsOf(error)}`, error);
  }
}

function requireRoom(file: string, dataDir: string): void {
  const { bavail, bsize } = statfsSync(dataDir);
  const { size } = statSync(file);
  if (size <= bavail * bsize) return;
  throw new CommandError(
    `${file} has ${formatSize(size)}, and on the disk of ${dataDir} ${
      formatSize(bavail * bsize)
    } are free: free some space`,
  );
}

/** Every SQLite file begins with this. */
const MAGIC = "SQLite format 3\0";
const GZIP = "\x1f\x8b";

function requireMagic(partial: string, file: string): void {
  using copy = Deno.openSync(partial);
  const head = new Uint8Array(MAGIC.length);
  const length = copy.readSync(head) ?? 0;
  const text = String.fromCharCode(...head.subarray(0, length));
  if (text === MAGIC) return;
  throw refused(
    text.startsWith(GZIP)
      ? `${nameOf(file)} is compressed: use "gunzip -c FILE | fmsg host restore -"`
      : `${nameOf(file)} is no backup: name a file that "fmsg host backup" wrote`,
  );
}

/** Audits the copy of a backup. Throws what is wrong with it, or with restoring it here. */
async function adopt(
  file: string,
  partial: string,
  config: Config,
  output: Output,
): Promise<Adoptable> {
  const name = nameOf(file);
  const found = await adoptCopy(partial, writerSettings(config), auditProgress(output))
    .catch((error: unknown) => {
      if (!(error instanceof StoreError)) throw error;
      throw refused(`${name} cannot be used: ${error.message}`, error);
    });
  if (found.findings.length > 0) {
    throw refused(`${name} is damaged: ${firstOf(found.findings)}; use another backup`);
  }
  const strangers = found.domains.filter((domain) => domain !== config.domain);
  if (strangers.length > 0) {
    throw refused(
      `${name} is of ${
        strangers.join(", ")
      }, and the configuration's domain is ${config.domain}; ` +
        "use that host's configuration, or another backup",
    );
  }
  return found;
}

function refused(why: string, cause?: unknown): CommandError {
  return new CommandError(`Nothing was restored: ${why}`, { cause });
}

function nameOf(file: string): string {
  return file === STDIN ? "what came from stdin" : file;
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
