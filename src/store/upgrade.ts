// Bringing a store of an earlier program up to date, and telling an earlier program that it cannot read this one.

import type { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { PROGRAM_VERSION } from "../version.ts";
import { own, Row, StoreError, storeFile } from "./database.ts";
import { freeSpace } from "./reserve.ts";
import { MIGRATIONS, type Step } from "./schema.ts";

/** A store was upgraded. */
export interface Upgrade {
  /** Versions of the schema. */
  readonly from: number;
  readonly to: number;
  /** The store as it was before. */
  readonly copy: string;
}

/** How a store is opened for writing. */
export interface UpgradeOptions {
  /** Keep a copy of the store as it was; true unless given. Not needed for what is a copy itself. */
  readonly keepCopy?: boolean;
  readonly steps?: readonly Step[];
}

/**
 * Does a store have to be upgraded? Then it is brought into the one file that `copyBefore` copies once this connection is
 * closed. Throws a StoreError when a newer program made it, or there is no room for the copy.
 */
export function prepareUpgrade(
  db: DatabaseSync,
  dataDir: string,
  steps: readonly Step[],
): Upgrade | null {
  const from = requireReadable(db, `The store in ${dataDir}`, steps);
  const upgrade = { from, to: steps.length, copy: copyName(dataDir, from) };
  if (from === 0 || from === upgrade.to) return null;
  requireRoom(db, dataDir, upgrade);
  const { busy } = db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get() ?? {};
  if (busy === 0) return upgrade;
  throw new StoreError(
    `The store has to be upgraded from version ${from} to ${upgrade.to}, and another process reads it: let it end, and start again`,
  );
}

/**
 * Copies the store's file as it is. No connection of this process may be open: closing the file would drop its locks.
 * The copy has its name once it is whole and on the disk.
 */
export function copyBefore(dataDir: string, { from, to, copy }: Upgrade): void {
  const unfinished = `${copy}.partial`;
  try {
    Deno.copyFileSync(storeFile(dataDir), unfinished);
    own(unfinished, dataDir);
    sync(unfinished);
    Deno.renameSync(unfinished, copy);
    sync(dataDir);
  } catch (error) {
    removeIfThere(unfinished);
    throw new StoreError(
      `The store has to be upgraded from version ${from} to ${to}, and cannot be copied before to ${copy}: ${
        error instanceof Error ? error.message : error
      }; free some space, or make what hinders it possible, and start again`,
      { cause: error },
    );
  }
}

/** Takes the steps that a store lacks; a new one takes them all. One that fails leaves it as it was before that step. */
export function takeSteps(db: DatabaseSync, dataDir: string, steps: readonly Step[]): void {
  const from = requireReadable(db, `The store in ${dataDir}`, steps);
  for (const [at, { since, sql }] of steps.entries()) {
    if (at < from) continue;
    db.exec("BEGIN IMMEDIATE");
    try {
      db.exec(sql);
      db.exec("CREATE TABLE IF NOT EXISTS about (needs TEXT NOT NULL) STRICT; DELETE FROM about");
      db.prepare("INSERT INTO about (needs) VALUES (?)").run(since);
      db.exec(`PRAGMA user_version = ${at + 1}; COMMIT`);
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      throw error;
    }
  }
}

/** The version of a store's schema. Throws a StoreError when it is one that a newer program made; `what` begins it. */
export function requireReadable(
  db: DatabaseSync,
  what: string,
  steps: readonly Step[] = MIGRATIONS,
): number {
  const version = schemaVersion(db);
  if (version <= steps.length) return version;
  const needs = neededProgram(db);
  throw new StoreError(
    `${what} has version ${version}, this program knows ${steps.length}: use ` +
      (needs === null ? "a newer fmsg" : `fmsg ${needs} or newer`) +
      `; this is ${PROGRAM_VERSION}`,
  );
}

export function schemaVersion(db: DatabaseSync): number {
  return new Row(db.prepare("PRAGMA user_version").get() ?? {}).integer("user_version");
}

/** The oldest program that reads this store, as the program that made it wrote down. */
function neededProgram(db: DatabaseSync): string | null {
  const table = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'about'").get();
  if (table === undefined) return null;
  const row = db.prepare("SELECT needs FROM about").get();
  return row === undefined ? null : new Row(row).text("needs");
}

function copyName(dataDir: string, version: number): string {
  return join(dataDir, `fmsg.db.version-${version}`);
}

function requireRoom(db: DatabaseSync, dataDir: string, { from, to }: Upgrade): void {
  const pragma = (name: string): number =>
    new Row(db.prepare(`PRAGMA ${name}`).get() ?? {}).integer(name);
  const needed = pragma("page_count") * pragma("page_size");
  const free = freeSpace(dataDir);
  if (needed <= free) return;
  const mib = (bytes: number): string => `${Math.ceil(bytes / 1024 ** 2)} MiB`;
  throw new StoreError(
    `The store has to be upgraded from version ${from} to ${to}, and there is no room for a copy of it as it is: ` +
      `${mib(needed)} are needed in ${dataDir} and ${
        mib(free)
      } are free; free some space and start again`,
  );
}

function sync(path: string): void {
  using file = Deno.openSync(path);
  file.syncSync();
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
