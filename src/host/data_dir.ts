// The directory of the host's data: made where there is none, and taken for as long as the host runs.

import { mkdirSync } from "node:fs";
import { DirectoryLock, lockOwner, StoreError } from "../store/mod.ts";
import { connectToHost } from "./control_client.ts";

/** How long a command may hold the data directory that a host wants, in milliseconds. */
const LOCK_WAIT_MS = 5000;

/** Throws a StoreError that tells why there is none. */
export function makeDataDir(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new StoreError(
      `data_dir: cannot make the directory ${dataDir}: ${
        error instanceof Error ? error.message : error
      }; make it, or choose another`,
      { cause: error },
    );
  }
}

/** Takes the directory; a command that uses it while no host runs is waited for. */
export async function lockDataDir(dataDir: string): Promise<DirectoryLock> {
  const waitUntil = Date.now() + LOCK_WAIT_MS;
  for (;;) {
    const taken = DirectoryLock.take(dataDir);
    if (taken !== null) return taken;
    const host = await connectToHost(dataDir);
    host?.close();
    if (host !== null || Date.now() > waitUntil) {
      throw new StoreError(
        `Process ${
          lockOwner(dataDir)
        } runs on ${dataDir} already: stop it first, or use another data_dir`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
