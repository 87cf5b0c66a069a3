// What fmsg-cli decodes answers into: Go takes no number with a fraction as an int, and no text as a number.

import * as v from "valibot";

const INT = v.pipe(v.number(), v.integer());
const FLOAT = v.number();

const DELIVERY = v.looseObject({
  addr: v.string(),
  time_delivered: v.nullable(v.string()),
  response_code: v.nullable(INT),
});

const ITEM = {
  version: INT,
  has_pid: v.boolean(),
  has_add_to: v.boolean(),
  important: v.boolean(),
  no_reply: v.boolean(),
  deflate: v.boolean(),
  pid: v.nullable(INT),
  from: v.string(),
  to: v.array(v.string()),
  to_delivery: v.array(DELIVERY),
  add_to: v.array(v.looseObject({
    batch_id: INT,
    add_to_from: v.string(),
    to: v.array(v.string()),
    to_delivery: v.array(DELIVERY),
    time: FLOAT,
  })),
  time: v.nullable(FLOAT),
  topic: v.string(),
  type: v.string(),
  size: INT,
  read: v.boolean(),
  time_read: v.nullable(FLOAT),
  attachments: v.array(v.looseObject({ filename: v.string(), size: INT })),
};

export const LIST_ITEM = v.looseObject({ id: INT, ...ITEM });
export const LIST = v.array(LIST_ITEM);
export const MESSAGE = v.looseObject({ ...ITEM, short_text: v.optional(v.string()) });
export const CREATED = v.looseObject({ id: INT });
export const SENT = v.looseObject({ id: INT, time: FLOAT });
export const ADDED = v.looseObject({ id: INT, added: INT });
export const ATTACHED = v.looseObject({ filename: v.string(), size: INT });
export const EVENT = v.looseObject({ type: v.string(), data: LIST_ITEM });

export const TOKEN = v.looseObject({
  access_token: v.string(),
  token_type: v.literal("Bearer"),
  expires_in: INT,
  // As `time.Time` reads it; the clients in Python want no fraction of another length than 3 or 6.
  expires_at: v.pipe(v.string(), v.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)),
});

export const GRANT = v.looseObject({
  agent: v.string(),
  addr: v.string(),
  grant_type: v.string(),
  display_name: v.optional(v.string()),
  key_id: v.optional(v.string()),
  allowed_cidrs: v.optional(v.array(v.string())),
  key_expires_at: v.string(),
  api_key: v.optional(v.string()),
});

export const GRANTS = v.looseObject({ max_sub_accounts: INT, sub_accounts: v.array(GRANT) });
