// What clients send and are answered besides messages (message_schema.ts): the schemas by which the server checks, and their
// types for the client. Valibot alone, see schema.ts.

import * as v from "valibot";
import { MESSAGE_ITEM } from "./message_schema.ts";
import { ADDRESS, ID, named, RECIPIENTS, TIME } from "./schema.ts";

/** Half a character has no UTF-8. */
const TEXT = v.pipe(
  v.string(),
  v.check((text) => text.isWellFormed(), "holds half a character (a lone surrogate)"),
);

/**
 * What POST and PUT take. The author's clients leave `size` out, or count otherwise: it is only looked at. Some send
 * null for what they leave out. `add_to` is not read, whatever it is.
 */
export const DRAFT = named("Draft", {
  version: v.literal(1),
  from: ADDRESS,
  to: RECIPIENTS,
  pid: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(1))),
  topic: v.nullish(v.pipe(TEXT, v.maxBytes(255, "is longer than 255 bytes"))),
  type: v.pipe(v.string(), v.maxLength(255, "is longer than 255 characters")),
  size: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0))),
  important: v.nullish(v.boolean()),
  no_reply: v.nullish(v.boolean()),
  data: v.nullish(TEXT),
});

export type DraftBody = v.InferOutput<typeof DRAFT>;

/** A draft was made or replaced. */
export const DRAFTED = named("MessageId", { id: ID });
export type Drafted = v.InferOutput<typeof DRAFTED>;

export const SENT = named("Sent", { id: ID, time: TIME });
export type Sent = v.InferOutput<typeof SENT>;

export const READ = named("Read", { id: ID, time_read: TIME });
export type Read = v.InferOutput<typeof READ>;

/** What `add-to` takes. */
export const ADDING = named("Recipients", { add_to: RECIPIENTS });
export type Adding = v.InferOutput<typeof ADDING>;

export const ADDED = named("Added", { id: ID, added: ID });
export type Added = v.InferOutput<typeof ADDED>;

export const UPLOADED = named("Uploaded", { filename: v.string(), size: ID });
export type Uploaded = v.InferOutput<typeof UPLOADED>;

const HEADER = {
  /** SHA-256 of the header and the content, in hex: what an answer names as its parent. */
  hash: v.string(),
  /** SHA-256 of the header alone, in hex. */
  header_hash: v.string(),
  /** The exact bytes as they were transmitted, in base64. */
  header: v.pipe(v.string(), v.base64()),
};

/** Of a message, and of each batch of recipients that were added to it, the oldest first. */
export const MESSAGE_HEADER = named("MessageHeader", {
  ...HEADER,
  batches: v.array(named("BatchHeader", { batch_id: ID, ...HEADER })),
});
export type MessageHeader = v.InferOutput<typeof MESSAGE_HEADER>;

export const LOOKUP = named("Lookup", {
  address: v.string(),
  /** Is it of this host's domain? */
  local: v.boolean(),
  /** Is there such a user here, accepting or not? null: it is another host's to know. */
  known: v.nullable(v.boolean()),
  /** Of its domain. "unknown": name servers do not tell now, or what they tell is not to be believed. */
  host: v.picklist(["found", "not found", "unknown"]),
});
export type Lookup = v.InferOutput<typeof LOOKUP>;

/** What `POST /session` takes: the token of a sign-in link. */
export const SIGN_IN = named("SignIn", { token: v.pipe(v.string(), v.maxLength(256)) });
export type SignIn = v.InferOutput<typeof SIGN_IN>;

export const SIGNED_IN = named("SignedIn", { address: v.string() });
export type SignedIn = v.InferOutput<typeof SIGNED_IN>;

const BROWSER = named("BrowserSession", {
  id: v.string(),
  /** What the browser calls itself. */
  agent: v.string(),
  created: TIME,
  used: TIME,
  /** Is it the one that asks? */
  current: v.boolean(),
});

/** What `GET /session` answers. */
export const SESSION = named("Session", {
  address: v.string(),
  name: v.string(),
  /** Of the session that asks. */
  id: v.string(),
  domain: v.string(),
  /** null: this host sends no Web Push. */
  vapid_public_key: v.nullable(v.string()),
  /** By their names in fmsg.yaml; bytes, and uploads at once. */
  limits: v.object({ max_size: ID, max_expanded_size: ID, uploads: ID }),
  sessions: v.array(BROWSER),
});
export type Session = v.InferOutput<typeof SESSION>;

/** What a request that is refused is answered with (FMSG-003 "Errors"). */
export const ERROR = named("Error", {
  error: v.pipe(v.string(), v.description("For people; not stable")),
  code: v.optional(v.pipe(v.string(), v.description("Of routes beyond FMSG-003 alone"))),
});
export type ErrorJson = v.InferOutput<typeof ERROR>;

/** A frame of the WebSocket (FMSG-003 "Frames and Events"). */
export const EVENT = v.pipe(
  v.object({
    type: v.picklist(["new_msg", "delivered", "recipients_added"]),
    data: MESSAGE_ITEM,
  }),
  v.title("Event"),
  v.description("A text frame of the WebSocket; other types may come, and are to be ignored"),
);
export type EventJson = v.InferOutput<typeof EVENT>;

const ENDPOINT = v.pipe(v.string(), v.maxBytes(2048, "is longer than 2048 bytes"));

/** What `POST /fmsg/push/subscribe` takes: a browser's `PushSubscription.toJSON()`. The keys are base64url. */
export const PUSH_SUBSCRIPTION = named("PushSubscription", {
  endpoint: ENDPOINT,
  expirationTime: v.nullish(v.number()),
  keys: v.object({
    p256dh: v.pipe(v.string(), v.maxLength(128)),
    auth: v.pipe(v.string(), v.maxLength(64)),
  }),
});
export type PushSubscriptionBody = v.InferOutput<typeof PUSH_SUBSCRIPTION>;

/** What `DELETE /fmsg/push/subscribe` takes. */
export const PUSH_ENDPOINT = named("PushEndpoint", { endpoint: ENDPOINT });
export type PushEndpointBody = v.InferOutput<typeof PUSH_ENDPOINT>;

/** The `applicationServerKey` of a subscription, in base64url. */
export const PUSH_KEY = named("PushKey", { key: v.string() });
export type PushKey = v.InferOutput<typeof PUSH_KEY>;

/** What a service worker finds in a push (FMSG-003 "Push Payload"). */
export const PUSH_PAYLOAD = named("PushPayload", {
  /** The sender's address. */
  title: v.string(),
  body: v.string(),
  /** The id of the message that the thread begins with, as the recipient sees it. */
  threadId: ID,
  url: v.string(),
  tag: v.string(),
  icon: v.string(),
});
export type PushPayload = v.InferOutput<typeof PUSH_PAYLOAD>;
