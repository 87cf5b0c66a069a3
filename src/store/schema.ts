// The tables, and the steps from each version of the schema to the next.

/** A step, and the first program that knows it. */
export interface Step {
  readonly since: string;
  readonly sql: string;
}

/**
 * Step n brings a store from version n to n + 1 (`user_version`); a new store takes them all. A released step is never
 * changed: stores that took it exist.
 */
export const MIGRATIONS: readonly Step[] = [
  {
    since: "0.1.0",
    sql: `
CREATE TABLE user (
  key TEXT PRIMARY KEY,                  -- the folded address
  address TEXT NOT NULL,
  name TEXT NOT NULL,
  accepting INTEGER NOT NULL,
  limits TEXT NOT NULL,                  -- JSON: the limits that were set for this user
  recv_messages INTEGER NOT NULL DEFAULT 0,
  recv_bytes INTEGER NOT NULL DEFAULT 0,
  send_messages INTEGER NOT NULL DEFAULT 0,
  send_bytes INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- What the limits "a day" are counted from: the last 24 hours by the minute.
CREATE TABLE usage (
  key TEXT NOT NULL,
  minute INTEGER NOT NULL,
  recv_messages INTEGER NOT NULL DEFAULT 0,
  recv_bytes INTEGER NOT NULL DEFAULT 0,
  send_messages INTEGER NOT NULL DEFAULT 0,
  send_bytes INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (key, minute)
) STRICT, WITHOUT ROWID;

-- Content as it went over the wire: the data and then each attachment, compressed parts compressed.
CREATE TABLE content (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  staged INTEGER NOT NULL                -- 1 until a message adopts it; swept at start
) STRICT;

CREATE INDEX content_staged ON content (id) WHERE staged = 1;

-- 64 KiB each but for the last; id is content.id * 2^20 + the chunk's number, so no index is needed.
CREATE TABLE chunk (
  id INTEGER PRIMARY KEY,
  bytes BLOB NOT NULL
) STRICT;

-- Messages, and batches of added recipients, which on the wire are messages too.
CREATE TABLE message (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  hash BLOB NOT NULL UNIQUE,
  header BLOB NOT NULL,                  -- the exact bytes as transmitted
  header_hash BLOB NOT NULL,
  pid BLOB,                              -- the parent's or original's hash
  batch INTEGER NOT NULL,                -- 1: the header has add to
  original INTEGER REFERENCES message (id),  -- of a batch, when the original is here
  content INTEGER NOT NULL,              -- content.id; a batch uses its original's
  sent INTEGER NOT NULL,                 -- 1: sent from here, and the sender still has it
  from_key TEXT NOT NULL,                -- the sender: from, or add to from
  time REAL NOT NULL,
  participated INTEGER NOT NULL          -- 1: from this domain, or a message up the thread is
) STRICT;

CREATE INDEX message_pid ON message (pid) WHERE pid IS NOT NULL;
CREATE INDEX message_batch ON message (header_hash) WHERE batch = 1;
CREATE INDEX message_sent ON message (from_key, id) WHERE sent = 1;
CREATE INDEX message_age ON message (from_key, time) WHERE sent = 1;
CREATE INDEX message_time ON message (time) WHERE sent = 1;
CREATE INDEX message_original ON message (original) WHERE original IS NOT NULL;

-- Messages that are not sent yet, and batches to add to them. They keep their ids, which are of the messages' sequence.
CREATE TABLE draft (
  id INTEGER PRIMARY KEY,
  from_key TEXT NOT NULL,
  fields TEXT NOT NULL,                  -- JSON
  content INTEGER NOT NULL
) STRICT;

CREATE INDEX draft_from ON draft (from_key, id);

CREATE TABLE draft_batch (
  id INTEGER PRIMARY KEY,
  draft INTEGER NOT NULL REFERENCES draft (id) ON DELETE CASCADE,
  fields TEXT NOT NULL                   -- JSON
) STRICT;

CREATE INDEX draft_batch_draft ON draft_batch (draft);

-- Those recipients that this host has to do with: its own users, and of what it sent, everybody.
CREATE TABLE recipient (
  message INTEGER NOT NULL REFERENCES message (id) ON DELETE CASCADE,
  place INTEGER NOT NULL,                -- in the header's to, then add to
  key TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('local', 'pending', 'delivered', 'failed')),
  code INTEGER,
  reason TEXT,
  at REAL,                               -- when it got its state
  shown INTEGER,                         -- for one who has it: the message under which it is listed;
                                         -- NULL when local: it was taken, and deleted since
  PRIMARY KEY (message, place)
) STRICT, WITHOUT ROWID;

CREATE INDEX recipient_shown ON recipient (key, shown) WHERE shown IS NOT NULL;
CREATE INDEX recipient_age ON recipient (key, at) WHERE shown IS NOT NULL;

-- Who here had taken a message that is gone: should it arrive again, they do not get it again.
CREATE TABLE deleted (
  hash BLOB NOT NULL,
  key TEXT NOT NULL,
  pid BLOB,                              -- of a batch that was linked to its original: the original's hash
  time REAL NOT NULL,                    -- the message's
  PRIMARY KEY (hash, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX deleted_pid ON deleted (pid) WHERE pid IS NOT NULL;
CREATE INDEX deleted_time ON deleted (time);

-- One row for each message and remote domain it goes to.
CREATE TABLE outbound (
  message INTEGER NOT NULL REFERENCES message (id) ON DELETE CASCADE,
  domain TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('blocked', 'waiting', 'done', 'failed', 'cancelled')),
  attempts INTEGER NOT NULL DEFAULT 0,
  next_attempt REAL NOT NULL,
  expires REAL NOT NULL,
  last_error TEXT,
  PRIMARY KEY (message, domain)
) STRICT, WITHOUT ROWID;

CREATE INDEX outbound_due ON outbound (domain, next_attempt, message) WHERE state = 'waiting';
CREATE INDEX outbound_open ON outbound (message) WHERE state IN ('blocked', 'waiting');
`,
  },
  {
    since: "0.2.0",
    sql: `
-- Of a draft: the data at place 0, then each attachment, each a content of its own until the draft is sent.
CREATE TABLE draft_part (
  draft INTEGER NOT NULL REFERENCES draft (id) ON DELETE CASCADE,
  place INTEGER NOT NULL,
  content INTEGER NOT NULL,
  PRIMARY KEY (draft, place)
) STRICT, WITHOUT ROWID;

-- Nothing but the tests of 0.1.0 made drafts, and those have no attachments.
INSERT INTO draft_part (draft, place, content) SELECT id, 0, content FROM draft;
ALTER TABLE draft DROP COLUMN content;

-- Bytes that a draft takes: its parts as they are stored, what it says, and the batches that wait with it.
ALTER TABLE draft ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
UPDATE draft SET bytes = octet_length(fields) + json_extract(fields, '$.body.size') + coalesce(
  (SELECT sum(octet_length(b.fields)) FROM draft_batch b WHERE b.draft = draft.id), 0);

-- A content without chunks of its own: contents one after the other, as the parts of a draft that was sent.
CREATE TABLE piece (
  content INTEGER NOT NULL REFERENCES content (id),
  place INTEGER NOT NULL,
  part INTEGER NOT NULL UNIQUE REFERENCES content (id),
  start INTEGER NOT NULL,                -- the bytes before it
  PRIMARY KEY (content, place)
) STRICT, WITHOUT ROWID;

-- What somebody sent is listed without its batches.
DROP INDEX message_sent;
CREATE INDEX message_sent ON message (from_key, batch, id) WHERE sent = 1;

-- When a recipient first read what is listed as this message.
CREATE TABLE read_mark (
  message INTEGER NOT NULL REFERENCES message (id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  at REAL NOT NULL,
  PRIMARY KEY (message, key)
) STRICT, WITHOUT ROWID;

-- Of a sub-account that a grant registered: the folded address of the owner.
ALTER TABLE user ADD COLUMN registered_for TEXT REFERENCES user (key) ON DELETE SET NULL;
CREATE INDEX user_registered ON user (registered_for) WHERE registered_for IS NOT NULL;

-- When somebody got this address: tokens from before are another person's.
ALTER TABLE user ADD COLUMN created REAL NOT NULL DEFAULT 0;

-- Who may act as an address through FMSG-003: its API-access grants, each with its current key. With a user they go:
-- who gets the address later is another person.
CREATE TABLE api_grant (
  owner_key TEXT NOT NULL REFERENCES user (key) ON DELETE CASCADE,
  agent_key TEXT NOT NULL,               -- folded
  agent TEXT NOT NULL,
  address_key TEXT NOT NULL REFERENCES user (key) ON DELETE CASCADE,
  type TEXT NOT NULL CHECK (type IN ('derived_sub_account', 'delegated_identity')),
  key_id TEXT NOT NULL UNIQUE,
  key_hash BLOB NOT NULL,                -- SHA-256 of the whole key
  cidrs TEXT NOT NULL,                   -- JSON
  expires REAL NOT NULL,
  created REAL NOT NULL,
  PRIMARY KEY (owner_key, agent_key)
) STRICT, WITHOUT ROWID;

CREATE INDEX api_grant_address ON api_grant (address_key);

-- Keys that the host signs tokens with: the newest, and earlier ones until what they signed has expired.
CREATE TABLE signing_key (
  kid TEXT PRIMARY KEY,
  jwk TEXT NOT NULL,                     -- JSON, with the private part
  created REAL NOT NULL,
  retired REAL                           -- until when it verifies; NULL: the one that signs
) STRICT, WITHOUT ROWID;

-- What is searched: a row for each message that is listed, by its id. Of who, one word for each who has it. All texts are
-- words already, between spaces: the tokenizer takes anything beyond ASCII as a part of a word.
CREATE VIRTUAL TABLE search USING fts5 (
  who, sender, recipients, topic, names, body,
  content = '', contentless_delete = 1, tokenize = 'ascii'
);

-- Pieces that are joined on demand may be two.
INSERT INTO search (search, rank) VALUES ('usermerge', 2);

-- What is left to do for the index.
CREATE TABLE search_left (
  below INTEGER NOT NULL,                -- messages below this id are not in there yet: those of an earlier program
  gone INTEGER NOT NULL,                 -- 1: words are in there of messages that were deleted since it was cleaned
  cleaning INTEGER NOT NULL              -- pieces of it that are still to be written anew, without such words
) STRICT;
INSERT INTO search_left (below, gone, cleaning) SELECT coalesce(max(id) + 1, 0), 0, 0 FROM message;
`,
  },
  {
    since: "0.3.0",
    sql: `
-- Links that sign a browser in, once each; with a user they go, as everything below.
CREATE TABLE sign_in_link (
  hash BLOB PRIMARY KEY,                 -- SHA-256 of the token
  address_key TEXT NOT NULL REFERENCES user (key) ON DELETE CASCADE,
  created REAL NOT NULL,
  expires REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sign_in_link_address ON sign_in_link (address_key, created);

-- Browsers that are signed in.
CREATE TABLE session (
  id TEXT PRIMARY KEY,
  hash BLOB NOT NULL,                    -- SHA-256 of the whole cookie
  address_key TEXT NOT NULL REFERENCES user (key) ON DELETE CASCADE,
  created REAL NOT NULL,
  used REAL NOT NULL,                    -- within an hour
  expires REAL NOT NULL,
  agent TEXT NOT NULL                    -- what the browser said of itself
) STRICT, WITHOUT ROWID;

CREATE INDEX session_address ON session (address_key, used);

-- Where Web Push goes to (row N12): as long as that by which it was asked for is good.
CREATE TABLE push_subscription (
  address_key TEXT NOT NULL REFERENCES user (key) ON DELETE CASCADE,
  endpoint TEXT NOT NULL,
  p256dh BLOB NOT NULL,
  auth BLOB NOT NULL,
  session TEXT REFERENCES session (id) ON DELETE CASCADE,  -- in which it was made, if in any
  key_id TEXT,                           -- the API key by whose token it was made, if by one
  owner_key TEXT REFERENCES user (key) ON DELETE CASCADE,  -- the owner who made it acting as this address, if one did
  created REAL NOT NULL,
  PRIMARY KEY (address_key, endpoint)
) STRICT, WITHOUT ROWID;

CREATE INDEX push_subscription_session ON push_subscription (session) WHERE session IS NOT NULL;
CREATE INDEX push_subscription_owner ON push_subscription (owner_key) WHERE owner_key IS NOT NULL;

-- The key by which push services know this host.
CREATE TABLE vapid_key (
  one INTEGER PRIMARY KEY CHECK (one = 1),  -- there is one
  jwk TEXT NOT NULL,                     -- JSON, with the private part
  created REAL NOT NULL
) STRICT;
`,
  },
];
