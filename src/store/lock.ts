// One process at a time owns a data directory.

import { join } from "node:path";
import { own, StoreError } from "./database.ts";

/** Holds a data directory until it is disposed of. */
export class DirectoryLock implements Disposable {
  private constructor(private readonly file: Deno.FsFile) {}

  /** Takes the lock; null when another process has it, whose id `lockOwner` tells. */
  static take(dataDir: string): DirectoryLock | null {
    const path = lockFile(dataDir);
    const file = openLock(path);
    if (!file.tryLockSync(true)) {
      file.close();
      return null;
    }
    try {
      // Truncated last: what is there is written over, which takes no room on a full disk.
      file.truncateSync(file.writeSync(new TextEncoder().encode(`${Deno.pid}\n`)));
      own(path, dataDir);
    } catch (error) {
      file.close();
      throw cannotUse(path, error);
    }
    return new DirectoryLock(file);
  }

  [Symbol.dispose](): void {
    this.file.unlockSync();
    this.file.close();
  }
}

/** The process that holds, or last held, the directory. */
export function lockOwner(dataDir: string): string {
  return Deno.readTextFileSync(lockFile(dataDir)).trim();
}

function lockFile(dataDir: string): string {
  return join(dataDir, "lock");
}

function openLock(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { read: true, write: true, create: true });
  } catch (error) {
    throw cannotUse(path, error);
  }
}

function cannotUse(path: string, error: unknown): StoreError {
  return new StoreError(
    `Cannot use the data directory (${path}): ${error instanceof Error ? error.message : error}`,
    { cause: error },
  );
}
