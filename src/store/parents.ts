// The message or batch that a reply names as its parent (row D10), from what is stored here.

import type { Address, MessageHash } from "../wire/mod.ts";
import {
  type Candidate,
  chooseParent,
  isProblem,
  type Problem,
  refuse,
  replyProblem,
} from "../protocol/mod.ts";
import { tookBefore } from "./attempts.ts";
import type { Database } from "./database.ts";
import { messageByHash, messageById, type MessageRow, readMessage } from "./messages.ts";

/** How a reply begins. */
interface ReplyStart {
  readonly pid: MessageHash;
  readonly topic: null;
}

/** The start of a reply. */
export function parentOf(
  db: Database,
  id: number,
  from: Address,
  to: readonly Address[],
): ReplyStart | Problem {
  const parent = chosenParent(db, id, from, to);
  return isProblem(parent) ? parent : { pid: parent.hash, topic: null };
}

/**
 * Why a drafted reply cannot be sent, or null (FMSG-003 "send"; row N4). Only drafts are held back: what the command line
 * sends goes out by row D10, and a recipient's host tells what it lacks.
 */
export function undeliverable(
  db: Database,
  id: number,
  from: Address,
  to: readonly Address[],
): Problem | null {
  const parent = chosenParent(db, id, from, to);
  return isProblem(parent) ? parent : replyProblem(from, to, parent);
}

function chosenParent(
  db: Database,
  id: number,
  from: Address,
  to: readonly Address[],
): Candidate | Problem {
  const candidates = candidatesFor(db, id);
  if (candidates === null) return notFound(id);
  const { original, batches } = candidates;
  const pid = chooseParent(from, to, original, batches);
  if (isProblem(pid)) return pid;
  const parent = [...batches, ...original === null ? [] : [original]].find(({ hash }) =>
    hash === pid
  );
  if (parent === undefined) throw new TypeError("A reply names a message that was not proposed");
  return parent;
}

/** Why `from` can never reply to that message, or null. Who can take the reply is decided when it is sent. */
export function draftedReplyProblem(
  db: Database,
  id: number,
  from: Address,
  to: readonly Address[],
): Problem | null {
  const parent = parentOf(db, id, from, to);
  return isProblem(parent) && parent.reason !== "cannot be delivered" ? parent : null;
}

export function notFound(id: number): Problem {
  return refuse("message not found", `There is no message ${id} here: see "fmsg list ADDRESS"`);
}

/** Of all that a reply to this message may name: the original, when it is here, and the batches on it, newest first. */
function candidatesFor(db: Database, id: number): {
  readonly original: Candidate | null;
  readonly batches: readonly Candidate[];
} | null {
  const row = messageById(db, id);
  if (row === null) return null;
  const { addTo, pid } = row.header;
  const original = addTo === null || pid === null ? row : messageByHash(db, pid);
  if (original === null) return { original, batches: earlyBatches(db, pid) };
  // A batch that is not linked to its original although that is here is forged, and stands for itself (row B7).
  if (addTo !== null && row.original === null) {
    return { original: null, batches: [asCandidate(db, row)] };
  }
  return { original: asCandidate(db, original), batches: batchesOn(db, original) };
}

/** The batches on a message, newest first: those that truly repeat it. */
export function batchesOn(db: Database, original: MessageRow): Candidate[] {
  return db.all("SELECT * FROM message WHERE original = ? ORDER BY id DESC", original.id)
    .map((row) => asCandidate(db, readMessage(row)));
}

/** The batches on a message that is not here. */
function earlyBatches(db: Database, pid: MessageHash | null): Candidate[] {
  return db.all("SELECT * FROM message WHERE pid = ? AND batch = 1 ORDER BY id DESC", pid)
    .map((row) => asCandidate(db, readMessage(row)));
}

function asCandidate(db: Database, message: MessageRow): Candidate {
  const undelivered = db.all(
    "SELECT domain FROM outbound WHERE message = ? AND state IN ('failed', 'cancelled')",
    message.id,
  )
    .map((row) => row.text("domain"))
    // Some there may have it all the same: what was still to be done for the others was given up.
    .filter((domain) => !tookBefore(db, message, domain));
  return { header: message.header, hash: message.hash, undelivered: new Set(undelivered) };
}
