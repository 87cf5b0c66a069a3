// Makes the representation of a message that FMSG-003 has ("Message Representation") out of what the store knows.

import type { ClientBatch, ClientDelivery, ClientMessage, IdentityMailbox } from "../store/mod.ts";
import type { Bytes } from "../wire/mod.ts";
import type { BatchJson, DeliveryJson, MessageItem, MessageJson } from "./message_schema.ts";
import { hasShortText, textOf } from "./text.ts";
import { rfc3339 } from "./time.ts";

/** `short_text` holds so many bytes at most. */
const PREVIEW_BYTES = 768;

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

function batchJson(batch: ClientBatch): BatchJson {
  return {
    batch_id: batch.batchId,
    add_to_from: batch.from,
    to: [...batch.to],
    to_delivery: batch.toDelivery.map(deliveryJson),
    time: batch.time,
  };
}

function deliveryJson(delivery: ClientDelivery): DeliveryJson {
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
