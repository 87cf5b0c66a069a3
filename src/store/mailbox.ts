// What people and clients read: messages with their batches and deliveries, lists, threads, content, users, the queue.

import {
  Address,
  type Bytes,
  decodeHeader,
  fold,
  hex,
  mediaTypeText,
  recipients,
} from "../wire/mod.ts";
import { type Database, type Row } from "./database.ts";
import { deliveriesOf, type Delivery, WAITS_FOR_PARENT } from "./deliveries.ts";
import { openForReading } from "./opening.ts";
import { type Draft, draftById, draftOfBatch } from "./drafts.ts";
import { IdentityMailbox } from "./identity_mailbox.ts";
import { batchRows, listedRow, receivedIds, threadOf } from "./listed.ts";
import { partsOfMessage, readPart } from "./stored_part.ts";
import { lastDay, readLimits } from "./users.ts";
import type {
  BatchView,
  DeliveryView,
  MessageView,
  PartName,
  QueueEntry,
  UserView,
} from "./views.ts";

export class Mailbox implements Disposable {
  readonly #db: Database;

  constructor(dataDir: string) {
    this.#db = openForReading(dataDir);
  }

  /** What one identity may see of it all; it reads on this connection. */
  forIdentity(address: Address): IdentityMailbox {
    return new IdentityMailbox(this.#db, address);
  }

  /** The message or draft of that id, or the one under which the batch of that id is listed. */
  message(id: number): MessageView | null {
    return this.#db.snapshot(() => {
      const row = listedRow(this.#db, id);
      if (row !== null) return this.#view(row);
      const draft = draftById(this.#db, id) ?? draftOfBatch(this.#db, id);
      return draft === null ? null : this.#draftView(draft);
    });
  }

  /** What an address received, newest first. */
  received(address: Address, limit: number, offset: number): MessageView[] {
    return this.#views(() => receivedIds(this.#db, address.key, limit, offset));
  }

  /** What an address sent, newest first. */
  sent(address: Address, limit: number, offset: number): MessageView[] {
    return this.#views(() =>
      this.#db.all(
        `SELECT id FROM message WHERE from_key = ? AND sent = 1 AND batch = 0
       ORDER BY id DESC LIMIT ? OFFSET ?`,
        address.key,
        limit,
        offset,
      ).map((row) => row.integer("id"))
    );
  }

  /** The thread of a message as far as it is here: parents before children, each level by time. */
  thread(id: number): MessageView[] {
    return this.#views(() => {
      const start = listedRow(this.#db, id);
      return start === null ? [] : threadOf(this.#db, start);
    });
  }

  /** A part of a message's content, decompressed; null when there is no such message or part. */
  content(id: number, name: PartName): AsyncGenerator<Bytes, void> | null {
    const row = listedRow(this.#db, id);
    if (row === null) return null;
    const part = partsOfMessage(row).find((part) => part.name === name);
    return part === undefined ? null : readPart(this.#db, part);
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

  #views(ids: () => readonly number[]): MessageView[] {
    return this.#db.snapshot(() => ids().flatMap((id) => this.message(id) ?? []));
  }

  #view(row: Row): MessageView {
    const header = decodeHeader(row.blob("header"));
    const id = row.integer("id");
    const batches = batchRows(this.#db, id);
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
      delivery: [row, ...batches].flatMap((message) => deliveriesOf(this.#db, message).map(view)),
    };
  }

  #draftView({ id, fields, batches }: Draft): MessageView {
    const { from, to, start, body, attachments, important, noReply } = fields;
    const parent = "replyTo" in start ? listedRow(this.#db, start.replyTo) : null;
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

function view(delivery: Delivery): DeliveryView {
  const { address, state, code, reason, attempts, nextAttempt } = delivery;
  return {
    address,
    state,
    code: state === "pending" ? null : code,
    reason,
    attempts,
    next_attempt: nextAttempt,
  };
}

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
