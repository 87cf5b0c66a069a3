// The thread that copies a store: SQLite does not return before the copy is whole, and signals have to be heard meanwhile.

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import { backup, DatabaseSync } from "node:sqlite";
import { openForReading } from "./opening.ts";

/** What to copy: the store of a data directory, to a file that is not there. */
export interface CopyRequest {
  readonly dataDir: string;
  readonly file: string;
}

/** Null when the copy is whole, or why there is none. */
export type CopyResult = string | null;

self.onmessage = async ({ data }: MessageEvent<CopyRequest>) => {
  self.postMessage(await copy(data));
  self.close();
};

// Not VACUUM INTO, for which the runtime wants every permission there is.
async function copy({ dataDir, file }: CopyRequest): Promise<CopyResult> {
  try {
    using db = openForReading(dataDir);
    // In one step: one state of the store, whatever is written meanwhile.
    await backup(db.connection, file, { rate: ALL_PAGES });
    const made = new DatabaseSync(file);
    try {
      // A link is good once: what is used after this copy was made must not be good again in a restored host.
      made.exec("DELETE FROM sign_in_link");
      // A file that needs none beside it, and without the pages that nothing uses.
      made.exec("PRAGMA journal_mode = DELETE; PRAGMA incremental_vacuum");
    } finally {
      made.close();
    }
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const ALL_PAGES = 2 ** 31 - 1;
