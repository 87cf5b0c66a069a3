// Opening the store's file: for its one writer, and for reading.

import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { Database, own, StoreError, storeFile } from "./database.ts";
import { MIGRATIONS, type Step } from "./schema.ts";
import {
  copyBefore,
  prepareUpgrade,
  requireReadable,
  schemaVersion,
  takeSteps,
  type Upgrade,
  type UpgradeOptions,
} from "./upgrade.ts";

/**
 * Opens the store for its one writer, and brings the schema up to date. If it had to be, a copy as it was is kept, and
 * `upgraded` is told.
 */
export function openForWriting(
  dataDir: string,
  upgraded: (upgrade: Upgrade) => void = () => {},
  { keepCopy = true, steps = MIGRATIONS }: UpgradeOptions = {},
): Database {
  const file = storeFile(dataDir);
  const isNew = !existsSync(file);
  const upgrade = keepCopy && !isNew ? keepCopyOf(dataDir, steps) : null;
  const opened = open(file, false, (db) => {
    if (isNew) own(file, dataDir);
    // Only a store that is empty takes the page size, and that free pages can be given back.
    if (schemaVersion(db) === 0) {
      db.exec("PRAGMA page_size = 16384; PRAGMA auto_vacuum = INCREMENTAL");
    }
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
    db.exec("PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384");
    // What is deleted leaves the pages that stay in use. Those that do not are not in a backup.
    db.exec("PRAGMA secure_delete = FAST");
    takeSteps(db, dataDir, steps);
    // Each operation can be undone alone, and so has the pages that it changes copied: 250 KB a message, which went into a
    // file. Steps of the schema sort as much as there is, and have a file for it.
    db.exec("PRAGMA temp_store = MEMORY");
  });
  if (upgrade !== null) upgraded(upgrade);
  return opened;
}

function keepCopyOf(dataDir: string, steps: readonly Step[]): Upgrade | null {
  let upgrade: Upgrade | null = null;
  {
    using _db = open(storeFile(dataDir), false, (db) => {
      upgrade = prepareUpgrade(db, dataDir, steps);
    });
  }
  if (upgrade !== null) copyBefore(dataDir, upgrade);
  return upgrade;
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
