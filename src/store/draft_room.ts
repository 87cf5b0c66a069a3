// The room that drafts take: no quota counts a message before it is sent, so there is a bound of their own.

import { fold } from "../wire/mod.ts";
import { refuse } from "../protocol/mod.ts";
import type { MessageFields } from "./operations.ts";
import { Refusal, type Transaction } from "./transaction.ts";
import { readLimits } from "./users.ts";

/** What the drafts of one sender may hold together, in messages of the largest size; less where `send_bytes` is. */
const LARGEST_MESSAGES = 100;

/** Bytes besides, for who they go to and the like: 1000 drafts with 16 KiB each. */
const TEXTS = 16 * 1024 * 1024;

/** Writes down what a draft takes now. A Refusal when that is more than before, and more than its sender may have. */
export function weighDraft(
  { db, settings }: Transaction,
  id: number,
  { from, body, attachments }: MessageFields,
): void {
  const key = fold(from);
  const before = taken(db, key);
  db.run(
    `UPDATE draft SET bytes = ?2 + octet_length(fields) +
       coalesce((SELECT sum(octet_length(b.fields)) FROM draft_batch b WHERE b.draft = ?1), 0)
     WHERE id = ?1`,
    id,
    [body, ...attachments].reduce((sum, { size }) => sum + size, 0),
  );
  const now = taken(db, key);
  const user = db.get("SELECT limits FROM user WHERE key = ?", key);
  const { send_bytes } = { ...settings.quota, ...user === null ? {} : readLimits(user) };
  const most = TEXTS + Math.min(LARGEST_MESSAGES * settings.maxSize, send_bytes ?? Infinity);
  if (now <= before || now <= most) return;
  throw new Refusal(
    refuse(
      "over quota",
      `Your drafts would take ${now} bytes, more than the ${most} that they may: send some, or delete some`,
    ),
  );
}

function taken(db: Transaction["db"], key: string): number {
  return db.get("SELECT coalesce(sum(bytes), 0) AS bytes FROM draft WHERE from_key = ?", key)
    ?.integer("bytes") ?? 0;
}
