// What a change of messages means for users here: the events of FMSG-003, told once the change is committed.

import { ACCEPT, type Header } from "../wire/mod.ts";
import type { Database } from "./database.ts";
import { type Judged, type MessageRow, recordVerdicts } from "./messages.ts";
import type { Transaction } from "./transaction.ts";

/** Verdicts on a message or batch that has just been judged. */
export interface Verdicts {
  readonly id: number;
  /** The id under which it is listed. */
  readonly listed: number;
  readonly header: Header;
  readonly judged: readonly Judged[];
  /** False where it was here before, and more take it now. */
  readonly isNew: boolean;
}

/**
 * Writes verdicts down, and tells those who take the message, of a batch all who have what it adds to now - "Message
 * participant", and so the added ones as well -, and its senders.
 */
export function recordAndTell(transaction: Transaction, verdicts: Verdicts): void {
  const { db, now } = transaction;
  const { id, listed, header, judged, isNew } = verdicts;
  const had = id === listed ? new Set<string>() : holdersOf(db, listed);
  recordVerdicts(db, id, listed, header, judged, now);
  transaction.listingChanged(listed);
  const taken = judged.filter(({ code }) => code === ACCEPT).map(({ address }) => address.key);
  // Who is added to what they have is told of that alone.
  tell(transaction, "new_msg", listed, taken.filter((key) => !had.has(key)));
  if (isNew && id !== listed) {
    tell(transaction, "recipients_added", listed, new Set([...had, ...taken]));
  }
  if (judged.length > 0) tellSenders(transaction, listed, [id]);
}

/** Does `work`, and tells the senders of a message or batch if that changes the delivery to a recipient. */
export function tellingOfDelivery<Result>(
  transaction: Transaction,
  message: MessageRow,
  work: () => Result,
): Result {
  const before = deliveries(transaction.db, message);
  const result = work();
  if (deliveries(transaction.db, message) !== before) {
    tellSenders(transaction, message.original ?? message.id, [message.id]);
  }
  return result;
}

/** The sender of what is listed, and those of these batches on it: the delivery of some of it changed. */
export function tellSenders(
  transaction: Transaction,
  listed: number,
  batches: Iterable<number>,
): void {
  const keys = new Set(
    [listed, ...batches].flatMap((id) =>
      transaction.db.get("SELECT from_key FROM message WHERE id = ? AND sent = 1", id)
        ?.text("from_key") ?? []
    ),
  );
  tell(transaction, "delivered", listed, keys);
}

/** Users here who have what is listed under this id: who sent it or added to it, and who took it. */
export function holdersOf(db: Database, listed: number): ReadonlySet<string> {
  const rows = db.all(
    `SELECT m.from_key AS key FROM message m WHERE (m.id = ?1 OR m.original = ?1) AND m.sent = 1
     UNION SELECT r.key FROM message m JOIN recipient r ON r.message = m.id
     WHERE (m.id = ?1 OR m.original = ?1) AND r.shown IS NOT NULL`,
    listed,
  );
  return new Set(rows.map((row) => row.text("key")));
}

function tell(
  { changed }: Transaction,
  event: "new_msg" | "delivered" | "recipients_added",
  message: number,
  keys: Iterable<string>,
): void {
  const those = [...keys];
  if (those.length > 0) changed({ kind: "message", event, message, keys: those });
}

/** What is known of each recipient, of those in _to_ on a batch as well: as one text, to compare it. */
function deliveries(db: Database, { id, original }: MessageRow): string | null {
  return db.get(
    `SELECT group_concat(message || ' ' || place || ' ' || state || ' ' || coalesce(code, '')) AS known
     FROM recipient WHERE message IN (?, ?)`,
    id,
    original,
  )?.optional("known", (row, name) => row.text(name)) ?? null;
}
