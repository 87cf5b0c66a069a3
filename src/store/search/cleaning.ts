// Cleaning the index: of a message that leaves it, its words stay in the file until the index is written anew.

import type { Database } from "../database.ts";

/** Pages of the index, of 4 KB, that are written at once: some milliseconds. */
const AT_ONCE = 128;

/** To be told when a message leaves the index. */
export function wordsAreGone(db: Database): void {
  db.run("UPDATE search_left SET gone = 1 WHERE gone = 0");
}

/**
 * Writes a piece of the index anew, should words of deleted messages be in it; whether there is more to do. What is
 * committed in between does not begin it again, and is cleaned the next time.
 */
export function applyCleanIndex(db: Database): boolean {
  const row = db.get("SELECT gone, cleaning FROM search_left");
  const cleaning = row?.integer("cleaning") ?? 0;
  if (cleaning > 0) {
    merge(db, AT_ONCE);
    db.run("UPDATE search_left SET cleaning = ?", cleaning - 1);
    return cleaning > 1;
  }
  if (row?.flag("gone") !== true) return false;
  const pages = db.get("SELECT count(*) AS n FROM search_idx")?.integer("n") ?? 0;
  db.run("UPDATE search_left SET gone = 0, cleaning = ?", Math.ceil(pages / AT_ONCE) + 1);
  // With a minus it is to join all there is now to one piece.
  merge(db, -AT_ONCE);
  return true;
}

function merge(db: Database, pages: number): void {
  db.exec(`INSERT INTO search (search, rank) VALUES ('merge', ${pages})`);
}
