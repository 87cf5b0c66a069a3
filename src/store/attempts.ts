// What came of attempts to deliver, in the writer: codes for each recipient, and what is left to do (row D6).

import { codeMeaning, codeName, DUPLICATE, PARENT_NOT_FOUND } from "../wire/mod.ts";
import { meaningOf } from "../protocol/mod.ts";
import type { Row } from "./database.ts";
import { messageById, type MessageRow, placed } from "./messages.ts";
import type { Attempt, AttemptOutcome, Recorded } from "./operations.ts";
import type { Transaction } from "./writer.ts";

export function applyRecord(transaction: Transaction, attempt: Attempt): Recorded {
  const { db, now } = transaction;
  const message = messageById(db, attempt.message);
  const delivery = db.get(
    "SELECT * FROM outbound WHERE message = ? AND domain = ?",
    attempt.message,
    attempt.domain,
  );
  if (message === null || delivery === null) return "finished";
  const error = recordOutcome(transaction, message, attempt.domain, attempt.outcome);
  // A cancelled delivery stays so; what the exchange under way brought is recorded all the same.
  if (delivery.text("state") !== "waiting") return "finished";

  const expires = delivery.real("expires");
  const again = error !== null && now < expires;
  db.run(
    `UPDATE outbound SET state = ?, attempts = attempts + 1, next_attempt = ?, last_error = ?
     WHERE message = ? AND domain = ?`,
    again ? "waiting" : error === null ? "done" : "failed",
    Math.min(attempt.nextAttempt, expires),
    error,
    attempt.message,
    attempt.domain,
  );
  if (again) return "waiting";
  if (error !== null) failPending(transaction, message, attempt.domain, `given up: ${error}`);
  unblock(transaction, message, attempt.domain);
  return "finished";
}

/** Writes down what was said of each recipient; why another attempt is needed, or null. */
function recordOutcome(
  transaction: Transaction,
  message: MessageRow,
  domain: string,
  outcome: AttemptOutcome,
): string | null {
  switch (outcome.kind) {
    case "failed":
      return outcome.reason;
    case "add to accepted":
      for (const row of pending(transaction, message, domain)) settle(transaction, row, 11);
      return null;
    case "rejected":
      return recordRejection(transaction, message, domain, outcome.code);
    case "codes":
      return recordCodes(transaction, message, domain, outcome.codes) ?? outcome.lost;
  }
}

/** 6.1: a code for all recipients there. */
function recordRejection(
  transaction: Transaction,
  message: MessageRow,
  domain: string,
  code: number,
): string | null {
  const rows = pending(transaction, message, domain);
  if (meaningOf(code) === "temporary") {
    for (const row of rows) remember(transaction, row, code);
    return inWords(code);
  }
  for (const row of rows) {
    const earlier = row.optional("code", (r, name) => r.integer(name));
    // Row D7: a batch is recorded there once it was taken for anyone, so whoever had a code keeps it.
    const kept = code === DUPLICATE && message.header.addTo !== null && earlier !== null;
    if (kept) fail(transaction, row, earlier, inWords(earlier));
    else settle(transaction, row, code);
  }
  return null;
}

/** 8 and 9: a code for each recipient, in their order on the message. */
function recordCodes(
  transaction: Transaction,
  message: MessageRow,
  domain: string,
  codes: readonly number[],
): string | null {
  const { db } = transaction;
  let again: string | null = null;
  const there = placed(message.header).filter(({ address }) => address.domain === domain);
  for (const [i, { place, added }] of there.entries()) {
    const code = codes[i];
    if (code === undefined) break;
    // Of a batch, those in _to_ have their row with the original, where a first 200 counts as well.
    const holder = message.header.addTo !== null && !added ? message.original : message.id;
    const row = db.get("SELECT * FROM recipient WHERE message = ? AND place = ?", holder, place);
    if (row === null || !open(row)) continue;
    if (holder !== message.id && code !== 200) continue;
    if (meaningOf(code) === "temporary") {
      remember(transaction, row, code);
      again = inWords(code);
    } else settle(transaction, row, code);
  }
  return again;
}

function open(row: Row): boolean {
  const state = row.text("state");
  return state === "pending" || state === "failed";
}

