// A message as FMSG-003 represents it ("Message Representation"): what the server answers, and what its clients read.

import * as v from "valibot";
import { ID, named } from "./schema.ts";

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

const ATTACHMENT = named("Attachment", { filename: v.string(), size: ID, type: v.string() });

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
  attachments: v.array(ATTACHMENT),
};

/** What `GET /fmsg/:id` answers. */
export const MESSAGE = named("Message", FIELDS);

/** An item of a list, or the data of an event. */
export const MESSAGE_ITEM = named("MessageItem", { id: ID, ...FIELDS });

export type MessageJson = v.InferOutput<typeof MESSAGE>;
export type MessageItem = v.InferOutput<typeof MESSAGE_ITEM>;
export type DeliveryJson = v.InferOutput<typeof DELIVERY>;
export type BatchJson = v.InferOutput<typeof BATCH>;
export type AttachmentJson = v.InferOutput<typeof ATTACHMENT>;
