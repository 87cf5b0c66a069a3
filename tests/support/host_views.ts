// What the program prints with --json, as tests rely on it. More may be printed than stands here.

import * as v from "valibot";

const SHA_256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const ID = v.pipe(v.number(), v.integer(), v.minValue(1));
const COUNT = v.pipe(v.number(), v.integer(), v.minValue(0));

const DELIVERY = v.object({
  address: v.string(),
  state: v.picklist(["local", "pending", "delivered", "failed"]),
  code: v.nullable(COUNT),
  reason: v.nullable(v.string()),
  attempts: COUNT,
  next_attempt: v.nullable(v.number()),
});

export const SENT = v.object({
  id: ID,
  hash: SHA_256,
  delivery: v.optional(v.array(DELIVERY)),
});

export const ADDED = v.object({ id: ID, batch_id: ID, hash: SHA_256 });

export const SHOWN = v.object({
  id: ID,
  hash: v.nullable(SHA_256),
  pid: v.nullable(SHA_256),
  from: v.string(),
  to: v.array(v.string()),
  add_to: v.array(v.object({
    batch_id: ID,
    hash: v.nullable(SHA_256),
    from: v.string(),
    to: v.array(v.string()),
    time: v.nullable(v.number()),
  })),
  time: v.nullable(v.number()),
  topic: v.string(),
  type: v.string(),
  size: COUNT,
  important: v.boolean(),
  no_reply: v.boolean(),
  attachments: v.array(v.object({ filename: v.string(), type: v.string(), size: COUNT })),
  delivery: v.array(DELIVERY),
});

export const QUEUED = v.object({
  id: ID,
  batch_id: v.nullable(ID),
  domain: v.string(),
  recipients: v.array(v.string()),
  attempts: COUNT,
  next_attempt: v.nullable(v.number()),
  last_error: v.nullable(v.string()),
});

const NUMBERS = v.record(v.string(), v.nullable(v.number()));

export const USER = v.object({
  address: v.string(),
  name: v.string(),
  accepting: v.boolean(),
  limits: NUMBERS,
  usage: NUMBERS,
});

export const TOKEN = v.object({ token: v.string(), address: v.string(), issuer: v.string() });

export type SentView = v.InferOutput<typeof SENT>;
export type AddedView = v.InferOutput<typeof ADDED>;
export type ShownView = v.InferOutput<typeof SHOWN>;
export type DeliveryView = v.InferOutput<typeof DELIVERY>;
export type QueuedView = v.InferOutput<typeof QUEUED>;
export type UserView = v.InferOutput<typeof USER>;

/** `printed` as `schema` has it; throws an Error that says where it differs. */
export function view<Schema extends v.GenericSchema>(
  schema: Schema,
  printed: unknown,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, printed);
  if (result.success) return result.output;
  const problems = result.issues.map((issue) => `${v.getDotPath(issue) ?? "it"}: ${issue.message}`);
  throw new Error(`Not what is promised: ${problems.join("; ")}; in ${JSON.stringify(printed)}`);
}
