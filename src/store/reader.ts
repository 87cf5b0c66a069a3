// What the host's exchanges and queue read from the store.

import {
  asHeaderHash,
  asMessageHash,
  type Bytes,
  decodeHeader,
  type Header,
  type HeaderHash,
  type MessageHash,
} from "../wire/mod.ts";
import type { StoredMessage } from "../protocol/mod.ts";
import { readWhole } from "./contents.ts";
import { type Database } from "./database.ts";
import { openForReading } from "./opening.ts";
import type { WriterSettings } from "./operations.ts";
import {
  mostWaiting,
  nextDue,
  type Overview,
  overview,
  quotasNearTheirEnd,
  type QuotaUse,
  type WaitingDomain,
} from "./overview.ts";

/** A delivery that is due. */
export interface DueDelivery {
  readonly message: number;
  readonly domain: string;
  /** Attempts made before. */
  readonly attempts: number;
  readonly headerBytes: Bytes;
  readonly header: Header;
  readonly headerHash: HeaderHash;
  readonly hash: MessageHash;
  readonly content: number;
}

/** Reads for the thread that serves connections, on a connection of their own. */
export class StoreReader implements Disposable {
  readonly #db: Database;

  constructor(dataDir: string) {
    this.#db = openForReading(dataDir);
  }

  /** The message with that hash ("Verifying Message Stored"), or null. */
  stored(hash: MessageHash): StoredMessage | null {
    const row = this.#db.get("SELECT header, participated FROM message WHERE hash = ?", hash);
    return row === null
      ? null
      : { header: decodeHeader(row.blob("header")), participated: row.flag("participated") };
  }

  /** The hash of the recorded batch with exactly this header, or null. */
  recordedBatch(hash: HeaderHash): MessageHash | null {
    const row = this.#db.get("SELECT hash FROM message WHERE header_hash = ? AND batch = 1", hash);
    return row === null ? null : asMessageHash(row.blob("hash"));
  }

  /** How many batches are on a message, counted up to `most`. */
  batchesOn(original: MessageHash, most: number): number {
    return this.#db.get(
      `SELECT count(*) AS n FROM (SELECT 1 FROM message
         WHERE original = (SELECT id FROM message WHERE hash = ?) LIMIT ?)`,
      original,
      most,
    )?.integer("n") ?? 0;
  }

  /** Do all of these users have the message? */
  heldByAll(hash: MessageHash, keys: readonly string[]): boolean {
    const rows = this.#db.all(
      `SELECT r.key FROM message m JOIN recipient r ON r.message = m.id
       WHERE m.hash = ? AND r.shown IS NOT NULL`,
      hash,
    );
    const holders = new Set(rows.map((row) => row.text("key")));
    return keys.every((key) => holders.has(key));
  }

  /** Domains for which something waits, each with the time when it is due (POSIX seconds). */
  waitingDomains(): { readonly domain: string; readonly due: number }[] {
    return this.#db.all(
      "SELECT domain, min(next_attempt) AS due FROM outbound WHERE state = 'waiting' GROUP BY domain",
    ).map((row) => ({ domain: row.text("domain"), due: row.real("due") }));
  }

  /** When the next delivery to a domain is due, or null when nothing waits. */
  nextDue(domain: string): number | null {
    return nextDue(this.#db, domain);
  }

  /** Does this delivery still wait? It may have been cancelled since it was looked up. */
  isWaiting(message: number, domain: string): boolean {
    return this.#db.get(
      "SELECT 1 FROM outbound WHERE message = ? AND domain = ? AND state = 'waiting'",
      message,
      domain,
    ) !== null;
  }

  /** Up to `limit` deliveries to a domain that are due at `now`, the longest waiting first. */
  dueDeliveries(domain: string, now: number, limit: number): DueDelivery[] {
    return this.#db.all(
      `SELECT o.message, o.attempts, m.header, m.header_hash, m.hash, m.content
       FROM outbound o JOIN message m ON m.id = o.message
       WHERE o.domain = ? AND o.state = 'waiting' AND o.next_attempt <= ?
       ORDER BY o.next_attempt, o.message LIMIT ?`,
      domain,
      now,
      limit,
    ).map((row) => {
      const headerBytes = row.blob("header");
      return {
        message: row.integer("message"),
        domain,
        attempts: row.integer("attempts"),
        headerBytes,
        header: decodeHeader(headerBytes),
        headerHash: asHeaderHash(row.blob("header_hash")),
        hash: asMessageHash(row.blob("hash")),
        content: row.integer("content"),
      };
    });
  }

  /** The `size` bytes of a content as they go over the wire. */
  content(id: number, size: number): Generator<Bytes, void> {
    return readWhole(this.#db, id, 0, size);
  }

  overview(): Overview {
    return overview(this.#db);
  }

  /** The domains for which most waits, with how often it was tried and what went wrong. */
  mostWaiting(): WaitingDomain[] {
    return mostWaiting(this.#db);
  }

  /** Limits of which most is used, after some users each time; `defaults` are the host's. The last value counts. */
  quotasNearTheirEnd(defaults: WriterSettings["quota"]): Generator<readonly QuotaUse[], void> {
    return quotasNearTheirEnd(this.#db, defaults, Date.now() / 1000);
  }

  [Symbol.dispose](): void {
    this.#db[Symbol.dispose]();
  }
}
