// The operations that write drafts: a new one, and one that is replaced.

import { type Header, wireSize } from "../wire/mod.ts";
import { isProblem, type Problem, refuse } from "../protocol/mod.ts";
import type { Database } from "./database.ts";
import { adopt, adoptParts, putPart } from "./draft_parts.ts";
import { weighDraft } from "./draft_room.ts";
import { changeFields, draftHeader, draftOf, nextId, wrongSize } from "./drafts.ts";
import type { Drafted, MessageFields, ReplaceDraft, Send } from "./operations.ts";
import { draftedReplyProblem } from "./parents.ts";
import type { Transaction, WriterContext } from "./transaction.ts";

/** Drafts that one sender may have; draft_room.ts bounds what they take. */
const MOST_DRAFTS = 1000;

/** Keeps a message that is to be sent later. What `send` would refuse for good is refused now. */
export function applyDraft(transaction: Transaction, input: Send): Drafted | Problem {
  const { db, contents } = transaction;
  const { content, ...fields } = input;
  const header = newHeader(transaction, fields);
  if (isProblem(header)) return header;
  if (contents.size(content) !== wireSize(header)) return wrongSize();
  const problem = tooMany(db, header.from.key);
  if (problem !== null) return problem;
  const id = nextId(db);
  db.run(
    "INSERT INTO draft (id, from_key, fields) VALUES (?, ?, ?)",
    id,
    header.from.key,
    JSON.stringify(fields),
  );
  const sizes = [header, ...header.attachments].map(({ size }) => size);
  for (const [place, part] of adoptParts(transaction, content, sizes).entries()) {
    putPart(db, id, place, part);
  }
  weighDraft(transaction, id, fields);
  return { kind: "drafted", id };
}

/** Replaces what a draft says, and its data; attachments and batches stay. */
export function applyReplaceDraft(
  transaction: Transaction,
  input: ReplaceDraft,
): Drafted | Problem {
  const { db, contents } = transaction;
  const { id, content, ...replaced } = input;
  const draft = draftOf(db, id, replaced.from);
  if (isProblem(draft)) return draft;
  const fields = { ...replaced, attachments: draft.fields.attachments };
  const header = newHeader(transaction, fields);
  if (isProblem(header)) return header;
  if (contents.size(content) !== header.size) return wrongSize();
  const [data] = draft.contents;
  if (data !== undefined) contents.remove(data);
  putPart(db, id, 0, adopt(transaction, content));
  changeFields(db, id, fields);
  weighDraft(transaction, id, fields);
  return { kind: "drafted", id };
}

/** As draftHeader, for a draft that is written now: what it answers has to be here. */
function newHeader(context: WriterContext, fields: MessageFields): Header | Problem {
  const header = draftHeader(context, fields);
  if (isProblem(header) || "topic" in fields.start) return header;
  return draftedReplyProblem(context.db, fields.start.replyTo, header.from, header.to) ?? header;
}

function tooMany(db: Database, key: string): Problem | null {
  const drafts = db.get("SELECT count(*) AS n FROM draft WHERE from_key = ?", key)?.integer("n");
  return drafts === undefined || drafts < MOST_DRAFTS ? null : refuse(
    "over quota",
    `There are ${drafts} drafts, and there can be no more: send some, or delete some`,
  );
}
