// Messages as they stand in a list, for notifications of them.

import type { MessageItem } from "../../../src/api/message_schema.ts";

/** A text without a topic, and whatever else is said of it. */
export function item(changes: Partial<MessageItem> = {}): MessageItem {
  return {
    id: 7,
    version: 1,
    has_pid: false,
    has_add_to: false,
    important: false,
    no_reply: false,
    deflate: false,
    pid: null,
    from: "@sender@far.example",
    to: ["@bob@here.example"],
    to_delivery: [],
    add_to: [],
    time: 1,
    topic: "",
    type: "text/plain",
    size: 5,
    read: false,
    time_read: null,
    attachments: [],
    ...changes,
  };
}
