// What one identity reads through FMSG-003: only messages that it has, as their sender or as a recipient.

import { type Address, type Bytes, decodeHeader } from "../wire/mod.ts";
import { type ClientHeaders, headersOf } from "./client_header.ts";
import { type Seen, seenDraft, seenMessages } from "./client_message.ts";
import type { ClientMessage, ClientPart, LineageEntry } from "./client_views.ts";
import type { Database, Row } from "./database.ts";
import { type Draft, draftById, draftOfBatch } from "./drafts.ts";
import { listedRow, receivedIds, rootFor, seenRows, threadOf } from "./listed.ts";
import {
  PartGone,
  partsOfDraft,
  partsOfMessage,
  readPart,
  startsOfData,
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
  /** Where the data of messages is that were asked for, so that their previews need no second look. */
  readonly #data = new WeakMap<ClientMessage, StoredPart>();

  constructor(db: Database, who: Address) {
    this.#db = db;
    this.#who = who;
  }

  /** What it received and has, of ids below `before`, the newest id first. */
  received(limit: number, offset: number, before = Infinity): ClientMessage[] {
    return this.#db.snapshot(() =>
      this.messages(receivedIds(this.#db, this.#who.key, limit, offset, before))
    );
  }

  /** What it sent and has, and its drafts, of ids below `before`, the newest id first. */
  authored(limit: number, offset: number, before = Infinity): ClientMessage[] {
    return this.#db.snapshot(() => {
      const rows = this.#db.all(
        `SELECT id FROM message WHERE from_key = ?1 AND sent = 1 AND batch = 0 AND id < ?4
         UNION ALL SELECT id FROM draft WHERE from_key = ?1 AND id < ?4
         ORDER BY id DESC LIMIT ?2 OFFSET ?3`,
        this.#who.key,
        limit,
        offset,
        before,
      );
      return this.messages(rows.map((row) => row.integer("id")));
    });
  }

  /** The message or draft of that id, or the one under which the batch of that id is listed. */
  message(id: number): ClientMessage | null {
    return this.messages([id])[0] ?? null;
  }

  /** Those of them that it sees, in that order. A page of a list is made in a few statements for all of it. */
  messages(ids: readonly number[]): ClientMessage[] {
    return this.#db.snapshot(() => this.#messages(ids));
  }

  /**
   * The headers of a message that was sent or received and is seen, and of the batches that it is seen with, the newest of
   * them up to `most` bytes; else null.
   */
  headers(id: number, most: number): ClientHeaders | null {
    return this.#db.snapshot(() => {
      const message = this.message(id);
      return message === null || message.isDraft ? null : headersOf(this.#db, message, most);
    });
  }

  /** The id under which the thread of a message that it sees begins for it: that of the farthest ancestor that it sees. */
  root(id: number): number {
    return rootFor(this.#db, id, this.#who.key);
  }

  /** The message, behind its ancestors that are here: the farthest first, and at most `most` of them. */
  lineage(id: number, most: number): LineageEntry[] | null {
    return this.#db.snapshot(() => this.#lineage(id, most));
  }

  /** What it has of the whole thread of a message: parents before children. Of a draft: what it answers, and itself. */
  thread(id: number): ClientMessage[] | null {
    return this.#db.snapshot(() => this.#thread(id));
  }

  part(id: number, name: PartName): ClientPart | null {
    const part = this.#db.snapshot(() => this.#parts(id))?.find((part) => part.name === name);
    if (part === undefined) return null;
    return {
      type: part.type,
      size: part.expandedSize ?? part.size,
      filename: part.name,
      read: (start, end) => this.#read(id, part, start, end),
    };
  }

  /** As readPart; a PartGone when the part was deleted or replaced meanwhile. */
  async *#read(
    id: number,
    part: StoredPart,
    start?: number,
    end?: number,
  ): AsyncGenerator<Bytes, void> {
    try {
      yield* readPart(this.#db, part, start, end);
    } catch (error) {
      const now = this.#db.snapshot(() => this.#parts(id))?.find(({ name }) => name === part.name);
      if (now?.content === part.content) throw error;
      throw new PartGone(error instanceof Error ? error.message : String(error), { cause: error });
    }
  }

  /**
   * The first bytes of the data of each of these messages of this mailbox, decompressed, and at most `bytes` of them; null
   * also where they are damaged.
   */
  previews(messages: readonly ClientMessage[], bytes: number): (Bytes | null)[] {
    return startsOfData(
      this.#db,
      messages.map((message) => this.#data.get(message) ?? null),
      bytes,
    );
  }

  #messages(ids: readonly number[]): ClientMessage[] {
    const rows = seenRows(this.#db, ids, this.#who.key);
    const held = seenMessages(this.#db, [...rows.values()].filter(isHeld), this.#who);
    const listed = new Map(held.map((seen) => [seen.message.id, seen]));
    return ids.flatMap((id) => {
      const row = rows.get(id);
      const seen = row === undefined ? this.#seenDraft(id) : listed.get(row.integer("id")) ?? null;
      return seen === null ? [] : this.#handOut(seen);
    });
  }

  #lineage(id: number, most: number): LineageEntry[] | null {
    const message = this.message(id);
    if (message === null) return null;
    const lineage: LineageEntry[] = [{ kind: "visible", message }];
    let parent = message.pid;
    while (parent !== null && lineage.length <= most) {
      const row = this.#row(parent);
      if (row === undefined) break;
      lineage.unshift(this.#entry(row));
      parent = row.optional("parent", (r, name) => r.integer(name));
    }
    return lineage;
  }

  #thread(id: number): ClientMessage[] | null {
    const message = this.message(id);
    if (message === null) return null;
    const start = message.isDraft && message.pid !== null ? message.pid : message.id;
    const row = listedRow(this.#db, start);
    const thread = row === null ? [] : this.messages(threadOf(this.#db, row));
    return message.isDraft ? [...thread, message] : thread;
  }

  #seenDraft(id: number): Seen | null {
    const draft = this.#draft(id);
    return draft === null ? null : seenDraft(this.#db, draft);
  }

  #handOut({ message, data }: Seen): ClientMessage {
    if (data !== null) this.#data.set(message, data);
    return message;
  }

  /** FMSG-003 'thread': an ancestor that is not to be seen is there all the same, with its sender and its time. */
  #entry(row: Row): LineageEntry {
    const [seen] = isHeld(row) ? seenMessages(this.#db, [row], this.#who) : [];
    if (seen !== undefined) return { kind: "visible", message: this.#handOut(seen) };
    const { from, time } = decodeHeader(row.blob("header"));
    return { kind: "hidden", id: row.integer("id"), from: from.text, time };
  }

  #parts(id: number): StoredPart[] | null {
    const row = this.#row(id);
    if (row !== undefined) return isHeld(row) ? partsOfMessage(row) : null;
    const draft = this.#draft(id);
    return draft === null ? null : partsOfDraft(draft);
  }

  #row(id: number): Row | undefined {
    return seenRows(this.#db, [id], this.#who.key).get(id);
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

/** Has the identity the message of this row of `seenRows`? */
function isHeld(row: Row): boolean {
  return row.flag("received") || row.flag("sent");
}
