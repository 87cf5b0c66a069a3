// Messages as the interface answers them, for the tests of the page.

import type { BatchJson, DeliveryJson, MessageItem } from "../../src/api/message_schema.ts";

export const ME = "@me@a.test";

export function item(id: number, fields: Partial<MessageItem> = {}): MessageItem {
  const { to = [ME], from = "@bob@b.test", pid = null, time = 1000 + id, add_to = [] } = fields;
  return {
    id,
    version: 1,
    has_pid: pid !== null,
    has_add_to: add_to.length > 0,
    important: false,
    no_reply: false,
    deflate: false,
    pid,
    from,
    to,
    to_delivery: to.map((addr) => delivery(addr)),
    add_to,
    time,
    topic: pid === null ? `topic ${id}` : "",
    type: "text/plain;charset=UTF-8",
    size: 5,
    short_text: "hello",
    read: false,
    time_read: null,
    attachments: [],
    ...fields,
  };
}

export function delivery(addr: string, fields: Partial<DeliveryJson> = {}): DeliveryJson {
  return {
    addr,
    time_delivered: null,
    response_code: null,
    state: "unknown",
    reason: null,
    attempts: 0,
    next_attempt: null,
    ...fields,
  };
}

/** Of people whom `from` added. */
export function batch(from: string, deliveries: DeliveryJson[], id = 1): BatchJson {
  return {
    batch_id: id,
    add_to_from: from,
    to: deliveries.map(({ addr }) => addr),
    to_delivery: deliveries,
    time: 2000,
  };
}
