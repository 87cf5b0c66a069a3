// What the writer of a store was doing when its process was killed, read from the files that SQLite left behind.

import { join } from "node:path";
import { existsSync, readFileSync, statSync } from "node:fs";

export type WriterWork =
  /** Frames of the log were being copied into the store's file. */
  | "in a checkpoint"
  /** Frames of a transaction were in the log, or on their way to the disk, and not committed. */
  | "in a commit"
  | "at rest";

/**
 * Has to be called after the process's end, and before anybody opens the store again: that makes the index anew. The
 * process had opened the store before `since`, in milliseconds.
 */
export function writerWork(dataDir: string, since: number): WriterWork {
  const index = join(dataDir, "fmsg.db-shm");
  const log = join(dataDir, "fmsg.db-wal");
  if (!existsSync(index) || !existsSync(log)) return "at rest";
  const view = viewOf(index);
  if (view.byteLength < 136) return "at rest";
  // "The WAL-Index File Format", 2.1 and 2.2: little-endian, as the machine is.
  const committed = view.getUint32(16, true);
  const done = view.getUint32(96, true);
  const attempted = view.getUint32(128, true);
  // It is so after a recovery, too; but nothing except a checkpoint writes to the store's file.
  const written = statSync(join(dataDir, "fmsg.db")).mtimeMs;
  if (attempted > done && written > since) return "in a checkpoint";
  return hasFrame(viewOf(log), committed) ? "in a commit" : "at rest";
}

/** Is there a frame of the log's present use at this position? "The WAL File Format": big-endian. */
function hasFrame(log: DataView, position: number): boolean {
  const header = 32;
  if (log.byteLength < header) return false;
  const page = log.getUint32(8);
  const at = header + position * (24 + page);
  if (log.byteLength < at + 24) return false;
  return log.getUint32(at + 8) === log.getUint32(16) &&
    log.getUint32(at + 12) === log.getUint32(20);
}

function viewOf(file: string): DataView {
  const bytes = readFileSync(file);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
