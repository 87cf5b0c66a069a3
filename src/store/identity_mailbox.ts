// What one identity reads through FMSG-003: only messages that it has, as their sender or as a recipient.

import { type Address, type Bytes, decodeHeader } from "../wire/mod.ts";
import { clientDraft, clientMessage, type Holding } from "./client_message.ts";
import type { ClientMessage, ClientPart, LineageEntry } from "./client_views.ts";
import type { Database, Row } from "./database.ts";
import { type Draft, draftById, draftOfBatch } from "./drafts.ts";
import { listedRow, parentId, receivedIds, threadOf } from "./listed.ts";
import {
  partsOfDraft,
  partsOfMessage,
  readPart,
  startOfPart,
  type StoredPart,
} from "./stored_part.ts";
import type { PartName } from "./views.ts";

/**
 * Cheap to make, for each request anew. What the identity was refused or has deleted is not its to see, as is what
 * others have: that looks like what does not exist.
 */
export class IdentityMailbox {
  readonly #db: Database;
  readonly #who: Address;

  constructor(db: Database, who: Address) {
    this.#db = db;
    this.#who = who;
  }

  /** What it received and has, the newest id first. */
  received(limit: number, offset: number): ClientMessage[] {
    return receivedIds(this.#db, this.#who.key, limit, offset)
      .flatMap((id) => this.message(id) ?? []);
  }

  /** What it sent and has, and its drafts, the newest id first. */
  authored(limit: number, offset: number): ClientMessage[] {
    return this.#db.all(
      `SELECT id FROM message WHERE from_key = ?1 AND sent = 1 AND batch = 0
       UNION ALL SELECT id FROM draft WHERE from_key = ?1
       ORDER BY id DESC LIMIT ?2 OFFSET ?3`,
      this.#who.key,
      limit,
      offset,
    ).flatMap((row) => this.message(row.integer("id")) ?? []);
  }

  /** The message or draft of that id, or the one under which the batch of that id is listed. */
  message(id: number): ClientMessage | null {
    const row = listedRow(this.#db, id);
    if (row !== null) return this.#view(row);
    const draft = this.#draft(id);
    return draft === null ? null : clientDraft(this.#db, draft);
  }

  /** The message, behind its ancestors that are here: the farthest first, and at most `most` of them. */
  lineage(id: number, most: number): LineageEntry[] | null {
    const message = this.message(id);
    if (message === null) return null;
    const lineage: LineageEntry[] = [{ kind: "visible", message }];
    let parent = message.pid;
    while (parent !== null && lineage.length <= most) {
      const row = listedRow(this.#db, parent);
      if (row === null) break;
      lineage.unshift(this.#entry(row));
      parent = parentId(this.#db, row);
    }
    return lineage;
  }

  /** What it has of the whole thread of a message: parents before children. Of a draft: what it answers, and itself. */
  thread(id: number): ClientMessage[] | null {
    const message = this.message(id);
    if (message === null) return null;
    const start = message.isDraft && message.pid !== null ? message.pid : message.id;
    const row = listedRow(this.#db, start);
    const thread = row === null
      ? []
      : threadOf(this.#db, row).flatMap((id) => this.message(id) ?? []);
    return message.isDraft ? [...thread, message] : thread;
  }

  part(id: number, name: PartName): ClientPart | null {
    const part = this.#parts(id)?.find((part) => part.name === name);
    if (part === undefined) return null;
    return {
      type: part.type,
      size: part.expandedSize ?? part.size,
      filename: part.name,
      read: (start, end) => readPart(this.#db, part, start, end),
    };
  }

  /** The first bytes of the data, decompressed, and at most `bytes` of them; null also where they are damaged. */
  preview(id: number, bytes: number): Bytes | null {
    const data = this.#parts(id)?.[0];
    return data === undefined ? null : startOfPart(this.#db, data, bytes);
  }

  #view(row: Row): ClientMessage | null {
    const holding = this.#holding(row);
    return holding === null ? null : clientMessage(this.#db, row, this.#who, holding);
  }

  /** FMSG-003 'thread': an ancestor that is not to be seen is there all the same, with its sender and its time. */
  #entry(row: Row): LineageEntry {
    const message = this.#view(row);
    if (message !== null) return { kind: "visible", message };
    const { from, time } = decodeHeader(row.blob("header"));
    return { kind: "hidden", id: row.integer("id"), from: from.text, time };
  }

  #parts(id: number): StoredPart[] | null {
    const row = listedRow(this.#db, id);
    if (row !== null) return this.#holding(row) === null ? null : partsOfMessage(row);
    const draft = this.#draft(id);
    return draft === null ? null : partsOfDraft(draft);
  }

  /** Whether and how the identity has the message of this row, which is one that is listed. */
  #holding(row: Row): Holding | null {
    // The plus keeps SQLite from going through all that somebody sent.
    const held = this.#db.get(
      `SELECT EXISTS (SELECT 1 FROM recipient WHERE key = ?1 AND shown = ?2) AS received,
         EXISTS (SELECT 1 FROM message WHERE (id = ?2 OR original = ?2) AND sent = 1 AND +from_key = ?1) AS sent,
         (SELECT at FROM read_mark WHERE message = ?2 AND key = ?1) AS read_at`,
      this.#who.key,
      row.integer("id"),
    );
    if (held === null || !(held.flag("received") || held.flag("sent"))) return null;
    return {
      received: held.flag("received"),
      readAt: held.optional("read_at", (r, name) => r.real(name)),
    };
  }

  /** The draft of that id, or with which the batch of that id waits; only its sender sees it. */
  #draft(id: number): Draft | null {
    const draft = draftById(this.#db, id) ?? draftOfBatch(this.#db, id);
    const from = draft === null ? null : this.#db.get(
      "SELECT 1 FROM draft WHERE id = ? AND from_key = ?",
      draft.id,
      this.#who.key,
    );
    return from === null ? null : draft;
  }
}
