// The audit of the index: everybody finds what they have, and nothing else.

import type { Database } from "./database.ts";
import type { Findings } from "./findings.ts";
import { holderWord } from "./search/indexing.ts";

/** Findings of one kind for one user, at most. */
const MOST = 20;

/** What a user has, by the ids under which it is listed. */
const HAS = `SELECT shown FROM recipient WHERE key = ?1 AND shown IS NOT NULL
  UNION SELECT coalesce(original, id) FROM message WHERE from_key = ?1 AND sent = 1`;

const FINDS = "SELECT rowid FROM search WHERE search MATCH ?2";

/** That the index is damaged in itself, the check of the file tells. */
export function auditSearch(db: Database, findings: Findings): void {
  const users = db.all(
    `SELECT key FROM user UNION SELECT key FROM recipient WHERE shown IS NOT NULL
     UNION SELECT from_key FROM message WHERE sent = 1`,
  );
  const below = db.get("SELECT below FROM search_left")?.integer("below") ?? 0;
  for (const key of users.map((row) => row.text("key"))) {
    const missing = `SELECT * FROM (${HAS}) WHERE shown >= ?3 EXCEPT ${FINDS} LIMIT ${MOST}`;
    const word = `"${holderWord(key)}"`;
    for (const row of db.all(missing, key, word, below)) {
      findings.add(`Message ${row.integer("shown")}: ${key} does not find it when searching`);
    }
    const others = `SELECT rowid AS id FROM (${FINDS}) EXCEPT SELECT * FROM (${HAS}) LIMIT ${MOST}`;
    for (const row of db.all(others, key, word)) {
      findings.add(
        `Message ${row.integer("id")}: ${key} finds it when searching, and does not have it`,
      );
    }
  }
  const gone = `SELECT id FROM search_docsize EXCEPT SELECT id FROM message LIMIT ${MOST}`;
  for (const row of db.all(gone)) {
    findings.add(`Message ${row.integer("id")} is gone, and its words are still in the index`);
  }
}
