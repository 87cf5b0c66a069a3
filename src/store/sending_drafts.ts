// Sending a draft: it becomes a message under the id that it has, and the batches that wait with it follow (row B8).

import { expandedSize } from "../wire/mod.ts";
import { isProblem, type Problem, refuse } from "../protocol/mod.ts";
import { composeDraftBatch } from "./draft_batches.ts";
import { chainParts, readParts } from "./draft_parts.ts";
import { type Draft, type DraftBatch, draftOf } from "./drafts.ts";
import type { SendDraft, Sent } from "./operations.ts";
import { undeliverable } from "./parents.ts";
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
import { Refusal, type Transaction, type WriterContext } from "./transaction.ts";
import { sendingProblem } from "./users.ts";

/** A draft with its batches as they will be stored, and what they were made of. */
interface PreparedDraft {
  readonly kind: "prepared";
  readonly draft: Draft;
  readonly message: Prepared;
  readonly batches: readonly (DraftBatch & { readonly message: Prepared })[];
}

export async function prepareSendDraft(
  context: WriterContext,
  { id, from }: SendDraft,
): Promise<PreparedDraft | Problem> {
  const { db } = context;
  const draft = draftOf(db, id, from);
  if (isProblem(draft)) return draft;
  const header = composeFields(context, draft.fields, context.nextTime());
  if (isProblem(header)) return header.reason === "message not found" ? parentGone(id) : header;
  const { start } = draft.fields;
  const held = "replyTo" in start ? undeliverable(db, start.replyTo, header.from, header.to) : null;
  if (held !== null) return held;
  const decoded = encoded(header);
  const hash = await digestOf(decoded, readParts(db, draft.contents));
  const batches: (DraftBatch & { readonly message: Prepared })[] = [];
  for (const batch of draft.batches) {
    const added = composeDraftBatch(header, hash, batch, context.nextTime());
    if (isProblem(added)) return added;
    const problem = senderProblem(context, added.addTo.from);
    if (problem !== null) return problem;
    const batchDecoded = encoded(added);
    const batchHash = await digestOf(batchDecoded, readParts(db, draft.contents), header);
    batches.push({ ...batch, message: prepared(added.addTo.from, batchDecoded, batchHash, id) });
  }
  return { kind: "prepared", draft, message: prepared(header.from, decoded, hash, null), batches };
}

/** Makes the draft a message; the batches follow it. */
export function applySendDraft(
  transaction: Transaction,
  { id, from }: SendDraft,
  input: PreparedDraft | Problem,
): Sent | Problem {
  if (input.kind === "refused") return input;
  const { db } = transaction;
  const { draft, message, batches } = input;
  const now = draftOf(db, id, from);
  if (isProblem(now)) return now;
  if (JSON.stringify(now) !== JSON.stringify(draft)) {
    return refuse("changed meanwhile", `Draft ${id} was changed meanwhile: send it again`);
  }
  db.run("DELETE FROM draft WHERE id = ?", id);
  const content = chainParts(transaction, draft);
  const sent = sendNow(transaction, message, content, id, id);
  for (const batch of batches) sendNow(transaction, batch.message, content, batch.id, id);
  return sent;
}

/** The draft itself, or a batch of it; over a limit on sending nothing of the draft is sent. */
function sendNow(
  transaction: Transaction,
  message: Prepared,
  content: number,
  id: number,
  listed: number,
): Sent {
  const { db, settings, now } = transaction;
  const bytes = expandedSize(message.decoded.header);
  const problem = sendingProblem(db, settings, message.from, bytes, now);
  if (problem !== null) throw new Refusal(problem);
  insertSent(transaction, message, content, id);
  return storeSent(transaction, message, id, listed);
}

/** The draft is here, and waits for what its sender makes of that. */
function parentGone(id: number): Problem {
  return refuse(
    "cannot be delivered",
    `The message that draft ${id} answers is not here any more: start a new thread`,
  );
}
