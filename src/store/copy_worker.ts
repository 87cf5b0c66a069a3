// The thread that copies a store: SQLite does not return before the copy is whole, and signals have to be heard meanwhile.

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

import { openForReading } from "./opening.ts";

/** What to copy: the store of a data directory, to a file that is not there. */
export interface CopyRequest {
  readonly dataDir: string;
  readonly file: string;
}

/** Null when the copy is whole, or why there is none. */
export type CopyResult = string | null;

self.onmessage = ({ data }: MessageEvent<CopyRequest>) => {
  self.postMessage(copy(data));
  self.close();
};

function copy({ dataDir, file }: CopyRequest): CopyResult {
  try {
    using db = openForReading(dataDir);
    // One state of the store, whatever is written meanwhile, and without the pages that nothing uses.
    db.run("VACUUM INTO ?", file);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
