// Drafts: messages that are not sent yet, and recipients to add to them. They get their times and hashes when they are
// sent (row B8).

import * as v from "valibot";
import {
  asMessageHash,
  expandedSize,
  fold,
  HASH_LENGTH,
  type Header,
  type MessageHash,
  wireSize,
} from "../wire/mod.ts";
import {
  type BatchHeader,
  composeBatch,
  isProblem,
  type Problem,
  readAddresses,
  refuse,
} from "../protocol/mod.ts";
import { readContent } from "./contents.ts";
import type { Database } from "./database.ts";
import type { AddRecipients, Drafted, MessageFields, Send, Sent } from "./operations.ts";
import {
  composeFields,
  digestOf,
  encoded,
  insertSent,
  type Prepared,
  prepared,
  senderProblem,
  storeSent,
} from "./sending.ts";
import { sendingProblem } from "./users.ts";
import { Refusal, type Transaction, type WriterContext } from "./transaction.ts";

export interface Draft {
  readonly id: number;
  readonly fields: MessageFields;
  readonly content: number;
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
    content: row.integer("content"),
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

/** Keeps a message that is to be sent later. What `send` would refuse is refused now. */
export function applyDraft(transaction: Transaction, input: Send): Drafted | Problem {
  const { db, contents } = transaction;
  const { content, ...fields } = input;
  const header = composeFields(transaction, fields, 0);
  if (isProblem(header)) return header;
  if (contents.size(content) !== wireSize(header)) {
    return refuse("bad content", "The content is not of the size that was declared");
  }
  const id = nextId(db);
  db.run(
    "INSERT INTO draft (id, from_key, fields, content) VALUES (?, ?, ?, ?)",
    id,
    header.from.key,
    JSON.stringify(fields),
    contents.adopt(content),
  );
  if (content.kind === "staged") transaction.afterCommit(() => contents.forget(content.token));
  return { kind: "drafted", id };
}

/** Keeps recipients that are to be added to a draft once it is sent. */
export function applyAddToDraft(
  transaction: Transaction,
  { message, from, to }: AddRecipients,
): Drafted | Problem {
  const { db } = transaction;
  const draft = draftById(db, message);
  if (draft === null) return notADraft(message);
  const header = composeFields(transaction, draft.fields, 0);
  if (isProblem(header)) return header;
  const batch = composeDraftBatch(header, null, { from, to }, 0);
  if (isProblem(batch)) return batch;
  const problem = senderProblem(transaction, batch.addTo.from);
  if (problem !== null) return problem;
  const earlier = new Set(draft.batches.flatMap((other) => other.to.map(fold)));
  const again = to.find((address) => earlier.has(fold(address)));
  if (again !== undefined) {
    return refuse("already added", `${again} was added to draft ${draft.id} before: leave it out`);
  }
  const id = nextId(db);
  db.run(
    "INSERT INTO draft_batch (id, draft, fields) VALUES (?, ?, ?)",
    id,
    draft.id,
    JSON.stringify({ from, to }),
  );
  return { kind: "drafted", id };
}

/** Ids of drafts and of messages come from one sequence, so that a draft keeps its id when it is sent. */
function nextId(db: Database): number {
  const sequence = "SELECT seq FROM sqlite_sequence WHERE name = 'message'";
  const { changes } = db.run("UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'message'");
  if (changes === 0) db.run("INSERT INTO sqlite_sequence (name, seq) VALUES ('message', 1)");
  return db.get(sequence)?.integer("seq") ?? 1;
}

/** The header of a batch on a draft; `hash` is the draft's once it is sent, and null before. */
function composeDraftBatch(
  header: Header,
  hash: MessageHash | null,
  { from, to }: { readonly from: string; readonly to: readonly string[] },
  time: number,
): BatchHeader | Problem {
  const addresses = readAddresses([from, ...to]);
  if ("kind" in addresses) return addresses;
  const [adder, ...added] = addresses;
  if (adder === undefined) return refuse("bad address", "Nobody adds these recipients");
  const pid = hash ?? asMessageHash(new Uint8Array(HASH_LENGTH));
  return composeBatch(header, pid, adder, added, time);
}

/** A draft with its batches as they will be stored, and what they were made of. */
interface PreparedDraft {
  readonly kind: "prepared";
  readonly draft: Draft;
  readonly message: Prepared;
  readonly batches: readonly (DraftBatch & { readonly message: Prepared })[];
}

export async function prepareSendDraft(
  context: WriterContext,
  id: number,
): Promise<PreparedDraft | Problem> {
  const { db } = context;
  const draft = draftById(db, id);
  if (draft === null) return notADraft(id);
  const header = composeFields(context, draft.fields, context.nextTime());
  if (isProblem(header)) return header;
  const decoded = encoded(header);
  const hash = await digestOf(decoded, readContent(db, draft.content));
  const batches: (DraftBatch & { readonly message: Prepared })[] = [];
  for (const batch of draft.batches) {
    const added = composeDraftBatch(header, hash, batch, context.nextTime());
    if (isProblem(added)) return added;
    const problem = senderProblem(context, added.addTo.from);
    if (problem !== null) return problem;
    const batchDecoded = encoded(added);
    const batchHash = await digestOf(batchDecoded, readContent(db, draft.content), header);
    batches.push({
      ...batch,
      message: prepared(added.addTo.from, batchDecoded, batchHash, {
        id,
        hash,
        header,
        original: null,
        content: draft.content,
      }),
    });
  }
  return { kind: "prepared", draft, message: prepared(header.from, decoded, hash, null), batches };
}

/** Makes the draft a message; the batches follow it (row B8). */
export function applySendDraft(
  transaction: Transaction,
  input: PreparedDraft | Problem,
): Sent | Problem {
  if (input.kind === "refused") return input;
  const { db } = transaction;
  const { draft, message, batches } = input;
  // It may have been changed since its hash was computed.
  if (JSON.stringify(draftById(db, draft.id)) !== JSON.stringify(draft)) {
    return refuse("message not found", `Draft ${draft.id} was changed meanwhile: send it again`);
  }
  db.run("DELETE FROM draft WHERE id = ?", draft.id);
  const sent = sendNow(transaction, message, draft, draft.id);
  for (const batch of batches) sendNow(transaction, batch.message, draft, batch.id);
  return sent;
}

/** The draft itself, or a batch of it; over a limit on sending nothing of the draft is sent. */
function sendNow(transaction: Transaction, message: Prepared, draft: Draft, id: number): Sent {
  const { db, settings, now } = transaction;
  const bytes = expandedSize(message.decoded.header);
  const problem = sendingProblem(db, settings, message.from, bytes, now);
  if (problem !== null) throw new Refusal(problem);
  insertSent(transaction, message, draft.content, id);
  return storeSent(transaction, message, id, draft.id);
}

function notADraft(id: number): Problem {
  return refuse(
    "message not found",
    `There is no draft ${id} here; it may have been sent meanwhile`,
  );
}
