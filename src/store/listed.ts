// What is listed: messages with the batches on them, and how they hang together in threads.

import type { Database, Row } from "./database.ts";

/** Messages that a thread is cut at. */
const THREAD_BOUND = 1000;

/** The row of the message of that id, or of the one under which the batch of that id is listed. */
export function listedRow(db: Database, id: number): Row | null {
  return db.get(
    "SELECT * FROM message WHERE id = (SELECT coalesce(original, id) FROM message WHERE id = ?)",
    id,
  );
}

/**
 * Of the messages and batches of these ids, the rows of those under which they are listed, by the ids that were asked
 * for. Each says what `key` has of it and how (`received`, `sent`, `read_at`), the id of its `parent`, and whether there are
 * batches on it (`batched`).
 */
export function seenRows(
  db: Database,
  ids: readonly number[],
  key: string,
): ReadonlyMap<number, Row> {
  // The plus keeps SQLite from going through all that somebody sent.
  const rows = db.all(
    `SELECT wanted.value AS asked, m.id, m.header, m.hash, m.batch, m.content,
       CASE WHEN m.batch = 0 THEN (SELECT coalesce(original, id) FROM message WHERE hash = m.pid) END AS parent,
       EXISTS (SELECT 1 FROM message WHERE original = m.id) AS batched,
       EXISTS (SELECT 1 FROM recipient WHERE key = ?2 AND shown = m.id) AS received,
       m.sent = 1 AND m.from_key = ?2 OR
         EXISTS (SELECT 1 FROM message WHERE original = m.id AND sent = 1 AND +from_key = ?2) AS sent,
       (SELECT at FROM read_mark WHERE message = m.id AND key = ?2) AS read_at
     FROM json_each(?1) wanted CROSS JOIN message asked CROSS JOIN message m
     WHERE asked.id = wanted.value AND m.id = coalesce(asked.original, asked.id)`,
    JSON.stringify(ids),
    key,
  );
  return new Map(rows.map((row) => [row.integer("asked"), row]));
}

/** The batches on the message that is listed under this id, the oldest first. */
export function batchRows(db: Database, listed: number): Row[] {
  return db.all("SELECT * FROM message WHERE original = ? ORDER BY id", listed);
}

/** At most so many batches on that message, the newest first. */
export function newestBatchRows(db: Database, listed: number, most: number): Row[] {
  return db.all(
    "SELECT * FROM message WHERE original = ? ORDER BY id DESC LIMIT ?",
    listed,
    most,
  );
}

/** Ids below `before` of what this key received and has, the newest first. */
export function receivedIds(
  db: Database,
  key: string,
  limit: number,
  offset: number,
  before = Infinity,
): number[] {
  return db.all(
    `SELECT DISTINCT shown AS id FROM recipient WHERE key = ? AND shown < ?
     ORDER BY shown DESC LIMIT ? OFFSET ?`,
    key,
    before,
    limit,
    offset,
  ).map((row) => row.integer("id"));
}

/** The id of the message that this one answers, or null; for an answer to a batch, of the batch's original. */
export function parentId(db: Database, row: Row): number | null {
  if (row.isNull("pid") || row.flag("batch")) return null;
  return db.get("SELECT coalesce(original, id) AS id FROM message WHERE hash = ?", row.blob("pid"))
    ?.integer("id") ?? null;
}

/**
 * Of a message that `key` has: the id of its farthest ancestor that `key` has too, or its own. Ancestors in between may be
 * hidden. A thread is cut at its bound: beyond that it is an ancestor so many steps away.
 */
export function rootFor(db: Database, id: number, key: string): number {
  const row = db.get(
    `WITH RECURSIVE line (id, pid, batch, step) AS (
       SELECT m.id, m.pid, m.batch, 0 FROM message m
       WHERE m.id = (SELECT coalesce(original, id) FROM message WHERE id = ?1)
       UNION ALL
       SELECT m.id, m.pid, m.batch, line.step + 1
       FROM line CROSS JOIN message parent CROSS JOIN message m
       WHERE line.batch = 0 AND line.step < ?3 AND parent.hash = line.pid
         AND m.id = coalesce(parent.original, parent.id)
     )
     SELECT line.id FROM line WHERE
       EXISTS (SELECT 1 FROM recipient WHERE key = ?2 AND shown = line.id) OR
       EXISTS (SELECT 1 FROM message WHERE id = line.id AND sent = 1 AND +from_key = ?2) OR
       EXISTS (SELECT 1 FROM message WHERE original = line.id AND sent = 1 AND +from_key = ?2)
     ORDER BY line.step DESC LIMIT 1`,
    id,
    key,
    THREAD_BOUND,
  );
  return row?.integer("id") ?? id;
}

/** The ids of a message's thread as far as it is here: parents before children, each level by time. */
export function threadOf(db: Database, start: Row): number[] {
  let root = start;
  for (let steps = 0; steps < THREAD_BOUND; steps++) {
    const parent = parentId(db, root);
    const row = parent === null ? null : listedRow(db, parent);
    if (row === null) break;
    root = row;
  }
  const thread: number[] = [];
  const visit = (id: number): void => {
    if (thread.length >= THREAD_BOUND) return;
    thread.push(id);
    for (const child of childrenOf(db, id)) visit(child);
  };
  visit(root.integer("id"));
  return thread;
}

function childrenOf(db: Database, id: number): number[] {
  return db.all(
    `SELECT id FROM message WHERE batch = 0 AND pid IN
       (SELECT hash FROM message WHERE id = ?1 OR original = ?1) ORDER BY time LIMIT ?2`,
    id,
    THREAD_BOUND,
  ).map((row) => row.integer("id"));
}
