// Makes what one identity sees of a message out of its rows.

import { type Address, decodeHeader, type Header, hex, mediaTypeText } from "../wire/mod.ts";
import type { ClientBatch, ClientDelivery, ClientMessage } from "./client_views.ts";
import type { Database, Row } from "./database.ts";
import { deliveriesOfAll, type Delivery } from "./deliveries.ts";
import type { Draft } from "./drafts.ts";
import { listedRow, newestBatchRows } from "./listed.ts";
import { partsOfDraft, partsOfMessage, type StoredPart } from "./stored_part.ts";

/** Batches on one message that a client is told of. */
const MOST_BATCHES = 100;

/** Addresses in them, unless a single batch has more. */
const MOST_ADDED = 1000;

/** A message as it is seen, and where its data is. */
export interface Seen {
  readonly message: ClientMessage;
  readonly data: StoredPart | null;
}

/** These rows of `seenRows`, as `who` sees them. */
export function seenMessages(db: Database, rows: readonly Row[], who: Address): Seen[] {
  const messages = withDeliveries(db, rows);
  return rows.flatMap((row, i) => {
    const own = messages[i];
    if (own === undefined) return [];
    const [data = null] = partsOfMessage(row, own.header);
    return { message: clientMessage(db, row, own, who), data };
  });
}

/** A draft, as its sender sees it. */
export function seenDraft(db: Database, draft: Draft): Seen {
  const [data = null] = partsOfDraft(draft);
  return { message: clientDraft(db, draft), data };
}

function clientMessage(db: Database, row: Row, own: Delivered, who: Address): ClientMessage {
  const { id, header } = own;
  const batches = row.flag("batched") ? newestBatches(db, id) : [];
  const all = [own, ...batches];
  const isSender = header.from.key === who.key;
  return {
    id,
    pid: row.optional("parent", (r, name) => r.integer(name)),
    from: header.from.text,
    to: header.to.map((address) => address.text),
    toDelivery: header.to.map((address, place) =>
      clientDelivery(address.text, toldLast(all, place), isSender)
    ),
    addTo: (row.flag("batch") ? all : batches).map((batch) => clientBatch(batch, who)),
    time: header.time,
    topic: header.topic ?? "",
    type: mediaTypeText(header.type) ?? "",
    size: header.expandedSize ?? header.size,
    deflate: header.expandedSize !== null,
    important: header.important,
    noReply: header.noReply,
    readAt: row.optional("read_at", (r, name) => r.real(name)),
    attachments: header.attachments.map(({ filename, type, size, expandedSize }) => ({
      filename,
      type: mediaTypeText(type) ?? "",
      size: expandedSize ?? size,
    })),
    hash: hex(row.blob("hash")),
    isDraft: false,
    isSender,
    isRecipient: row.flag("received"),
    mayAdd: isSender || header.to.some((address) => address.key === who.key),
  };
}

function clientDraft(db: Database, { id, fields, batches }: Draft): ClientMessage {
  const { from, to, start, body, attachments, important, noReply } = fields;
  return {
    id,
    // As it was given, should that message be gone: sending tells of it then.
    pid: "replyTo" in start ? listedRow(db, start.replyTo)?.integer("id") ?? start.replyTo : null,
    from,
    to,
    toDelivery: to.map((address) => clientDelivery(address, null, true)),
    addTo: batches.map((batch) => ({
      batchId: batch.id,
      from: batch.from,
      to: batch.to,
      toDelivery: batch.to.map((address) => clientDelivery(address, null, true)),
      time: null,
    })),
    time: null,
    topic: "topic" in start ? start.topic : "",
    type: body.type,
    size: body.expandedSize ?? body.size,
    deflate: body.expandedSize !== null,
    important,
    noReply,
    readAt: null,
    attachments: attachments.map(({ filename, type, size, expandedSize }) => ({
      filename,
      type,
      size: expandedSize ?? size,
    })),
    hash: null,
    isDraft: true,
    isSender: true,
    isRecipient: false,
    mayAdd: true,
  };
}

/**
 * Of the batches on a message the newest, the oldest of those first. Strangers may add to a message as often as they
 * like, to all of it in a list of a hundred messages there would be no end.
 */
function newestBatches(db: Database, listed: number): Delivered[] {
  const newest: Row[] = [];
  let addresses = 0;
  for (const row of newestBatchRows(db, listed, MOST_BATCHES)) {
    addresses += decodeHeader(row.blob("header")).addTo?.to.length ?? 0;
    if (newest.length > 0 && addresses > MOST_ADDED) break;
    newest.unshift(row);
  }
  return withDeliveries(db, newest);
}

/** A message or batch with what became of its recipients, by their places. */
interface Delivered {
  readonly id: number;
  readonly header: Header;
  readonly deliveries: ReadonlyMap<number, Delivery>;
}

function withDeliveries(db: Database, rows: readonly Row[]): Delivered[] {
  const messages = rows.map((row) => ({
    id: row.integer("id"),
    header: decodeHeader(row.blob("header")),
  }));
  const deliveries = deliveriesOfAll(db, messages);
  return messages.map(({ id, header }) => ({
    id,
    header,
    deliveries: new Map(deliveries.get(id)?.map((delivery) => [delivery.place, delivery])),
  }));
}

/**
 * What is known last of a recipient in _to_. Who did not take the message may have it by a batch that was sent there
 * later, which has their place too.
 */
function toldLast(
  [own, ...batches]: readonly Delivered[],
  place: number,
): Delivery | null {
  const first = own?.deliveries.get(place) ?? null;
  if (first !== null && first.state !== "failed") return first;
  const later = batches.flatMap(({ deliveries }) => deliveries.get(place) ?? []);
  return later.findLast(({ state }) => state === "local" || state === "delivered") ??
    first ?? later.at(-1) ?? null;
}

function clientBatch({ id, header, deliveries }: Delivered, who: Address): ClientBatch {
  const { addTo, time, to } = header;
  const from = addTo?.from ?? header.from;
  const added = addTo?.to ?? [];
  return {
    batchId: id,
    from: from.text,
    to: added.map((address) => address.text),
    toDelivery: added.map((address, i) =>
      clientDelivery(address.text, deliveries.get(to.length + i) ?? null, from.key === who.key)
    ),
    time,
  };
}

/** How a delivery goes is the matter of who sends; others see, as FMSG-003 has it, whether it arrived, and the code. */
function clientDelivery(
  address: string,
  delivery: Delivery | null,
  isSender: boolean,
): ClientDelivery {
  if (delivery === null) {
    return {
      address,
      state: "unknown",
      deliveredAt: null,
      code: null,
      reason: null,
      attempts: 0,
      nextAttempt: null,
    };
  }
  const { state, code, reason, at, attempts, nextAttempt } = delivery;
  const delivered = state === "local" || state === "delivered";
  return {
    address,
    state,
    deliveredAt: delivered ? at : null,
    // FMSG-003 'Delivery Objects': null once delivered, and that of a failed attempt before.
    code: delivered ? null : code,
    reason: isSender ? reason : null,
    attempts: isSender ? attempts : 0,
    nextAttempt: isSender ? nextAttempt : null,
  };
}
