// The audit of a store of any size: everything in it fits together, and every hash comes out of what is stored (row P6).

import { CHUNK_SIZE, CHUNKS_PER_CONTENT } from "./contents.ts";
import { type Database, type Row, StoreError } from "./database.ts";
import { openForReading } from "./opening.ts";
import { damaged, type Finding, Findings, isDamage, isOfTheMachine, wordsOf } from "./findings.ts";
import { DirectoryLock } from "./lock.ts";
import type { WriterSettings } from "./operations.ts";
import { DraftAudit } from "./verify_draft.ts";
import { MessageAudit, type Tally } from "./verify_message.ts";
import { auditSearch } from "./verify_search.ts";
import { Writer } from "./writer.ts";

/** What an audit came to. */
export interface AuditReport {
  /** Messages, with batches of added recipients, but not drafts. */
  readonly messages: number;
  readonly contents: number;
  /** Bytes of content as they went over the wire. */
  readonly bytes: number;
  /** Contents on their way in. */
  readonly staged: number;
  /** What is wrong; nothing when the store is in order. */
  readonly findings: readonly Finding[];
  /** What is worth knowing and not wrong. */
  readonly notes: readonly Finding[];
}

/** Told now and then how many of the messages were looked at. */
export type AuditProgress = (done: number, of: number) => void;

/**
 * Audits the store of a data directory, which a host may be using. While none does, it is opened for writing once, as by
 * every command: that brings its version up to date and sweeps what a crash left. Damage is a finding; a store that cannot
 * be opened for another reason is a StoreError.
 */
export async function verifyStore(
  dataDir: string,
  settings: WriterSettings,
  progress?: AuditProgress,
): Promise<AuditReport> {
  const found = new Findings();
  /** What `work` gives; null when the file is too damaged for it. */
  const unlessDamaged = <Result>(work: () => Result): Result | null => {
    try {
      return work();
    } catch (error) {
      if (!isDamage(error)) throw error;
      found.addAll([damaged(wordsOf(error))]);
      return null;
    }
  };
  let hostRuns = true;
  const begin = (): StoreAudit | null => {
    using lock = DirectoryLock.take(dataDir);
    hostRuns = lock === null;
    using _writer = hostRuns ? null : unlessDamaged(() => Writer.open(dataDir, settings));
    // Before another process may write; the audit that follows is no reason for a host not to start.
    return unlessDamaged(() => StoreAudit.begin(dataDir, found));
  };
  using audit = begin();
  return await audit?.run({ hostRuns, progress }) ?? { ...UNREADABLE, findings: found.list() };
}

const UNREADABLE: AuditReport = {
  messages: 0,
  contents: 0,
  bytes: 0,
  staged: 0,
  findings: [],
  notes: [],
};

/** Rows that are read at once: memory is bounded by so many of the largest headers, 25 MiB. */
const PAGE = 100;

/** Read marks of those who do not have the message, or that are not on what is listed. */
const NOT_HELD = `SELECT message, key FROM read_mark k WHERE NOT EXISTS
  (SELECT 1 FROM message m JOIN recipient r ON r.message = m.id
   WHERE (m.id = k.message OR m.original = k.message) AND +r.key = k.key AND r.shown = k.message)`;

/** Before every whole number that SQLite holds and JavaScript can tell from others. */
const FIRST = Number.MIN_SAFE_INTEGER;

/** One state of a store, whatever is written meanwhile, and its audit. */
export class StoreAudit implements Disposable {
  readonly #db: Database;
  readonly #findings: Findings;
  readonly #notes = new Findings();

  private constructor(db: Database, findings: Findings) {
    this.#db = db;
    this.#findings = findings;
  }

  /**
   * Takes the state of this moment; what is found is added to `findings`. Throws a StoreError when the store cannot be
   * opened, damaged or not.
   */
  static begin(dataDir: string, findings = new Findings()): StoreAudit {
    const db = openForReading(dataDir);
    try {
      db.exec("BEGIN");
      // The transaction sees what was there at its first read.
      db.get("SELECT count(*) FROM sqlite_schema");
      return new StoreAudit(db, findings);
    } catch (error) {
      db[Symbol.dispose]();
      throw error;
    }
  }

