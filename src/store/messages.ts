// Message and recipient rows in the writer.

import {
  ACCEPT,
  type Address,
  type Bytes,
  type DecodedHeader,
  decodeHeader,
  expandedSize,
  type Header,
  type HeaderHash,
  type MessageHash,
  type RecipientCode,
  sender,
  USER_DUPLICATE,
} from "../wire/mod.ts";
import { judgeRecipient } from "../protocol/mod.ts";
import type { Database } from "./database.ts";
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
 * having it (row P3): of an ordinary message, the message; of a batch, at a _to_ place the original or any batch on it,
 * at an _add to_ place any batch on it.
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
  const taken = new Set<string>();
  return recipients.map((recipient) => {
    const { key } = recipient.address;
    const duplicate = taken.has(key) || hasMessage(db, header, hash, recipient);
    const code = judgeRecipient({ duplicate, user: recipientUser(db, settings, key, bytes, now) });
    if (code === ACCEPT) taken.add(key);
    return { ...recipient, code };
  });
}

function hasMessage(db: Database, header: Header, hash: MessageHash, recipient: Placed): boolean {
  const { key } = recipient.address;
  if (header.addTo === null || header.pid === null) return holds(db, hash, key);
  return holdsBatch(db, header.pid, key) || (!recipient.added && holds(db, header.pid, key));
}

function holds(db: Database, hash: MessageHash, key: string): boolean {
  return db.get(
    `SELECT 1 FROM message m JOIN recipient r ON r.message = m.id
     WHERE m.hash = ? AND r.key = ? AND r.shown IS NOT NULL`,
    hash,
    key,
  ) !== null;
}

function holdsBatch(db: Database, pid: MessageHash, key: string): boolean {
  return db.get(
    `SELECT 1 FROM message m JOIN recipient r ON r.message = m.id
     WHERE m.pid = ? AND m.batch = 1 AND r.key = ? AND r.shown IS NOT NULL`,
    pid,
    key,
  ) !== null;
}

export interface NewMessage {
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
       (hash, header, header_hash, pid, batch, original, content, sent, from_key, time, participated)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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
      `INSERT INTO recipient (message, place, key, state, code, at, shown) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET state = excluded.state, code = excluded.code, at = excluded.at, shown = excluded.shown
       WHERE shown IS NULL`,
      message,
      place,
      address.key,
      accepted ? "local" : "failed",
      code,
      now,
      accepted ? shown : null,
    );
  }
}

/** A message row as the writer needs it. */
export interface MessageRow {
  readonly id: number;
  readonly hash: Bytes;
  readonly header: Header;
  readonly original: number | null;
  readonly content: number;
}

export function messageByHash(db: Database, hash: MessageHash): MessageRow | null {
  return readMessage(db.get("SELECT * FROM message WHERE hash = ?", hash));
}

export function messageById(db: Database, id: number): MessageRow | null {
  return readMessage(db.get("SELECT * FROM message WHERE id = ?", id));
}

function readMessage(row: ReturnType<Database["get"]>): MessageRow | null {
  return row === null ? null : {
    id: row.integer("id"),
    hash: row.blob("hash"),
    header: decodeHeader(row.blob("header")),
    original: row.optional("original", (r, name) => r.integer(name)),
    content: row.integer("content"),
  };
}
