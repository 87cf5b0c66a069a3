// Searching in what one address has.

import type { Address } from "../../wire/mod.ts";
import type { Database } from "../database.ts";
import { openForReading } from "../opening.ts";
import { holderWord } from "./indexing.ts";
import { matchExpression } from "./query.ts";

export interface SearchHit {
  /** Of the message, as it is listed. */
  readonly id: number;
}

/** Searches on a connection of its own. */
export class Search implements Disposable {
  readonly #db: Database;

  constructor(dataDir: string) {
    this.#db = openForReading(dataDir);
  }

  /**
   * What this address received, sent or was added to and has not deleted, as far as it answers to the query: newest first.
   * Drafts are not among it. Throws a QueryError when nothing can be searched for by this query.
   */
  find(address: Address, query: string, limit: number, offset: number): SearchHit[] {
    return this.matching(matchExpression(holderWord(address.key), query), limit, offset);
  }

  /** As `find`, for an expression that `matchExpression` made. */
  matching(match: string, limit: number, offset: number): SearchHit[] {
    return this.#db.all(
      "SELECT rowid AS id FROM search WHERE search MATCH ? ORDER BY rowid DESC LIMIT ? OFFSET ?",
      match,
      limit,
      offset,
    ).map((row) => ({ id: row.integer("id") }));
  }

  /** Are there messages of an earlier program that cannot be found yet? */
  get isIncomplete(): boolean {
    return this.#db.get(
      `SELECT 1 FROM search_left WHERE EXISTS
         (SELECT 1 FROM message WHERE id < below AND original IS NULL)`,
    ) !== null;
  }

  [Symbol.dispose](): void {
    this.#db[Symbol.dispose]();
  }
}
