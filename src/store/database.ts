// The store's file, and its rows, which are read without trusting their types.

import {
  DatabaseSync,
  type SQLInputValue,
  type SQLOutputValue,
  type StatementSync,
} from "node:sqlite";
import { join } from "node:path";
import { statSync } from "node:fs";
import type { Bytes } from "../wire/mod.ts";

/** The store cannot be opened or written; the message says what to do. */
export class StoreError extends Error {
  override readonly name = "StoreError";
}

/** The store's file in a data directory. */
export function storeFile(dataDir: string): string {
  return join(dataDir, "fmsg.db");
}

/** A file that root makes belongs to whoever owns the directory, or the host could not open it. */
export function own(file: string, dataDir: string, mode = 0o600): void {
  Deno.chmodSync(file, mode);
  if (Deno.uid() !== 0) return;
  const { uid, gid } = statSync(dataDir);
  Deno.chownSync(file, uid, gid);
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

  /** All that `read` reads is of one moment, whatever others commit meanwhile. */
  snapshot<Value>(read: () => Value): Value {
    if (this.connection.isTransaction) return read();
    this.run("BEGIN");
    try {
      return read();
    } finally {
      // Some errors have ended it already.
      if (this.connection.isTransaction) this.run("COMMIT");
    }
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
