// The parts of drafts: the data and each attachment are contents of their own until the draft is sent.

import type { Bytes } from "../wire/mod.ts";
import { isProblem, type Problem, refuse } from "../protocol/mod.ts";
import { readContent, readWhole } from "./contents.ts";
import type { Database } from "./database.ts";
import { changeFields, contentsOf, type Draft, draftHeader, draftOf, wrongSize } from "./drafts.ts";
import { weighDraft } from "./draft_room.ts";
import type { Attach, ContentSource, Detach, Drafted } from "./operations.ts";
import type { Transaction } from "./transaction.ts";

/** The bytes of these contents, one after the other. */
export function* readParts(db: Database, contents: readonly number[]): Generator<Bytes, void> {
  for (const content of contents) yield* readContent(db, content);
}

/** Adds an attachment; one of exactly that name is replaced. */
export function applyAttach(transaction: Transaction, input: Attach): Drafted | Problem {
  const { db, contents } = transaction;
  const { attachment, content } = input;
  const draft = draftOf(db, input.draft, input.from);
  if (isProblem(draft)) return draft;
  const { fields } = draft;
  const index = fields.attachments.findIndex(({ filename }) => filename === attachment.filename);
  const attachments = index < 0
    ? [...fields.attachments, attachment]
    : fields.attachments.with(index, attachment);
  const header = draftHeader(transaction, { ...fields, attachments });
  if (isProblem(header)) return header;
  if (contents.size(content) !== attachment.size) return wrongSize();
  const replaced = index < 0 ? undefined : draft.contents[index + 1];
  const place = replaced === undefined
    ? nextPlace(db, draft.id)
    : removePart(transaction, draft.id, replaced);
  putPart(db, draft.id, place, adopt(transaction, content));
  changeFields(db, draft.id, { ...fields, attachments });
  weighDraft(transaction, draft.id, { ...fields, attachments });
  return { kind: "drafted", id: draft.id };
}

/** Takes an attachment off a draft. */
export function applyDetach(transaction: Transaction, input: Detach): Drafted | Problem {
  const { db } = transaction;
  const draft = draftOf(db, input.draft, input.from);
  if (isProblem(draft)) return draft;
  const { fields, contents } = draft;
  const index = fields.attachments.findIndex(({ filename }) => filename === input.filename);
  const content = contents[index + 1];
  if (index < 0 || content === undefined) {
    return refuse(
      "message not found",
      `Draft ${draft.id} has no attachment ${JSON.stringify(input.filename)}`,
    );
  }
  removePart(transaction, draft.id, content);
  const attachments = fields.attachments.toSpliced(index, 1);
  changeFields(db, draft.id, { ...fields, attachments });
  weighDraft(transaction, draft.id, { ...fields, attachments });
  return { kind: "drafted", id: draft.id };
}

/** Makes a source a content that stays; its id. */
export function adopt({ contents, afterCommit }: Transaction, source: ContentSource): number {
  const id = contents.adopt(source);
  if (source.kind === "staged") afterCommit(() => contents.forget(source.token));
  return id;
}

/** Makes contents of a source's pieces of these sizes, which are all of it. */
export function adoptParts(
  transaction: Transaction,
  source: ContentSource,
  sizes: readonly number[],
): readonly number[] {
  const { db, contents } = transaction;
  const whole = adopt(transaction, source);
  if (sizes.length === 1) return [whole];
  let start = 0;
  const parts = sizes.map((size) => {
    const part = contents.join(readWhole(db, whole, start, size));
    start += size;
    return part;
  });
  contents.remove(whole);
  return parts;
}

/** One content of all the parts of a draft; its id. */
export function chainParts({ contents }: Transaction, { fields, contents: parts }: Draft): number {
  const [data] = parts;
  if (data !== undefined && parts.length === 1) return data;
  const sizes = [fields.body, ...fields.attachments].map(({ size }) => size);
  return contents.chain(parts.map((id, i) => ({ id, size: sizes[i] ?? 0 })));
}

/** Removes a draft with all that belongs to it. */
export function removeDraft({ db, contents }: Transaction, id: number): void {
  for (const content of contentsOf(db, id)) contents.remove(content);
  db.run("DELETE FROM draft WHERE id = ?", id);
}

/** Writes down which content is the part at a place. */
export function putPart(db: Database, draft: number, place: number, content: number): void {
  db.run(
    `INSERT INTO draft_part (draft, place, content) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET content = excluded.content`,
    draft,
    place,
    content,
  );
}

function nextPlace(db: Database, draft: number): number {
  const row = db.get("SELECT max(place) AS place FROM draft_part WHERE draft = ?", draft);
  return (row?.optional("place", (r, name) => r.integer(name)) ?? 0) + 1;
}

/** Removes the part with this content; the place where it was. */
function removePart({ db, contents }: Transaction, draft: number, content: number): number {
  contents.remove(content);
  const row = db.get(
    "DELETE FROM draft_part WHERE draft = ? AND content = ? RETURNING place",
    draft,
    content,
  );
  return row?.integer("place") ?? nextPlace(db, draft);
}