  /** `hostRuns`: staged content is on its way in, and not left over. */
  async run({ hostRuns, progress }: {
    readonly hostRuns: boolean;
    readonly progress?: AuditProgress | undefined;
  }): Promise<AuditReport> {
    const users = new Map<string, { readonly user: Row; readonly tally: Tally }>();
    const sizes = { contents: 0, bytes: 0, staged: 0 };
    let messages = 0;
    await this.#part("The file", () => this.#auditFile());
    await this.#part("The list of users", () => {
      for (const user of this.#pages("user", "key", "")) {
        users.set(user.text("key"), { user, tally: emptyTally() });
      }
    });
    await this.#part("The contents", () => this.#auditContents(sizes));
    await this.#part("The messages", async () => {
      const of = this.#count("message");
      const audit = new MessageAudit(
        this.#db,
        this.#findings,
        this.#notes,
        (key) => users.get(key)?.tally,
      );
      for (const row of this.#pages("message", "id", FIRST)) {
        await audit.check(row);
        if (++messages % PAGE !== 0) continue;
        progress?.(messages, of);
        // Signals and timers get their turn.
        await new Promise((resolve) => setTimeout(resolve));
      }
    });
    await this.#part("The drafts", () => this.#auditDrafts());
    await this.#part("The read marks", () => this.#auditReaders());
    await this.#part("The use of contents", () => this.#auditUse());
    for (const { user, tally } of users.values()) this.#auditUsage(user, tally);
    await this.#part("The index", () => auditSearch(this.#db, this.#findings));
    if (!hostRuns && sizes.staged > 0) {
      this.#findings.add(
        `${sizes.staged} contents are on their way in although no host runs`,
        "start the host, which removes them",
      );
    }
    return { messages, ...sizes, findings: this.#findings.list(), notes: this.#notes.list() };
  }

  [Symbol.dispose](): void {
    this.#db[Symbol.dispose]();
  }

  /** A part of the audit; that something cannot be read is a finding, and no reason to leave out the other parts. */
  async #part(what: string, work: () => void | Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const words = wordsOf(error);
      if (isOfTheMachine(error)) {
        throw new StoreError(
          `The store cannot be audited now: ${words}; free some space and try again`,
          { cause: error },
        );
      }
      if (isDamage(error)) this.#findings.addAll([damaged(words)]);
      else this.#findings.add(`${what} cannot be audited to the end (${words})`);
    }
  }

  #auditFile(): void {
    for (const row of this.#db.all("PRAGMA integrity_check(20)")) {
      const text = row.text("integrity_check").replace(/\s*\n\s*/g, " ");
      if (text !== "ok") this.#findings.addAll([damaged(text)]);
    }
    const dangling = `SELECT "table", rowid, parent FROM pragma_foreign_key_check LIMIT ${PAGE}`;
    for (const row of this.#db.all(dangling)) {
      const id = row.optional("rowid", (r, name) => ` ${r.integer(name)}`) ?? "";
      this.#findings.add(
        `A row${id} of the table "${row.text("table")}" refers to a ${
          row.text("parent")
        } that is not here`,
      );
    }
  }

  /** Chunks are numbered without holes, are whole but for the last, and belong to a content. */
  #auditContents(sizes: { contents: number; bytes: number; staged: number }): void {
    for (const row of this.#pages("content", "id", FIRST)) {
      const id = row.integer("id");
      const first = id * CHUNKS_PER_CONTENT;
      const chunks = this.#db.get(
        `SELECT count(*) AS number, coalesce(max(id), ?1 - 1) - ?1 + 1 AS places,
           coalesce(sum(length(bytes)), 0) AS bytes,
           coalesce(sum(length(bytes) <> ?3 AND (length(bytes) NOT BETWEEN 1 AND ?3 OR id <>
             (SELECT max(id) FROM chunk WHERE id >= ?1 AND id < ?2))), 0) AS odd
         FROM chunk WHERE id >= ?1 AND id < ?2`,
        first,
        first + CHUNKS_PER_CONTENT,
        CHUNK_SIZE,
      );
      if (chunks === null) continue;
      if (chunks.integer("number") !== chunks.integer("places") || chunks.integer("odd") > 0) {
        this.#findings.add(`Content ${id}: its pieces do not fit together`);
      }
      if (row.flag("staged")) sizes.staged++;
      else {
        sizes.contents++;
        sizes.bytes += chunks.integer("bytes");
      }
    }
    this.#auditStrayChunks();
  }

  /** Goes from the first chunk of each content to the first of the next: one look-up for each content. */
  #auditStrayChunks(): void {
    let at = FIRST;
    for (;;) {
      const chunk = this.#db.get("SELECT id FROM chunk WHERE id >= ? ORDER BY id LIMIT 1", at);
      if (chunk === null) return;
      const content = Math.floor(chunk.integer("id") / CHUNKS_PER_CONTENT);
      if (this.#db.get("SELECT 1 FROM content WHERE id = ?", content) === null) {
        this.#findings.add(`Content ${content}: there are pieces of it that belong to nothing`);
      }
      at = (content + 1) * CHUNKS_PER_CONTENT;
    }
  }

  #auditDrafts(): void {
    const audit = new DraftAudit(this.#db, this.#findings);
    for (const row of this.#pages("draft", "id", FIRST)) audit.check(row);
  }

  /** Only who has a message has read it. */
  #auditReaders(): void {
    for (const row of this.#db.all(`${NOT_HELD} LIMIT ${PAGE}`)) {
      this.#findings.add(
        `Message ${row.integer("message")}: ${row.text("key")} has read it and does not have it`,
      );
    }
  }

  /** No content without a message or draft, and no two of these with the same; messages look for their own. */
  #auditUse(): void {
    const unused = this.#db.all(
      `SELECT id FROM content WHERE staged = 0
       EXCEPT SELECT content FROM message EXCEPT SELECT content FROM draft_part
       EXCEPT SELECT part FROM piece LIMIT ${PAGE}`,
    );
    for (const row of unused) {
      this.#findings.add(`Content ${row.integer("id")} belongs to no message, and takes up space`);
    }
    const shared = this.#db.all(
      `SELECT content, min(id) AS one, max(id) AS other FROM
         (SELECT content, id FROM message WHERE original IS NULL UNION ALL SELECT content, draft FROM draft_part
          UNION ALL SELECT p.part, m.id FROM piece p JOIN message m USING (content) WHERE m.original IS NULL)
       GROUP BY content HAVING count(*) > 1 LIMIT ${PAGE}`,
    );
    for (const row of shared) {
      const [one, other] = [row.integer("one"), row.integer("other")];
      this.#findings.add(
        `Messages ${one} and ${other} have the same content ${row.integer("content")}`,
      );
    }
  }

  /** What is counted for a user is what is there. */
  #auditUsage(user: Row, tally: Tally): void {
    for (const name of ["recv_messages", "recv_bytes", "send_messages", "send_bytes"] as const) {
      const counted = user.integer(name);
      if (counted === tally[name]) continue;
      const address = user.text("address");
      this.#findings.add(
        `User ${address}: ${name} is counted as ${counted} where ${tally[name]} is here`,
        `limits are judged by the wrong number until a backup is restored, or the user removed and added again`,
      );
    }
  }

  #count(table: string): number {
    return this.#db.get(`SELECT count(*) AS n FROM ${table}`)?.integer("n") ?? 0;
  }

  /** The rows of a table in the order of their key, a page at a time. */
  *#pages(table: string, key: string, before: number | string): Generator<Row, void> {
    let last = before;
    for (;;) {
      const rows = this.#db.all(
        `SELECT * FROM ${table} WHERE ${key} > ? ORDER BY ${key} LIMIT ${PAGE}`,
        last,
      );
      yield* rows;
      const end = rows.at(-1);
      if (end === undefined) return;
      last = typeof before === "number" ? end.integer(key) : end.text(key);
    }
  }
}

function emptyTally(): Tally {
  return { recv_messages: 0, recv_bytes: 0, send_messages: 0, send_bytes: 0 };
}
