// Message and recipient rows in the writer.

import {
  ACCEPT,
  type Address,
  asMessageHash,
  codeMeaning,
  codeName,
  type DecodedHeader,
  decodeHeader,
  expandedSize,
  type Header,
  type HeaderHash,
  type MessageHash,
  PARENT_NOT_FOUND,
  type RecipientCode,
  sender,
  USER_DUPLICATE,
} from "../wire/mod.ts";
import { judgeRecipient } from "../protocol/mod.ts";
import type { Database, Row } from "./database.ts";
import type { WriterSettings } from "./operations.ts";
import { countUsage, recipientUser } from "./users.ts";

/** A recipient with its place in the header's _to_ and then _add to_. */
export interface Placed {
  readonly place: number;
  readonly address: Address;
  readonly added: boolean;
}

/** Recipients in the order of the codes (3.6.1). */
export function placed(header: Header): Placed[] {
  const to = header.to.map((address, place) => ({ place, address, added: false }));
  const added = header.addTo?.to.map((address, i) => ({
    place: header.to.length + i,
    address,
    added: true,
  }));
  return added === undefined ? to : [...to, ...added];
}

export interface Judged extends Placed {
  readonly code: RecipientCode;
}

/**
 * The verdict for each of `recipients`, all of this domain, on a message that would be stored now. What counts as
 * having received it (row P3): the message itself; of a batch, at a _to_ place also the original or any batch on it, at
 * an _add to_ place also any batch on it. Whoever deleted it has received it all the same (3.6.1.2).
 */
export function judgeRecipients(
  db: Database,
  settings: WriterSettings,
  header: Header,
  hash: MessageHash,
  recipients: readonly Placed[],
  now: number,
): Judged[] {
  const bytes = expandedSize(header);
  const pid = header.addTo === null ? null : header.pid;
  const have = new Set([...receivers(db, hash), ...pid === null ? [] : batchReceivers(db, pid)]);
  const haveOriginal = new Set(pid === null ? [] : receivers(db, pid));
  return recipients.map((recipient) => {
    const { key } = recipient.address;
    const duplicate = have.has(key) || (!recipient.added && haveOriginal.has(key));
    const code = judgeRecipient({ duplicate, user: recipientUser(db, settings, key, bytes, now) });
    if (code === ACCEPT) have.add(key);
    return { ...recipient, code };
  });
}

/** Keys of those who took a message. */
function receivers(db: Database, hash: MessageHash): string[] {
  return db.all(
    `SELECT r.key FROM message m JOIN recipient r ON r.message = m.id
     WHERE m.hash = ?1 AND r.state = 'local'
     UNION ALL SELECT key FROM deleted WHERE hash = ?1`,
    hash,
  ).map((row) => row.text("key"));
}

/**
 * Keys of those who took any batch on a message. A batch that is not linked to its original although that is here is
 * forged, and on nothing (row B7).
 */
function batchReceivers(db: Database, pid: MessageHash): string[] {
  return db.all(
    `SELECT r.key FROM message m JOIN recipient r ON r.message = m.id
     WHERE m.pid = ?1 AND m.batch = 1 AND r.state = 'local'
     AND (m.original IS NOT NULL OR NOT EXISTS (SELECT 1 FROM message WHERE hash = ?1))
     UNION ALL SELECT key FROM deleted WHERE pid = ?1`,
    pid,
  ).map((row) => row.text("key"));
}

export interface NewMessage {
  /** Null for a new one. */
  readonly id: number | null;
  readonly decoded: DecodedHeader;
  readonly headerHash: HeaderHash;
  readonly hash: MessageHash;
  readonly original: number | null;
  readonly content: number;
  readonly sent: boolean;
}

/** Inserts a message; its id. */
export function insertMessage(db: Database, domain: string, message: NewMessage): number {
  const { header, bytes } = message.decoded;
  return db.run(
    `INSERT INTO message
       (id, hash, header, header_hash, pid, batch, original, content, sent, from_key, time, participated)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    message.id,
    message.hash,
    bytes,
    message.headerHash,
    header.pid,
    Number(header.addTo !== null),
    message.original,
    message.content,
    Number(message.sent),
    sender(header).key,
    header.time,
    Number(header.from.domain === domain || parentParticipated(db, header.pid)),
  ).id;
}

function parentParticipated(db: Database, pid: MessageHash | null): boolean {
  if (pid === null) return false;
  return db.get("SELECT participated FROM message WHERE hash = ?", pid)?.flag("participated") ??
    false;
}

/**
 * Writes down the verdicts on a message: those who take it have it from now on, listed under `shown`. A verdict never
 * replaces an earlier 200, and "user duplicate" leaves no row of its own.
 */
export function recordVerdicts(
  db: Database,
  message: number,
  shown: number,
  header: Header,
  judged: readonly Judged[],
  now: number,
): void {
  const bytes = expandedSize(header);
  for (const { place, address, code } of judged) {
    if (code === USER_DUPLICATE) continue;
    const accepted = code === ACCEPT;
    if (accepted) countUsage(db, "recv", address.key, bytes, now);
    db.run(
      `INSERT INTO recipient (message, place, key, state, code, reason, at, shown) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET state = excluded.state, code = excluded.code, reason = excluded.reason,
         at = excluded.at, shown = excluded.shown
       WHERE shown IS NULL`,
      message,
      place,
      address.key,
      accepted ? "local" : "failed",
      code,
      accepted ? null : inWords(code),
      now,
      accepted ? shown : null,
    );
  }
}

/** A code for people, with what can be done about it. */
export function inWords(code: number): string {
  // "The Sending Host can then indicate to its clients [...]" (Protocol Steps, NOTE).
  const way = code === PARENT_NOT_FOUND
    ? "; add the recipient to the message that this answers, or send them that message first"
    : "";
  return `${codeName(code)} (${code}): ${codeMeaning(code)}${way}`;
}

/** A message row as the writer needs it. */
export interface MessageRow {
  readonly id: number;
  readonly hash: MessageHash;
  readonly header: Header;
  readonly original: number | null;
  readonly content: number;
}

export function messageByHash(db: Database, hash: MessageHash): MessageRow | null {
  const row = db.get("SELECT * FROM message WHERE hash = ?", hash);
  return row === null ? null : readMessage(row);
}

export function messageById(db: Database, id: number): MessageRow | null {
  const row = db.get("SELECT * FROM message WHERE id = ?", id);
  return row === null ? null : readMessage(row);
}

export function readMessage(row: Row): MessageRow {
  return {
    id: row.integer("id"),
    hash: asMessageHash(row.blob("hash")),
    header: decodeHeader(row.blob("header")),
    original: row.optional("original", (r, name) => r.integer(name)),
    content: row.integer("content"),
  };
}
