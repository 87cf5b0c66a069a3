// A message as FMSG-003 represents it ("Message Representation"), and the schema of that for OpenAPI.

import * as v from "valibot";
import type { ClientBatch, ClientDelivery, ClientMessage, IdentityMailbox } from "../store/mod.ts";
import type { Bytes } from "../wire/mod.ts";
import { ID, named } from "./parameters.ts";
import { hasShortText, textOf } from "./text.ts";
import { rfc3339 } from "./time.ts";

/** `short_text` holds so many bytes at most. */
const PREVIEW_BYTES = 768;

const DELIVERY = named("Delivery", {
  addr: v.string(),
  time_delivered: v.nullable(v.pipe(v.string(), v.isoTimestamp())),
  response_code: v.nullable(ID),
  // Beyond FMSG-003, for those who show why a delivery takes its time.
  state: v.picklist(["unknown", "local", "pending", "delivered", "failed"]),
  reason: v.nullable(v.string()),
  attempts: ID,
  next_attempt: v.nullable(v.pipe(v.string(), v.isoTimestamp())),
});

const BATCH = named("AddToBatch", {
  batch_id: ID,
  add_to_from: v.string(),
  to: v.array(v.string()),
  to_delivery: v.array(DELIVERY),
  time: v.nullable(v.number()),
});

const FIELDS = {
  version: v.literal(1),
  has_pid: v.boolean(),
  has_add_to: v.boolean(),
  important: v.boolean(),
  no_reply: v.boolean(),
  deflate: v.boolean(),
  pid: v.nullable(ID),
  from: v.string(),
  to: v.array(v.string()),
  to_delivery: v.array(DELIVERY),
  add_to: v.array(BATCH),
  time: v.nullable(v.number()),
  topic: v.string(),
  type: v.string(),
  size: ID,
  short_text: v.optional(v.string()),
  read: v.boolean(),
  time_read: v.nullable(v.number()),
  attachments: v.array(
    named("Attachment", { filename: v.string(), size: ID, type: v.string() }),
  ),
};

/** What `GET /fmsg/:id` answers. */
export const MESSAGE = named("Message", FIELDS);

/** An item of a list, or the data of an event. */
export const MESSAGE_ITEM = named("MessageItem", { id: ID, ...FIELDS });

export type MessageJson = v.InferOutput<typeof MESSAGE>;
export type MessageItem = v.InferOutput<typeof MESSAGE_ITEM>;

/** A message as it stands in a list of the identity whose mailbox it is, with its preview. */
export function messageItem(mailbox: IdentityMailbox, message: ClientMessage): MessageItem {
  const [preview = null] = hasShortText(message.type)
    ? mailbox.previews([message], PREVIEW_BYTES)
    : [];
  return { id: message.id, ...messageJson(message, preview) };
}

/** A page of a list: as each by itself, and quicker. */
export function messageItems(
  mailbox: IdentityMailbox,
  messages: readonly ClientMessage[],
): MessageItem[] {
  const texts = messages.filter(({ type }) => hasShortText(type));
  const starts = mailbox.previews(texts, PREVIEW_BYTES);
  const previews = new Map(texts.map((message, i) => [message, starts[i] ?? null]));
  return messages.map((message) => ({
    id: message.id,
    ...messageJson(message, previews.get(message) ?? null),
  }));
}

/** `preview`: the first bytes of the data, null where none is wanted. */
export function messageJson(message: ClientMessage, preview: Bytes | null): MessageJson {
  const shortText = preview === null ? null : textOf(message.type, preview, message.size);
  return {
    version: 1,
    has_pid: message.pid !== null,
    has_add_to: message.addTo.length > 0,
    important: message.important,
    no_reply: message.noReply,
    deflate: message.deflate,
    pid: message.pid,
    from: message.from,
    to: [...message.to],
    to_delivery: message.toDelivery.map(deliveryJson),
    add_to: message.addTo.map(batchJson),
    time: message.time,
    topic: message.topic,
    type: message.type,
    size: message.size,
    ...shortText === null ? {} : { short_text: shortText },
    read: message.readAt !== null,
    time_read: message.readAt,
    attachments: message.attachments.map(({ filename, size, type }) => ({ filename, size, type })),
  };
}

function batchJson(batch: ClientBatch): MessageJson["add_to"][number] {
  return {
    batch_id: batch.batchId,
    add_to_from: batch.from,
    to: [...batch.to],
    to_delivery: batch.toDelivery.map(deliveryJson),
    time: batch.time,
  };
}

function deliveryJson(delivery: ClientDelivery): MessageJson["to_delivery"][number] {
  const { address, deliveredAt, code, state, reason, attempts, nextAttempt } = delivery;
  return {
    addr: address,
    time_delivered: deliveredAt === null ? null : rfc3339(deliveredAt),
    response_code: code,
    state,
    reason,
    attempts,
    next_attempt: nextAttempt === null ? null : rfc3339(nextAttempt),
  };
}
