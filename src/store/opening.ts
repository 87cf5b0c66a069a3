// Opening the store's file: for its one writer, and for reading.

import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { Database, own, StoreError, storeFile } from "./database.ts";
import { MIGRATIONS } from "./schema.ts";
import {
  requireReadable,
  schemaVersion,
  type Upgrade,
  type UpgradeOptions,
  upgradeStore,
} from "./upgrade.ts";

/** Opens the store for its one writer, and brings the schema up to date; `upgraded` is told if it had to be. */
export function openForWriting(
  dataDir: string,
  upgraded: (upgrade: Upgrade) => void = () => {},
  options: UpgradeOptions = {},
): Database {
  const file = storeFile(dataDir);
  const isNew = !existsSync(file);
  return open(file, false, (db) => {
    if (isNew) own(file, dataDir);
    // Only a store that is empty takes the page size, and that free pages can be given back.
    if (schemaVersion(db) === 0) {
      db.exec("PRAGMA page_size = 16384; PRAGMA auto_vacuum = INCREMENTAL");
    }
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
    db.exec("PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384");
    const upgrade = upgradeStore(db, dataDir, options);
    if (upgrade !== null) upgraded(upgrade);
  });
}

/** Opens the store for reading; it has to exist. */
export function openForReading(dataDir: string): Database {
  const file = storeFile(dataDir);
  return open(file, true, (db) => {
    const version = requireReadable(db, `The store ${file}`);
    if (version === MIGRATIONS.length) return;
    throw new StoreError(
      `The store ${file} has version ${version}, this program reads ${MIGRATIONS.length}: start the host once to upgrade it`,
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
