// Retention: what users have for longer than they may is deleted, the oldest first, a bounded piece at a time.

import type { Database, Row } from "./database.ts";
import { removeUnheld, takeFromRecipient, takeFromSender } from "./deleting.ts";
import type { Expire } from "./operations.ts";
import type { Transaction } from "./transaction.ts";

export function applyExpire(transaction: Transaction, rules: Expire): number {
  const { db, now } = transaction;
  let deleted = 0;
  const listed = new Set<number>();
  for (const expiring of [RECEIVED, SENT]) {
    for (const key of keysUnder(db, rules, expiring.nextKey)) {
      const maxAge = maxAgeOf(db, key, rules);
      if (maxAge === null) continue;
      for (const row of db.all(expiring.older, key, now - maxAge, rules.limit - deleted)) {
        expiring.take(db, row);
        listed.add(row.integer("listed"));
        deleted++;
      }
      if (deleted >= rules.limit) break;
    }
  }
  for (const id of listed) {
    transaction.listingChanged(id);
    removeUnheld(transaction, id);
  }
  return deleted;
}

/** One kind of what users have. */
interface Expiring {
  /** The next key of those who have any. */
  readonly nextKey: string;
  /** What one of them has for longer than since a time. */
  readonly older: string;
  readonly take: (db: Database, row: Row) => void;
}

const RECEIVED: Expiring = {
  nextKey: "SELECT key FROM recipient WHERE shown IS NOT NULL AND key > ? ORDER BY key LIMIT 1",
  older: `SELECT r.message, r.place, r.key, m.header, coalesce(m.original, m.id) AS listed
    FROM recipient r JOIN message m ON m.id = r.message
    WHERE r.key = ? AND r.shown IS NOT NULL AND r.at < ? ORDER BY r.at LIMIT ?`,
  take: takeFromRecipient,
};

/** What waits for delivery is not old, whatever its age. The time of what is sent from here is when it was sent. */
const SENT: Expiring = {
  nextKey:
    "SELECT from_key AS key FROM message WHERE sent = 1 AND from_key > ? ORDER BY from_key LIMIT 1",
  older: `SELECT m.id, m.from_key, m.header, coalesce(m.original, m.id) AS listed FROM message m
    WHERE m.from_key = ? AND m.sent = 1 AND m.time < ? AND NOT EXISTS
      (SELECT 1 FROM outbound WHERE message = m.id AND state IN ('blocked', 'waiting'))
    ORDER BY m.time LIMIT ?`,
  take: takeFromSender,
};

/** Those who may have something to expire: one look-up for each, however much they have. */
function* keysUnder(db: Database, { maxAge, users }: Expire, nextKey: string): Generator<string> {
  if (maxAge === null) return yield* Object.keys(users);
  let last = "";
  for (;;) {
    const row = db.get(nextKey, last);
    if (row === null) return;
    yield last = row.text("key");
  }
}

/** A rule of one's own ends with the user: what was theirs is then kept as for all. */
function maxAgeOf(db: Database, key: string, { maxAge, users }: Expire): number | null {
  const own = users[key];
  if (own === undefined) return maxAge;
  return db.get("SELECT 1 FROM user WHERE key = ?", key) === null ? maxAge : own;
}
