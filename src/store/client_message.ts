// Makes what one identity sees of a message out of its rows.

import { type Address, decodeHeader, type Header, hex, mediaTypeText } from "../wire/mod.ts";
import type { ClientBatch, ClientDelivery, ClientMessage } from "./client_views.ts";
import type { Database, Row } from "./database.ts";
import { deliveriesOf, type Delivery } from "./deliveries.ts";
import type { Draft } from "./drafts.ts";
import { listedRow, newestBatchRows, parentId } from "./listed.ts";

/** Batches on one message that a client is told of. */
const MOST_BATCHES = 100;

/** Addresses in them, unless a single batch has more. */
const MOST_ADDED = 1000;

/** What an identity has of a message. */
export interface Holding {
  /** As a recipient who took it. */
  readonly received: boolean;
  /** When it first read it; POSIX seconds. */
  readonly readAt: number | null;
}

/** A message row that is listed, as `who` sees it. */
export function clientMessage(
  db: Database,
  row: Row,
  who: Address,
  { received, readAt }: Holding,
): ClientMessage {
  const header = decodeHeader(row.blob("header"));
  const id = row.integer("id");
  const own = withDeliveries(db, row, header);
  const batches = newestBatches(db, id);
  const isSender = header.from.key === who.key;
  return {
    id,
    pid: parentId(db, row),
    from: header.from.text,
    to: header.to.map((address) => address.text),
    toDelivery: header.to.map((address, place) =>
      clientDelivery(address.text, toldLast([own, ...batches], place))
    ),
    addTo: (row.flag("batch") ? [own, ...batches] : batches).map(clientBatch),
    time: header.time,
    topic: header.topic ?? "",
    type: mediaTypeText(header.type) ?? "",
    size: header.expandedSize ?? header.size,
    deflate: header.expandedSize !== null,
    important: header.important,
    noReply: header.noReply,
    readAt,
    attachments: header.attachments.map(({ filename, type, size, expandedSize }) => ({
      filename,
      type: mediaTypeText(type) ?? "",
      size: expandedSize ?? size,
    })),
    hash: hex(row.blob("hash")),
    isDraft: false,
    isSender,
    isRecipient: received,
    mayAdd: isSender || header.to.some((address) => address.key === who.key),
  };
}

/** A draft, as its sender sees it. */
export function clientDraft(db: Database, { id, fields, batches }: Draft): ClientMessage {
  const { from, to, start, body, attachments, important, noReply } = fields;
  return {
    id,
    // As it was given, should that message be gone: sending tells of it then.
    pid: "replyTo" in start ? listedRow(db, start.replyTo)?.integer("id") ?? start.replyTo : null,
    from,
    to,
    toDelivery: to.map((address) => clientDelivery(address, null)),
    addTo: batches.map((batch) => ({
      batchId: batch.id,
      from: batch.from,
      to: batch.to,
      toDelivery: batch.to.map((address) => clientDelivery(address, null)),
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
  const newest: Delivered[] = [];
  let addresses = 0;
  for (const row of newestBatchRows(db, listed, MOST_BATCHES)) {
    const header = decodeHeader(row.blob("header"));
    addresses += header.addTo?.to.length ?? 0;
    if (newest.length > 0 && addresses > MOST_ADDED) break;
    newest.unshift(withDeliveries(db, row, header));
  }
  return newest;
}

/** A message or batch with what became of its recipients, by their places. */
interface Delivered {
  readonly id: number;
  readonly header: Header;
  readonly deliveries: ReadonlyMap<number, Delivery>;
}

function withDeliveries(db: Database, row: Row, header: Header): Delivered {
  const deliveries = deliveriesOf(db, row, header);
  return {
    id: row.integer("id"),
    header,
    deliveries: new Map(deliveries.map((delivery) => [delivery.place, delivery])),
  };
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

function clientBatch({ id, header, deliveries }: Delivered): ClientBatch {
  const { from, addTo, time, to } = header;
  const added = addTo?.to ?? [];
  return {
    batchId: id,
    from: (addTo?.from ?? from).text,
    to: added.map((address) => address.text),
    toDelivery: added.map((address, i) =>
      clientDelivery(address.text, deliveries.get(to.length + i) ?? null)
    ),
    time,
  };
}

function clientDelivery(address: string, delivery: Delivery | null): ClientDelivery {
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
    reason,
    attempts,
    nextAttempt,
  };
}
