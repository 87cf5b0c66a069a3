// Commands that ask the running host, and mean nothing without one.

import { existsSync } from "node:fs";
import { connectToHost, type HostConnection } from "../host/mod.ts";
import { DirectoryLock, lockOwner, storeFile } from "../store/mod.ts";
import type { Config } from "../config.ts";
import { CommandError } from "./context.ts";

/** Runs `work` with the running host. Throws a CommandError when none runs. */
export async function withHost<Result>(
  { data_dir }: Config,
  work: (host: HostConnection) => Promise<Result>,
): Promise<Result> {
  using host = await connectToHost(data_dir);
  if (host !== null) return await work(host);
  const holder = holderOf(data_dir);
  throw new CommandError(
    holder === null
      ? `No host runs on ${data_dir}: start it with "fmsg host run", or name its configuration with --config`
      : `Process ${holder} holds ${data_dir} and does not answer yet, or no more: it may be a host that starts or stops; try again`,
  );
}

/** The process that holds a data directory; null when none does. */
function holderOf(dataDir: string): string | null {
  if (!existsSync(storeFile(dataDir))) return null;
  using lock = DirectoryLock.take(dataDir);
  return lock === null ? lockOwner(dataDir) : null;
}
