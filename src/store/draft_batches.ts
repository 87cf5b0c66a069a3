// Recipients who are added to a draft: their batch waits with it, and is sent just after it (row B8).

import { asMessageHash, fold, HASH_LENGTH, type Header, type MessageHash } from "../wire/mod.ts";
import {
  type BatchHeader,
  composeBatch,
  isProblem,
  type Problem,
  readAddresses,
  refuse,
} from "../protocol/mod.ts";
import { weighDraft } from "./draft_room.ts";
import { draftHeader, draftOf, nextId } from "./drafts.ts";
import type { AddRecipients, Drafted } from "./operations.ts";
import type { Transaction } from "./transaction.ts";

/** Who adds whom. */
interface Adding {
  readonly from: string;
  readonly to: readonly string[];
}

/** Batches that may wait with one draft: sending it computes a hash over all of its content for each. */
const MOST_BATCHES = 100;

/** Keeps recipients that are to be added to a draft once it is sent. Only its sender knows of it, and so adds to it. */
export function applyAddToDraft(
  transaction: Transaction,
  { message, from, to }: AddRecipients,
): Drafted | Problem {
  const { db } = transaction;
  const draft = draftOf(db, message, from);
  if (isProblem(draft)) return draft;
  const header = draftHeader(transaction, draft.fields);
  if (isProblem(header)) return header;
  const batch = composeDraftBatch(header, null, { from, to }, 0);
  if (isProblem(batch)) return batch;
  const earlier = new Set(draft.batches.flatMap((other) => other.to.map(fold)));
  const again = to.find((address) => earlier.has(fold(address)));
  if (again !== undefined) {
    return refuse("already added", `${again} was added to draft ${draft.id} before: leave it out`);
  }
  if (draft.batches.length >= MOST_BATCHES) {
    return refuse(
      "bad recipients",
      `Recipients were added to draft ${draft.id} ${MOST_BATCHES} times: send it first`,
    );
  }
  const id = nextId(db);
  db.run(
    "INSERT INTO draft_batch (id, draft, fields) VALUES (?, ?, ?)",
    id,
    draft.id,
    JSON.stringify({ from, to }),
  );
  weighDraft(transaction, draft.id, draft.fields);
  return { kind: "drafted", id };
}

/** The header of a batch on a draft; `hash` is the draft's once it is sent, and null before. */
export function composeDraftBatch(
  header: Header,
  hash: MessageHash | null,
  { from, to }: Adding,
  time: number,
): BatchHeader | Problem {
  const addresses = readAddresses([from, ...to]);
  if ("kind" in addresses) return addresses;
  const [adder, ...added] = addresses;
  if (adder === undefined) return refuse("bad address", "Nobody adds these recipients");
  const pid = hash ?? asMessageHash(new Uint8Array(HASH_LENGTH));
  return composeBatch(header, pid, adder, added, time);
}
