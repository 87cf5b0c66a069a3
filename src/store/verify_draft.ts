// The audit of one draft: whose it is, and that each of its parts is here.

import { fold } from "../wire/mod.ts";
import { CHUNKS_PER_CONTENT } from "./contents.ts";
import type { Database, Row } from "./database.ts";
import { draftById } from "./drafts.ts";
import { type Findings, isOfTheMachine, wordsOf } from "./findings.ts";

export class DraftAudit {
  readonly #db: Database;
  readonly #findings: Findings;

  constructor(db: Database, findings: Findings) {
    this.#db = db;
    this.#findings = findings;
  }

  /** Looks at a row of the table of drafts and at all that belongs to it. */
  check(row: Row): void {
    const id = row.integer("id");
    const problem = this.#problem(row, id);
    if (problem === null) return;
    this.#findings.add(
      `Draft ${id}: ${problem}`,
      `restore a backup, or delete it with "fmsg message delete ${id}"`,
    );
  }

  #problem(row: Row, id: number): string | null {
    try {
      const draft = draftById(this.#db, id);
      if (draft === null) return "it is gone";
      const { fields, contents } = draft;
      if (row.text("from_key") !== fold(fields.from)) {
        return "it is kept for another than its sender";
      }
      const parts = [
        { name: "its data", size: fields.body.size },
        ...fields.attachments.map(({ filename, size }) => ({
          name: `its attachment "${filename}"`,
          size,
        })),
      ];
      if (contents.length !== parts.length) {
        return `${contents.length} of its ${parts.length} parts are here`;
      }
      for (const [i, { name, size }] of parts.entries()) {
        const here = this.#bytesOf(contents[i] ?? 0);
        if (here !== size) return `${here} of the ${size} bytes of ${name} are here`;
      }
      const taken = parts.reduce((sum, { size }) => sum + size, this.#textOf(id));
      return row.integer("bytes") === taken
        ? null
        : `it is counted as ${row.integer("bytes")} bytes where ${taken} are here`;
    } catch (error) {
      if (isOfTheMachine(error)) throw error;
      return `it cannot be read (${wordsOf(error)})`;
    }
  }

  /** Bytes of what a draft says and the batches that wait with it. */
  #textOf(draft: number): number {
    return this.#db.get(
      `SELECT octet_length(fields) +
         coalesce((SELECT sum(octet_length(fields)) FROM draft_batch WHERE draft = ?1), 0) AS bytes
       FROM draft WHERE id = ?1`,
      draft,
    )?.integer("bytes") ?? 0;
  }

  /** Bytes of a content that stays. */
  #bytesOf(content: number): number {
    const first = content * CHUNKS_PER_CONTENT;
    return this.#db.get(
      `SELECT coalesce(sum(length(bytes)), 0) AS bytes FROM chunk WHERE id >= ?1 AND id < ?2
       AND EXISTS (SELECT 1 FROM content WHERE id = ?3 AND staged = 0)`,
      first,
      first + CHUNKS_PER_CONTENT,
      content,
    )?.integer("bytes") ?? 0;
  }
}
