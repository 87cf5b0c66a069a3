// Read marks: when a recipient first read what is listed as a message (FMSG-003, "read"; row N5).

import { fold } from "../wire/mod.ts";
import { type Problem, refuse } from "../protocol/mod.ts";
import type { Database } from "./database.ts";
import type { MarkRead, ReadMark } from "./operations.ts";
import type { Transaction } from "./transaction.ts";

/** Marks a message as read by a recipient who has it; a batch stands for its message. */
export function applyMarkRead({ db, now }: Transaction, input: MarkRead): ReadMark | Problem {
  const key = fold(input.for);
  const listed = db.get(
    `SELECT r.shown AS id FROM message m JOIN recipient r ON r.message = m.id
     WHERE (m.id = ?1 OR m.original = ?1) AND +r.key = ?2 AND r.shown IS NOT NULL`,
    listedUnder(db, input.message),
    key,
  )?.integer("id");
  if (listed === undefined) {
    return refuse("message not found", `${input.for} does not have message ${input.message}`);
  }
  db.run(
    "INSERT INTO read_mark (message, key, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    listed,
    key,
    now,
  );
  const mark = db.get("SELECT at FROM read_mark WHERE message = ? AND key = ?", listed, key);
  return { kind: "read", at: mark?.real("at") ?? now };
}

/** The message under which this message or batch is listed, or null. */
export function listedUnder(db: Database, id: number): number | null {
  return db.get("SELECT coalesce(original, id) AS id FROM message WHERE id = ?", id)
    ?.integer("id") ?? null;
}

/** Drops the marks of those who have the message no more. */
export function forgetReaders(db: Database, listed: number): void {
  db.run(
    `DELETE FROM read_mark WHERE message = ?1 AND NOT EXISTS
       (SELECT 1 FROM message m JOIN recipient r ON r.message = m.id
        WHERE (m.id = ?1 OR m.original = ?1) AND +r.key = read_mark.key AND r.shown IS NOT NULL)`,
    listed,
  );
}

/** What was listed by itself is listed under another message from now on: whoever read one of them has read it. */
export function moveReaders(db: Database, from: number, to: number): void {
  db.run(
    `INSERT INTO read_mark (message, key, at) SELECT ?2, key, at FROM read_mark WHERE message = ?1
     ON CONFLICT DO UPDATE SET at = min(at, excluded.at)`,
    from,
    to,
  );
  db.run("DELETE FROM read_mark WHERE message = ?", from);
}
