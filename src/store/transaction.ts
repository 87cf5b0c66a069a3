// What the parts of the writer work with.

import type { MessageHash } from "../wire/mod.ts";
import type { Problem } from "../protocol/mod.ts";
import type { Contents } from "./contents.ts";
import type { Database } from "./database.ts";
import type { Change, WriterSettings } from "./operations.ts";

/** What an operation works with before its transaction. */
export interface WriterContext {
  readonly db: Database;
  readonly contents: Contents;
  readonly settings: WriterSettings;
  /** The time for a message that is sent now: strictly later than any other of this store (row D11). */
  nextTime(): number;
  /** Runs `work` in a transaction of its own. */
  inTransaction(work: () => void): void;
}

/** What an operation works with inside the transaction. */
export interface Transaction extends WriterContext {
  /** POSIX seconds. */
  readonly now: number;
  /** Tells the host once this is committed. */
  readonly changed: (change: Change) => unknown;
  /** Something to do in memory once this is committed. */
  readonly afterCommit: (action: () => void) => unknown;
  /** Who has what is listed as this message has changed, or its recipients have: what is indexed of it follows. */
  readonly listingChanged: (listed: number) => unknown;
  /** Looks, after the commit, for batches that belong to the message with this hash. */
  readonly linkLater: (original: MessageHash | null) => unknown;
}

/** Thrown inside a transaction where some of an operation is done: undoes all of it, and is the operation's answer. */
export class Refusal extends Error {
  override readonly name = "Refusal";

  constructor(readonly problem: Problem) {
    super(problem.message);
  }
}
