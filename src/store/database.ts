// Opening the store's file, and reading its rows without trusting their types.

import {
  DatabaseSync,
  type SQLInputValue,
  type SQLOutputValue,
  type StatementSync,
} from "node:sqlite";
import { join } from "node:path";
import { existsSync, statSync } from "node:fs";
import type { Bytes } from "../wire/mod.ts";
import { MIGRATIONS } from "./schema.ts";

/** The store cannot be opened or written; the message says what to do. */
export class StoreError extends Error {
  override readonly name = "StoreError";
}

/** The store's file in a data directory. */
export function storeFile(dataDir: string): string {
  return join(dataDir, "fmsg.db");
}

/** Opens the store for its one writer, and brings the schema up to date. */
export function openForWriting(dataDir: string): Database {
  const file = storeFile(dataDir);
  const isNew = !existsSync(file);
  return open(file, false, (db) => {
    if (isNew) own(file, dataDir);
    // Only a store that is empty takes the page size, and that free pages can be given back.
    if (userVersion(db) === 0) {
      db.exec("PRAGMA page_size = 16384; PRAGMA auto_vacuum = INCREMENTAL");
    }
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
    db.exec("PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384");
    migrate(db, file);
  });
}

/** Opens the store for reading; it has to exist. */
export function openForReading(dataDir: string): Database {
  const file = storeFile(dataDir);
  return open(file, true, (db) => {
    const version = userVersion(db);
    if (version === MIGRATIONS.length) return;
    throw new StoreError(
      `The store ${file} has version ${version}, this program reads ${MIGRATIONS.length}: ` +
        (version < MIGRATIONS.length ? "start the host once to upgrade it" : "use a newer fmsg"),
    );
  });
}

/** A connection that is set up; closed again when that fails. */
function open(file: string, readOnly: boolean, setUp: (db: DatabaseSync) => void): Database {
  let db: DatabaseSync | null = null;
  try {
    db = new DatabaseSync(file, { readOnly, timeout: 5000 });
    setUp(db);
    return new Database(db);
  } catch (error) {
    db?.close();
    if (error instanceof StoreError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new StoreError(
      `Cannot open the store ${file}: ${why}; check the file and who may use it, or restore a backup`,
      { cause: error },
    );
  }
}

/** A file that root makes belongs to whoever owns the directory, or the host could not open it. */
export function own(file: string, dataDir: string, mode = 0o600): void {
  Deno.chmodSync(file, mode);
  if (Deno.uid() !== 0) return;
  const { uid, gid } = statSync(dataDir);
  Deno.chownSync(file, uid, gid);
}

function migrate(db: DatabaseSync, file: string): void {
  const from = userVersion(db);
  if (from > MIGRATIONS.length) {
    throw new StoreError(
      `The store ${file} has version ${from}, this program knows ${MIGRATIONS.length}: use a newer fmsg`,
    );
  }
  for (let version = from; version < MIGRATIONS.length; version++) {
    db.exec(
      `BEGIN IMMEDIATE; ${MIGRATIONS[version]}; PRAGMA user_version = ${version + 1}; COMMIT`,
    );
  }
}

function userVersion(db: DatabaseSync): number {
  return new Row(db.prepare("PRAGMA user_version").get() ?? {}).integer("user_version");
}

/** A connection whose statements are prepared once, by their text. */
export class Database implements Disposable {
  readonly #statements = new Map<string, StatementSync>();

  constructor(readonly connection: DatabaseSync) {}

  get(sql: string, ...values: SQLInputValue[]): Row | null {
    const row = this.#statement(sql).get(...values);
    return row === undefined ? null : new Row(row);
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#statement(sql).all(...values).map((row) => new Row(row));
  }

  /** Runs a statement; the number of rows it changed, and the id of the last row it inserted. */
  run(sql: string, ...values: SQLInputValue[]): { readonly changes: number; readonly id: number } {
    const { changes, lastInsertRowid } = this.#statement(sql).run(...values);
    return { changes: Number(changes), id: Number(lastInsertRowid) };
  }

  exec(sql: string): void {
    this.connection.exec(sql);
  }

  [Symbol.dispose](): void {
    this.#statements.clear();
    this.connection.close();
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.connection.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** A row whose columns are read by type; the wrong type is a TypeError, since the tables are STRICT. */
export class Row {
  constructor(private readonly columns: Record<string, SQLOutputValue>) {}

  integer(name: string): number {
    return this.real(name);
  }

  real(name: string): number {
    const value = this.columns[name];
    return typeof value === "number" ? value : wrong(name, value);
  }

  text(name: string): string {
    const value = this.columns[name];
    return typeof value === "string" ? value : wrong(name, value);
  }

  blob(name: string): Bytes {
    const value = this.columns[name];
    // Copied: what SQLite hands out is only typed as bytes of any buffer.
    return value instanceof Uint8Array ? new Uint8Array(value) : wrong(name, value);
  }

  flag(name: string): boolean {
    return this.integer(name) !== 0;
  }

  isNull(name: string): boolean {
    return this.columns[name] === null;
  }

  /** The column read by `read`, or null when it holds NULL. */
  optional<Value>(name: string, read: (row: Row, name: string) => Value): Value | null {
    return this.isNull(name) ? null : read(this, name);
  }
}

function wrong(name: string, value: unknown): never {
  throw new TypeError(
    `The store's column ${name} holds a ${value === null ? "NULL" : typeof value}`,
  );
}
