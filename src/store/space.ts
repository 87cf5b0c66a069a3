// Space that nothing uses any more goes back to the file system, a bounded piece at a time.

import type { Database } from "./database.ts";
import type { Reclaim, Reclaimed } from "./operations.ts";
import type { Transaction } from "./transaction.ts";

/** Free space that is kept for what comes next: so much, or a part of the store if that is more. */
const SLACK_BYTES = 64 * 1024 * 1024;
const SLACK_PART = 0.1;

export function applyReclaim(transaction: Transaction, { all }: Reclaim): Reclaimed {
  const { db } = transaction;
  const page = pragma(db, "page_size");
  const pages = pragma(db, "page_count");
  const slack = all ? 0 : Math.ceil(Math.max(SLACK_BYTES / page, pages * SLACK_PART));
  const free = pragma(db, "freelist_count");
  // All the pages that are asked for are freed only if the statement is run to its end, as by `all`.
  if (free > slack) db.all(SOME_PAGES);
  const freed = pages - pragma(db, "page_count");
  // A store that was made without auto_vacuum gives nothing back, and must not be asked for ever.
  const left = freed === 0 ? 0 : Math.max(0, free - freed - slack);
  if (freed > 0 && left === 0) transaction.afterCommit(() => checkpoint(db));
  return { kind: "reclaimed", freed: freed * page, left: left * page };
}

/** 4 MiB, which takes about 10 ms. */
const SOME_PAGES = "PRAGMA incremental_vacuum(256)";

/** The file gets shorter with the checkpoint. One that has to be left to a later commit is no fault of this one. */
function checkpoint(db: Database): void {
  try {
    db.get("PRAGMA wal_checkpoint(PASSIVE)");
  } catch {
    // As above.
  }
}

function pragma(db: Database, name: "page_size" | "page_count" | "freelist_count"): number {
  return db.get(`PRAGMA ${name}`)?.integer(name) ?? 0;
}
