// Copies of a store: made while messages come in, audited, and taken over.

import { DatabaseSync } from "node:sqlite";
import { statSync } from "node:fs";
import { type CopyRequest, type CopyResult } from "./copy_worker.ts";
import { StoreError, storeFile } from "./database.ts";
import { openForReading } from "./opening.ts";
import { damaged, type Finding, isDamage, wordsOf } from "./findings.ts";
import type { WriterSettings } from "./operations.ts";
import { isFull } from "./reserve.ts";
import { requireReadable } from "./upgrade.ts";
import { type AuditProgress, StoreAudit } from "./verify.ts";
import { Writer } from "./writer.ts";

/** What a store holds, in figures. */
export interface StoreSummary {
  /** Messages, with batches of added recipients, but not drafts. */
  readonly messages: number;
  readonly users: number;
  readonly drafts: number;
  /** Deliveries that wait. */
  readonly waiting: number;
  /** When the newest message was sent, in POSIX seconds; null when there is none. */
  readonly last: number | null;
  /** Bytes of the store's file. */
  readonly size: number;
}

/** How many bytes a copy of the store takes while it is made. */
export function copySize(dataDir: string): number {
  using db = openForReading(dataDir);
  const pages = (name: string): number => db.get(`PRAGMA ${name}`)?.integer(name) ?? 0;
  return pages("page_count") * pages("page_size");
}

/**
 * Copies the store of a data directory into the folder `into`, which has none, while it may be written to: the copy is one
 * state of it, without the remains of what was deleted. Throws a StoreError that says why there is no copy.
 */
export async function copyStore(dataDir: string, into: string): Promise<void> {
  const file = storeFile(into);
  const worker = new Worker(new URL("./copy_worker.ts", import.meta.url).href, {
    type: "module",
    name: "fmsg-copy",
  });
  try {
    const failure = await new Promise<CopyResult>((resolve) => {
      worker.onmessage = ({ data }: MessageEvent<CopyResult>) => resolve(data);
      worker.onerror = (event) => {
        event.preventDefault();
        resolve(event.message);
      };
      worker.postMessage({ dataDir, file } satisfies CopyRequest);
    });
    if (failure !== null) throw notCopied(failure, into);
  } finally {
    worker.terminate();
  }
  Deno.chmodSync(file, 0o600);
}

function notCopied(failure: string, into: string): StoreError {
  if (/disk is full/.test(failure) || isFull(into)) {
    return new StoreError(
      "The disk is full, and there is no copy: free some space, or copy to another disk",
    );
  }
  return new StoreError(
    `The store cannot be copied: ${failure}; "fmsg host verify" says more`,
  );
}

/** The audit of a copy that was made while messages came in, and what is in it. */
export async function auditCopy(
  folder: string,
): Promise<StoreSummary & { readonly findings: readonly Finding[] }> {
  using audit = StoreAudit.begin(folder);
  const { findings } = await audit.run({ hostRuns: true });
  return { ...summarize(folder), findings };
}

/** A copy that a host may take over if nothing is wrong with it. */
export interface Adoptable extends StoreSummary {
  /** The domains of its users. */
  readonly domains: readonly string[];
  readonly findings: readonly Finding[];
}

/**
 * Brings a copy in a folder of its own to the state in which a host takes it over, and audits it. Throws a StoreError when
 * it is none of ours, or of a newer program.
 */
export async function adoptCopy(
  folder: string,
  settings: WriterSettings,
  progress?: AuditProgress,
): Promise<Adoptable> {
  try {
    requireStore(folder);
    // What was on its way in when the copy was made is swept; closed last, so that all is in the one file.
    using _writer = Writer.open(folder, settings, () => {}, { keepCopy: false });
    using audit = StoreAudit.begin(folder);
    const { findings } = await audit.run({ hostRuns: false, progress });
    return { ...summarize(folder), domains: domainsOfUsers(folder), findings };
  } catch (error) {
    if (!isDamage(error)) throw error;
    return { ...NOTHING, domains: [], findings: [damaged(wordsOf(error))] };
  }
}

const NOTHING: StoreSummary = {
  messages: 0,
  users: 0,
  drafts: 0,
  waiting: 0,
  last: null,
  size: 0,
};

/** Looked at before it is opened for writing, which would make a store of any database. */
function requireStore(folder: string): void {
  const db = new DatabaseSync(storeFile(folder), { readOnly: true });
  try {
    const version = requireReadable(db, "it");
    const table = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'message'").get();
    if (version < 1 || table === undefined) {
      throw new StoreError("it is a database, and no store of fmsg");
    }
  } finally {
    db.close();
  }
}

function summarize(folder: string): StoreSummary {
  using db = openForReading(folder);
  const count = (sql: string): number =>
    db.get(`SELECT count(*) AS n FROM ${sql}`)?.integer("n") ?? 0;
  return {
    messages: count("message"),
    users: count("user"),
    drafts: count("draft"),
    waiting: count("outbound WHERE state IN ('blocked', 'waiting')"),
    last: db.get("SELECT time FROM message ORDER BY id DESC LIMIT 1")?.real("time") ?? null,
    size: statSync(storeFile(folder)).size,
  };
}

/** The part of the folded address behind its second @. */
function domainsOfUsers(folder: string): string[] {
  using db = openForReading(folder);
  return db.all(
    "SELECT DISTINCT substr(key, 2 + instr(substr(key, 2), '@')) AS domain FROM user ORDER BY domain",
  ).map((row) => row.text("domain"));
}
