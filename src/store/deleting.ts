// Deleting: a message leaves a user's lists, and the store with the last one who has it. What is deleted is what is
// listed: a message with the batches on it.

import { Address, decodeHeader, expandedSize, type Header } from "../wire/mod.ts";
import { isProblem, type Problem, refuse } from "../protocol/mod.ts";
import type { Database, Row } from "./database.ts";
import { removeDraft } from "./draft_parts.ts";
import { draftOf } from "./drafts.ts";
import type { Delete, Deleted } from "./operations.ts";
import { forgetReaders, listedUnder } from "./reading.ts";
import type { Transaction } from "./transaction.ts";
import { countAgain, uncountUsage } from "./users.ts";

export function applyDelete(transaction: Transaction, input: Delete): Deleted | Problem {
  const { db } = transaction;
  const address = input.for === null ? null : Address.parse(input.for);
  if (input.for !== null && address === null) {
    return refuse("bad address", `"${input.for}" is no address`);
  }
  if (input.draft === true) return deleteOnlyDraft(transaction, input);
  const listed = listedUnder(db, input.message);
  if (listed === null) return deleteDraft(transaction, input.message, address);
  const key = address?.key ?? null;
  const problem = stillWaiting(db, listed, key);
  if (problem !== null) return problem;
  const received = db.all(
    `SELECT r.message, r.place, r.key, m.header FROM message m JOIN recipient r ON r.message = m.id
     WHERE (m.id = ?1 OR m.original = ?1) AND r.shown IS NOT NULL AND (?2 IS NULL OR r.key = ?2)`,
    listed,
    key,
  );
  const sent = db.all(
    `SELECT id, from_key, header FROM message
     WHERE (id = ?1 OR original = ?1) AND sent = 1 AND (?2 IS NULL OR from_key = ?2)`,
    listed,
    key,
  );
  if (address !== null && received.length + sent.length === 0) {
    return doesNotHave(address, input.message);
  }
  for (const row of received) takeFromRecipient(db, row);
  for (const row of sent) takeFromSender(db, row);
  transaction.listingChanged(listed);
  return { kind: "deleted", id: listed, gone: removeUnheld(transaction, listed) };
}

/** What the host is still sending stays with its sender, or there would be nothing to send. */
function stillWaiting(db: Database, listed: number, key: string | null): Problem | null {
  const row = db.get(
    `SELECT o.domain FROM message m JOIN outbound o ON o.message = m.id
     WHERE (m.id = ?1 OR m.original = ?1) AND o.state IN ('blocked', 'waiting')
     AND (?2 IS NULL OR m.from_key = ?2)`,
    listed,
    key,
  );
  return row === null ? null : refuse(
    "still waiting",
    `Message ${listed} still waits for delivery to ${
      row.text("domain")
    }: end that with "fmsg queue cancel ${listed}", ` +
      "or wait until it is through",
  );
}

function doesNotHave(address: Address, message: number): Problem {
  return refuse("message not found", `${address} does not have message ${message}`);
}

/** The draft of that id, or with which the batch of that id waits. */
function deleteDraft(
  transaction: Transaction,
  message: number,
  address: Address | null,
): Deleted | Problem {
  const draft = transaction.db.get(
    `SELECT id, from_key FROM draft
     WHERE id = coalesce((SELECT draft FROM draft_batch WHERE id = ?1), ?1)`,
    message,
  );
  if (draft === null) return refuse("message not found", `There is no message ${message} here`);
  if (address !== null && draft.text("from_key") !== address.key) {
    return doesNotHave(address, message);
  }
  return deleted(transaction, draft.integer("id"));
}

/** A draft by its own id, and nothing that was sent since its sender looked at it (row N3). */
function deleteOnlyDraft(transaction: Transaction, input: Delete): Deleted | Problem {
  const draft = draftOf(transaction.db, input.message, input.for);
  return isProblem(draft) ? draft : deleted(transaction, draft.id);
}

function deleted(transaction: Transaction, draft: number): Deleted {
  removeDraft(transaction, draft);
  return { kind: "deleted", id: draft, gone: true };
}

/**
 * A recipient has the message no more; `row` says which and has its header. The row stays as long as the message is
 * here: they took it, and are not given it again.
 */
export function takeFromRecipient(db: Database, row: Row): void {
  db.run(
    "UPDATE recipient SET shown = NULL WHERE message = ? AND place = ?",
    row.integer("message"),
    row.integer("place"),
  );
  uncount(db, "recv", row.text("key"), row);
}

/** A sender has the message or batch no more; `row` says which and has its header. */
export function takeFromSender(db: Database, row: Row): void {
  db.run("UPDATE message SET sent = 0 WHERE id = ?", row.integer("id"));
  uncount(db, "send", row.text("from_key"), row);
}

/** Whose header is damaged can be deleted too; what it had counted is not known then. */
function uncount(db: Database, direction: "recv" | "send", key: string, row: Row): void {
  let header: Header;
  try {
    header = decodeHeader(row.blob("header"));
  } catch {
    return countAgain(db, key);
  }
  uncountUsage(db, direction, key, expandedSize(header));
}

/**
 * Removes a message with its batches from the store when nobody here has any of them. What waits for delivery is with
 * its sender until it is through, so nothing of that is lost.
 */
export function removeUnheld(transaction: Transaction, listed: number): boolean {
  const { db, contents } = transaction;
  forgetReaders(db, listed);
  const held = db.get(
    `SELECT 1 FROM message m WHERE (m.id = ?1 OR m.original = ?1) AND (m.sent = 1 OR EXISTS
       (SELECT 1 FROM recipient WHERE message = m.id AND shown IS NOT NULL))`,
    listed,
  );
  const row = db.get("SELECT content FROM message WHERE id = ?", listed);
  if (held !== null || row === null) return false;
  remember(transaction, listed);
  db.run("DELETE FROM message WHERE original = ?", listed);
  db.run("DELETE FROM message WHERE id = ?", listed);
  contents.remove(row.integer("content"));
  return true;
}

/** A sender that did not get its codes sends again, and whoever took the message is then told so (3.6.1.2). */
function remember(transaction: Transaction, listed: number): void {
  transaction.db.run(
    `INSERT INTO deleted (hash, key, pid, time)
     SELECT m.hash, r.key, iif(m.original IS NULL, NULL, m.pid), m.time
     FROM message m JOIN recipient r ON r.message = m.id
     WHERE (m.id = ?1 OR m.original = ?1) AND r.state = 'local' AND m.time >= ?2
     ON CONFLICT DO UPDATE SET pid = coalesce(excluded.pid, pid)`,
    listed,
    oldestAccepted(transaction),
  );
}

/** Drops what is remembered of messages that would be too old to be accepted (1.4.5.1). */
export function forgetDeleted(transaction: Transaction): void {
  transaction.db.run("DELETE FROM deleted WHERE time < ?", oldestAccepted(transaction));
}

function oldestAccepted({ now, settings }: Transaction): number {
  return now - settings.acceptedFor;
}
