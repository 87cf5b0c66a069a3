// What came of attempts to deliver, in the writer: codes for each recipient, and what is left to do (row D6).

import { ACCEPT, ACCEPT_ADD_TO, DUPLICATE, isRecipientCode, USER_DUPLICATE } from "../wire/mod.ts";
import { meaningOf } from "../protocol/mod.ts";
import { tellingOfDelivery, tellSenders } from "./announcing.ts";
import type { Database, Row } from "./database.ts";
import { inWords, messageById, type MessageRow, placed } from "./messages.ts";
import type { Attempt, AttemptOutcome, Recorded } from "./operations.ts";
import type { Transaction } from "./transaction.ts";

/** What an attempt leaves to do: another one, or nothing, with the message held at the domain or not. */
type Result =
  | { readonly kind: "held" }
  | { readonly kind: "refused" | "again"; readonly why: string };

/** The reason of those whose delivery was cancelled: not the last word, should an exchange be under way. */
const CANCELLED = "cancelled";

export function applyRecord(transaction: Transaction, attempt: Attempt): Recorded {
  const message = messageById(transaction.db, attempt.message);
  if (message === null) return "finished";
  return tellingOfDelivery(transaction, message, () => record(transaction, message, attempt));
}

function record(transaction: Transaction, message: MessageRow, attempt: Attempt): Recorded {
  const { db, now } = transaction;
  const delivery = db.get(
    "SELECT * FROM outbound WHERE message = ? AND domain = ?",
    attempt.message,
    attempt.domain,
  );
  if (delivery === null) return "finished";
  const result = recordOutcome(transaction, message, attempt.domain, attempt.outcome);
  // A cancelled delivery stays so; what the exchange under way brought is recorded all the same.
  if (delivery.text("state") !== "waiting") return "finished";

  const expires = delivery.real("expires");
  const again = result.kind === "again" && now < expires;
  db.run(
    `UPDATE outbound SET state = ?, attempts = attempts + 1, next_attempt = ?, last_error = ?
     WHERE message = ? AND domain = ?`,
    again ? "waiting" : result.kind === "held" ? "done" : "failed",
    Math.min(attempt.nextAttempt, expires),
    result.kind === "held" ? null : result.why,
    attempt.message,
    attempt.domain,
  );
  if (again) return "waiting";
  if (result.kind === "again") {
    failPending(transaction, message, attempt.domain, `given up: ${result.why}`);
  }
  unblock(transaction, message, attempt.domain);
  return "finished";
}

/** Writes down what was said of each recipient. */
function recordOutcome(
  transaction: Transaction,
  message: MessageRow,
  domain: string,
  outcome: AttemptOutcome,
): Result {
  switch (outcome.kind) {
    case "failed":
      return { kind: "again", why: outcome.reason };
    case "add to accepted":
      for (const row of pending(transaction, message, domain)) {
        settle(transaction, row, ACCEPT_ADD_TO);
      }
      return { kind: "held" };
    case "rejected":
      return recordRejection(transaction, message, domain, outcome.code);
    case "codes":
      return recordCodes(transaction, message, domain, outcome);
  }
}

/** 6.1: a code for all recipients there. */
function recordRejection(
  transaction: Transaction,
  message: MessageRow,
  domain: string,
  code: number,
): Result {
  const rows = pending(transaction, message, domain);
  if (meaningOf(code) === "temporary") {
    for (const row of rows) remember(transaction, row, code);
    return { kind: "again", why: inWords(code) };
  }
  for (const row of rows) {
    const earlier = row.optional("code", (r, name) => r.integer(name));
    // Row D7: a batch is recorded there once it was taken for anyone, so whoever had a code of their own keeps it.
    const kept = code === DUPLICATE && message.header.addTo !== null && earlier !== null &&
      isRecipientCode(earlier);
    if (kept) fail(transaction, row, earlier, inWords(earlier));
    else settle(transaction, row, code);
  }
  return code === DUPLICATE ? { kind: "held" } : { kind: "refused", why: inWords(code) };
}

/** 8 and 9: a code for each recipient, in their order on the message; fewer when the connection was `lost`. */
function recordCodes(
  transaction: Transaction,
  message: MessageRow,
  domain: string,
  { codes, lost }: Extract<AttemptOutcome, { kind: "codes" }>,
): Result {
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
    if (holder !== message.id && code !== ACCEPT) continue;
    if (meaningOf(code) !== "temporary") settle(transaction, row, code);
    else if (row.text("state") === "pending") {
      remember(transaction, row, code);
      again = inWords(code);
    }
  }
  if (again !== null) return { kind: "again", why: again };
  // Nothing is sent twice for the sake of recipients whose last word is known from an earlier attempt.
  if (codes.length === 0 || pending(transaction, message, domain).length > 0) {
    return { kind: "again", why: lost ?? "there was no code for some recipients" };
  }
  return codes.includes(ACCEPT) || tookBefore(transaction.db, message, domain)
    ? { kind: "held" }
    : { kind: "refused", why: inWords(codes.at(-1) ?? 0) };
}

function open(row: Row): boolean {
  const state = row.text("state");
  return state === "pending" || state === "failed";
}

/** Recipients of the message's own that wait for this domain, or would if it had not been cancelled. */
function pending(transaction: Transaction, message: MessageRow, domain: string): Row[] {
  return recipientsAt(transaction.db, message, domain).filter((row) =>
    row.text("state") === "pending" ||
    row.optional("reason", (r, name) => r.text(name)) === CANCELLED
  );
}

/** Did the domain's host take the message for anyone? Who has a batch by another batch (103) does not tell. */
export function tookBefore(db: Database, message: MessageRow, domain: string): boolean {
  return recipientsAt(db, message, domain).some((row) =>
    row.text("state") === "delivered" &&
    (message.header.addTo === null || row.integer("code") !== USER_DUPLICATE)
  );
}

/** Rows of the message's own recipients at a domain. */
function recipientsAt(db: Database, message: MessageRow, domain: string): Row[] {
  const places = new Set(
    placed(message.header)
      .filter(({ address }) => address.domain === domain)
      .map(({ place }) => place),
  );
  return db.all("SELECT * FROM recipient WHERE message = ?", message.id)
    .filter((row) => places.has(row.integer("place")));
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
    "UPDATE recipient SET code = ?, reason = ? WHERE message = ? AND place = ? AND state = 'pending'",
    code,
    inWords(code),
    row.integer("message"),
    row.integer("place"),
  );
}

/** Fails those who wait; tells whether there were any. */
function failPending(
  transaction: Transaction,
  message: MessageRow,
  domain: string,
  reason: string,
): boolean {
  const rows = pending(transaction, message, domain);
  for (const row of rows) {
    fail(transaction, row, row.optional("code", (r, name) => r.integer(name)), reason);
  }
  return rows.length > 0;
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
  let listed: number | null = null;
  const ended = new Set<number>();
  for (const row of rows) {
    const domain = row.text("domain");
    const message = messageById(db, row.integer("message"));
    db.run(
      "UPDATE outbound SET state = 'cancelled' WHERE message = ? AND domain = ?",
      row.integer("message"),
      domain,
    );
    if (message === null) continue;
    if (failPending(transaction, message, domain, CANCELLED)) {
      listed = message.original ?? message.id;
      ended.add(message.id);
    }
    unblock(transaction, message, domain);
    // There is no more to wake up for.
    transaction.changed({ kind: "outbound", domain });
  }
  if (listed !== null) tellSenders(transaction, listed, ended);
  return rows.length;
}