/** Recipients of the message's own that wait for this domain. */
function pending({ db }: Transaction, message: MessageRow, domain: string): Row[] {
  const keys = new Map(
    placed(message.header)
      .filter(({ address }) => address.domain === domain)
      .map(({ place, address }) => [place, address.key]),
  );
  return db.all("SELECT * FROM recipient WHERE message = ? AND state = 'pending'", message.id)
    .filter((row) => keys.has(row.integer("place")));
}

/** The last word on a recipient. */
function settle(transaction: Transaction, row: Row, code: number): void {
  if (meaningOf(code) !== "delivered") return fail(transaction, row, code, inWords(code));
  transaction.db.run(
    "UPDATE recipient SET state = 'delivered', code = ?, reason = NULL, at = ? WHERE message = ? AND place = ?",
    code,
    transaction.now,
    row.integer("message"),
    row.integer("place"),
  );
}

function fail(transaction: Transaction, row: Row, code: number | null, reason: string): void {
  transaction.db.run(
    "UPDATE recipient SET state = 'failed', code = ?, reason = ?, at = ? WHERE message = ? AND place = ?",
    code,
    reason,
    transaction.now,
    row.integer("message"),
    row.integer("place"),
  );
}

/** A temporary code: the recipient goes on waiting, and this is why. */
function remember(transaction: Transaction, row: Row, code: number): void {
  transaction.db.run(
    "UPDATE recipient SET code = ?, reason = ? WHERE message = ? AND place = ?",
    code,
    inWords(code),
    row.integer("message"),
    row.integer("place"),
  );
}

function failPending(
  transaction: Transaction,
  message: MessageRow,
  domain: string,
  reason: string,
): void {
  for (const row of pending(transaction, message, domain)) {
    fail(transaction, row, row.optional("code", (r, name) => r.integer(name)), reason);
  }
}

/** Replies and batches that waited for this message to be through at the domain are due now. */
function unblock({ db, now, changed }: Transaction, message: MessageRow, domain: string): void {
  const { changes } = db.run(
    `UPDATE outbound SET state = 'waiting', next_attempt = ? WHERE domain = ? AND state = 'blocked'
     AND message IN (SELECT id FROM message WHERE pid = ?)`,
    now,
    domain,
    message.hash,
  );
  if (changes > 0) changed({ kind: "outbound", domain });
}

/** Makes what waits due now: of one message with its batches, or everything. */
export function applyRetry({ db, now, changed }: Transaction, message: number | null): number {
  const rows = db.all(
    `SELECT o.message, o.domain FROM outbound o JOIN message m ON m.id = o.message
     WHERE o.state = 'waiting' AND (?1 IS NULL OR m.id = ?1 OR m.original = ?1)`,
    message,
  );
  for (const row of rows) {
    db.run(
      "UPDATE outbound SET next_attempt = ? WHERE message = ? AND domain = ?",
      now,
      row.integer("message"),
      row.text("domain"),
    );
    changed({ kind: "outbound", domain: row.text("domain") });
  }
  return rows.length;
}

/** Ends what waits: of a message with its batches, to one domain or to all. */
export function applyCancel(
  transaction: Transaction,
  input: { readonly message: number; readonly domain: string | null },
): number {
  const { db } = transaction;
  const rows = db.all(
    `SELECT o.message, o.domain FROM outbound o JOIN message m ON m.id = o.message
     WHERE o.state IN ('blocked', 'waiting') AND (m.id = ?1 OR m.original = ?1)
     AND (?2 IS NULL OR o.domain = ?2)`,
    input.message,
    input.domain,
  );
  for (const row of rows) {
    const domain = row.text("domain");
    const message = messageById(db, row.integer("message"));
    db.run(
      "UPDATE outbound SET state = 'cancelled' WHERE message = ? AND domain = ?",
      row.integer("message"),
      domain,
    );
    if (message === null) continue;
    failPending(transaction, message, domain, "cancelled");
    unblock(transaction, message, domain);
  }
  return rows.length;
}

/** A code for people, with what can be done about it. */
function inWords(code: number): string {
  // "The Sending Host can then indicate to its clients [...]" (Protocol Steps, NOTE).
  const way = code === PARENT_NOT_FOUND
    ? "; add the recipient to the message that this answers, or send them that message first"
    : "";
  return `${codeName(code)} (${code}): ${codeMeaning(code)}${way}`;
}
