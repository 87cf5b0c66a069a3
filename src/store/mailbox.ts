// What people and clients read: messages with their batches and deliveries, lists, threads, content, users, the queue.

import {
  Address,
  type Bytes,
  decodeHeader,
  fold,
  type Header,
  hex,
  mediaTypeText,
  type Part,
  parts,
  recipients,
} from "../wire/mod.ts";
import { inflated } from "../protocol/mod.ts";
import { readWhole } from "./contents.ts";
import { type Database, type Row } from "./database.ts";
import { openForReading } from "./opening.ts";
import { type Draft, draftById, draftOfBatch } from "./drafts.ts";
import { lastDay, readLimits } from "./users.ts";
import type {
  BatchView,
  DeliveryView,
  MessageView,
  PartName,
  QueueEntry,
  UserView,
} from "./views.ts";

/** Messages that a thread is cut at. */
const THREAD_BOUND = 1000;

export class Mailbox implements Disposable {
  readonly #db: Database;

  constructor(dataDir: string) {
    this.#db = openForReading(dataDir);
  }

  /** The message or draft of that id, or the one under which the batch of that id is listed. */
  message(id: number): MessageView | null {
    const row = this.#shownRow(id);
    if (row !== null) return this.#view(row);
    const draft = draftById(this.#db, id) ?? draftOfBatch(this.#db, id);
    return draft === null ? null : this.#draftView(draft);
  }

  /** What an address received, newest first. */
  received(address: Address, limit: number, offset: number): MessageView[] {
    return this.#views(this.#db.all(
      `SELECT DISTINCT shown AS id FROM recipient WHERE key = ? AND shown IS NOT NULL
       ORDER BY shown DESC LIMIT ? OFFSET ?`,
      address.key,
      limit,
      offset,
    ));
  }

  /** What an address sent, newest first. */
  sent(address: Address, limit: number, offset: number): MessageView[] {
    return this.#views(this.#db.all(
      `SELECT id FROM message WHERE from_key = ? AND sent = 1 AND batch = 0
       ORDER BY id DESC LIMIT ? OFFSET ?`,
      address.key,
      limit,
      offset,
    ));
  }

  /** The thread of a message as far as it is here: parents before children, each level by time. */
  thread(id: number): MessageView[] {
    const start = this.#shownRow(id);
    if (start === null) return [];
    let root = start;
    for (let steps = 0; steps < THREAD_BOUND; steps++) {
      const parent = this.#parentRow(root);
      if (parent === null) break;
      root = parent;
    }
    const thread: MessageView[] = [];
    const visit = (id: number): void => {
      const view = thread.length < THREAD_BOUND ? this.message(id) : null;
      if (view === null) return;
      thread.push(view);
      for (const child of this.#children(id)) visit(child);
    };
    visit(root.integer("id"));
    return thread;
  }

  /** A part of a message's content, decompressed; null when there is no such message or part. */
  content(id: number, name: PartName): AsyncGenerator<Bytes, void> | null {
    const row = this.#shownRow(id);
    if (row === null) return null;
    const header = decodeHeader(row.blob("header"));
    const index = name === null
      ? 0
      : header.attachments.findIndex(({ filename }) => filename === name) + 1;
    const part = parts(header)[index];
    if (part === undefined || (name !== null && index === 0)) return null;
    return this.#expand(row.integer("content"), part, offsetOf(header, index));
  }

  /** Everything that waits for delivery, the next attempt first. */
  queue(): QueueEntry[] {
    return this.#db.all(
      `SELECT o.*, m.header, m.original FROM outbound o JOIN message m ON m.id = o.message
       WHERE o.state IN ('blocked', 'waiting') ORDER BY o.next_attempt, o.message`,
    ).map((row) => {
      const header = decodeHeader(row.blob("header"));
      const id = row.integer("message");
      const original = row.optional("original", (r, name) => r.integer(name));
      const domain = row.text("domain");
      const blocked = row.text("state") === "blocked";
      return {
        id: original ?? id,
        batch_id: header.addTo === null ? null : id,
        domain,
        recipients: recipients(header).filter((to) => to.domain === domain).map((to) => to.text),
        attempts: row.integer("attempts"),
        next_attempt: blocked ? null : row.real("next_attempt"),
        last_error: blocked
          ? WAITS_FOR_PARENT
          : row.optional("last_error", (r, name) => r.text(name)),
        expires: row.real("expires"),
      };
    });
  }

  users(): UserView[] {
    return this.#db.all("SELECT * FROM user ORDER BY key").map((row) => this.#userView(row));
  }

  /** Addresses of users that begin so, whatever the case, at most `limit`. */
  addresses(prefix: string, limit: number): string[] {
    return this.#db.all(
      "SELECT address FROM user WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key LIMIT ?2",
      fold(prefix),
      limit,
    ).map((row) => row.text("address"));
  }

  user(key: string): UserView | null {
    const row = this.#db.get("SELECT * FROM user WHERE key = ?", key);
    return row === null ? null : this.#userView(row);
  }

  [Symbol.dispose](): void {
    this.#db[Symbol.dispose]();
  }

  #shownRow(id: number): Row | null {
    return this.#db.get(
      "SELECT * FROM message WHERE id = (SELECT coalesce(original, id) FROM message WHERE id = ?)",
      id,
    );
  }

  /** The message that this one answers; for an answer to a batch, the batch's original. */
  #parentRow(row: Row): Row | null {
    if (row.isNull("pid") || row.flag("batch")) return null;
    const parent = this.#db.get("SELECT id FROM message WHERE hash = ?", row.blob("pid"));
    return parent === null ? null : this.#shownRow(parent.integer("id"));
  }

  #children(id: number): number[] {
    return this.#db.all(
      `SELECT id FROM message WHERE batch = 0 AND pid IN
         (SELECT hash FROM message WHERE id = ?1 OR original = ?1) ORDER BY time LIMIT ?2`,
      id,
      THREAD_BOUND,
    ).map((row) => row.integer("id"));
  }

  #views(rows: readonly Row[]): MessageView[] {
    return rows.flatMap((row) => this.message(row.integer("id")) ?? []);
  }

  #view(row: Row): MessageView {
    const header = decodeHeader(row.blob("header"));
    const id = row.integer("id");
    const batches = this.#db.all("SELECT * FROM message WHERE original = ? ORDER BY id", id);
    const own = row.flag("batch") ? [row] : [];
    return {
      id,
      hash: hex(row.blob("hash")),
      pid: header.pid === null ? null : hex(header.pid),
      from: header.from.text,
      to: header.to.map((address) => address.text),
      add_to: [...own, ...batches].map(batchView),
      time: header.time,
      topic: header.topic ?? "",
      type: mediaTypeText(header.type) ?? "",
      size: header.expandedSize ?? header.size,
      important: header.important,
      no_reply: header.noReply,
      attachments: header.attachments.map(({ filename, type, expandedSize, size }) => ({
        filename,
        type: mediaTypeText(type) ?? "",
        size: expandedSize ?? size,
      })),
      delivery: [row, ...batches].flatMap((message) => this.#deliveries(message)),
    };
  }

  #draftView({ id, fields, batches }: Draft): MessageView {
    const { from, to, start, body, attachments, important, noReply } = fields;
    const parent = "replyTo" in start ? this.#shownRow(start.replyTo) : null;
    return {
      id,
      hash: null,
      pid: parent === null ? null : hex(parent.blob("hash")),
      from,
      to,
      add_to: batches.map((batch) => ({
        batch_id: batch.id,
        hash: null,
        from: batch.from,
        to: batch.to,
        time: null,
      })),
      time: null,
      topic: "topic" in start ? start.topic : "",
      type: body.type,
      size: body.expandedSize ?? body.size,
      important,
      no_reply: noReply,
      attachments: attachments.map(({ filename, type, size, expandedSize }) => ({
        filename,
        type,
        size: expandedSize ?? size,
      })),
      delivery: [],
    };
  }

  #deliveries(message: Row): DeliveryView[] {
    const id = message.integer("id");
    const addresses = recipients(decodeHeader(message.blob("header")));
    const outbound = new Map(
      this.#db.all("SELECT * FROM outbound WHERE message = ?", id)
        .map((row) => [row.text("domain"), row]),
    );
    return this.#db.all("SELECT * FROM recipient WHERE message = ? ORDER BY place", id).flatMap(
      (row) => {
        const address = addresses[row.integer("place")];
        if (address === undefined) return [];
        const delivery = outbound.get(address.domain);
        const pending = row.text("state") === "pending";
        const blocked = delivery?.text("state") === "blocked";
        return {
          address: address.text,
          state: stateOf(row),
          code: pending ? null : row.optional("code", (r, name) => r.integer(name)),
          reason: row.optional("reason", (r, name) => r.text(name)) ??
            (blocked ? WAITS_FOR_PARENT : pending ? lastError(delivery) : null),
          attempts: delivery?.integer("attempts") ?? 0,
          next_attempt: pending && !blocked && delivery !== undefined
            ? delivery.real("next_attempt")
            : null,
        };
      },
    );
  }

  async *#expand(content: number, part: Part, offset: number): AsyncGenerator<Bytes, void> {
    const wire = readWhole(this.#db, content, offset, part.size);
    if (part.expandedSize === null) yield* wire;
    else yield* inflated(wire);
  }

  #userView(row: Row): UserView {
    const key = row.text("key");
    const now = Date.now() / 1000;
    const received = lastDay(this.#db, key, "recv", now);
    const sent = lastDay(this.#db, key, "send", now);
    return {
      address: row.text("address"),
      name: row.text("name"),
      accepting: row.flag("accepting"),
      limits: readLimits(row),
      usage: {
        recv_messages: row.integer("recv_messages"),
        recv_bytes: row.integer("recv_bytes"),
        send_messages: row.integer("send_messages"),
        send_bytes: row.integer("send_bytes"),
        recv_messages_day: received.messages,
        recv_bytes_day: received.bytes,
        send_messages_day: sent.messages,
        send_bytes_day: sent.bytes,
      },
    };
  }
}

const WAITS_FOR_PARENT = "waits until the message that it belongs to is delivered there";

function batchView(row: Row): BatchView {
  const { addTo, from, time } = decodeHeader(row.blob("header"));
  return {
    batch_id: row.integer("id"),
    hash: hex(row.blob("hash")),
    from: (addTo?.from ?? from).text,
    to: addTo?.to.map((address) => address.text) ?? [],
    time,
  };
}

function offsetOf(header: Header, index: number): number {
  return parts(header).slice(0, index).reduce((sum, part) => sum + part.size, 0);
}

function stateOf(row: Row): DeliveryView["state"] {
  const state = row.text("state");
  switch (state) {
    case "local":
    case "pending":
    case "delivered":
    case "failed":
      return state;
    default:
      throw new TypeError(`A recipient has the state ${state}`);
  }
}

function lastError(delivery: Row | undefined): string | null {
  return delivery?.optional("last_error", (row, name) => row.text(name)) ?? null;
}
