// Fills a store with very many messages at once, for what has to stay quick or must not read them all.

import { DatabaseSync } from "node:sqlite";
import { storeFile } from "../../src/store/mod.ts";

/**
 * Copies a stored message with its recipients and deliveries `times` times over, below the writer, which must have
 * nothing under way. The copies have hashes that nobody can compute and share the content: they can be read and listed,
 * and no audit holds.
 */
export function copyMessage(dataDir: string, id: number, times: number): void {
  using db = new DatabaseSync(storeFile(dataDir), { timeout: 5000 });
  db.exec("BEGIN IMMEDIATE");
  const next = Number(db.prepare("SELECT max(id) + 1 AS next FROM message").get()?.next);
  const numbers = "WITH RECURSIVE n (id) AS (SELECT ?1 UNION ALL SELECT id + 1 FROM n LIMIT ?2)";
  db.prepare(
    `${numbers} INSERT INTO message (id, hash, header, header_hash, pid, batch, original, content, sent, from_key, time, participated)
     SELECT n.id, randomblob(32), header, randomblob(32), pid, batch, original, content, sent, from_key, time, participated
     FROM n JOIN message m ON m.id = ?3`,
  ).run(next, times, id);
  db.prepare(
    `${numbers} INSERT INTO recipient (message, place, key, state, code, reason, at, shown)
     SELECT n.id, place, key, state, code, reason, at, iif(shown IS NULL, NULL, n.id)
     FROM n JOIN recipient r ON r.message = ?3`,
  ).run(next, times, id);
  db.prepare(
    `${numbers} INSERT INTO outbound (message, domain, state, attempts, next_attempt, expires, last_error)
     SELECT n.id, domain, 'done', attempts, next_attempt, expires, last_error
     FROM n JOIN outbound o ON o.message = ?3`,
  ).run(next, times, id);
  db.exec("COMMIT");
}
