// Drafts: messages that are not sent yet. They get their times and hashes when they are sent (row B8).

import * as v from "valibot";
import { asMessageHash, fold, HASH_LENGTH, type Header } from "../wire/mod.ts";
import { type Problem, refuse } from "../protocol/mod.ts";
import type { Database } from "./database.ts";
import type { MessageFields } from "./operations.ts";
import { composeWith } from "./sending.ts";
import type { WriterContext } from "./transaction.ts";

export interface Draft {
  readonly id: number;
  readonly fields: MessageFields;
  /** Of the data, and then of each attachment: ids of contents. */
  readonly contents: readonly number[];
  readonly batches: readonly DraftBatch[];
}

export interface DraftBatch {
  readonly id: number;
  readonly from: string;
  readonly to: readonly string[];
}

/** The draft of that id, or null. */
export function draftById(db: Database, id: number): Draft | null {
  const row = db.get("SELECT * FROM draft WHERE id = ?", id);
  if (row === null) return null;
  const batches = db.all("SELECT * FROM draft_batch WHERE draft = ? ORDER BY id", id);
  return {
    id,
    fields: v.parse(FIELDS, JSON.parse(row.text("fields"))),
    contents: contentsOf(db, id),
    batches: batches.map((batch) => ({
      id: batch.integer("id"),
      ...v.parse(BATCH, JSON.parse(batch.text("fields"))),
    })),
  };
}

/** The draft with which the batch of that id waits, or null. */
export function draftOfBatch(db: Database, batch: number): Draft | null {
  const row = db.get("SELECT draft FROM draft_batch WHERE id = ?", batch);
  return row === null ? null : draftById(db, row.integer("draft"));
}

/**
 * The draft of that id that is `from`'s, or anybody's for null. To others it looks as if there were none (row N2); who
 * sent it is told so (row N3).
 */
export function draftOf(db: Database, id: number, from: string | null): Draft | Problem {
  const key = from === null ? null : fold(from);
  const draft = draftById(db, id);
  if (draft !== null && (key === null || key === fold(draft.fields.from))) return draft;
  const sent = db.get(
    `SELECT 1 FROM message WHERE id = (SELECT coalesce(original, id) FROM message WHERE id = ?1)
     AND sent = 1 AND (?2 IS NULL OR from_key = ?2)`,
    id,
    key,
  );
  return sent === null
    ? refuse(
      "message not found",
      `There is no draft ${id} here: look up its id among what you wrote`,
    )
    : refuse("already sent", `Message ${id} is sent, and stays as it is: write a new one`);
}

const PART = { type: v.string(), size: v.number(), expandedSize: v.nullable(v.number()) };

const FIELDS = v.object({
  from: v.string(),
  to: v.array(v.string()),
  start: v.union([v.object({ topic: v.string() }), v.object({ replyTo: v.number() })]),
  body: v.object(PART),
  attachments: v.array(v.object({ ...PART, filename: v.string() })),
  important: v.boolean(),
  noReply: v.boolean(),
});

const BATCH = v.object({ from: v.string(), to: v.array(v.string()) });

/** The contents of a draft's parts: the data, and then each attachment. Places rise, and need not follow each other. */
export function contentsOf(db: Database, draft: number): number[] {
  return db.all("SELECT content FROM draft_part WHERE draft = ? ORDER BY place", draft)
    .map((row) => row.integer("content"));
}

/** Writes down what a draft says now. */
export function changeFields(db: Database, id: number, fields: MessageFields): void {
  db.run("UPDATE draft SET fields = ? WHERE id = ?", JSON.stringify(fields), id);
}

/** The header of a draft, but for what it gets when it is sent: its time, and which message a reply names. */
export function draftHeader(context: WriterContext, fields: MessageFields): Header | Problem {
  const { start } = fields;
  return composeWith(
    context,
    fields,
    0,
    () =>
      "topic" in start
        ? { pid: null, topic: start.topic }
        : { pid: asMessageHash(new Uint8Array(HASH_LENGTH)), topic: null },
  );
}

export function wrongSize(): Problem {
  return refuse("bad content", "The content is not of the size that was declared");
}

/** Ids of drafts and of messages come from one sequence, so that a draft keeps its id when it is sent. */
export function nextId(db: Database): number {
  const sequence = "SELECT seq FROM sqlite_sequence WHERE name = 'message'";
  const { changes } = db.run("UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'message'");
  if (changes === 0) db.run("INSERT INTO sqlite_sequence (name, seq) VALUES ('message', 1)");
  return db.get(sequence)?.integer("seq") ?? 1;
}
