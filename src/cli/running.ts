// Commands that ask the running host, and mean nothing without one.

import { connectToHost, type HostConnection } from "../host/mod.ts";
import type { Config } from "../config.ts";
import { CommandError } from "./context.ts";

/** Runs `work` with the running host. Throws a CommandError when none runs. */
export async function withHost<Result>(
  config: Config,
  work: (host: HostConnection) => Promise<Result>,
): Promise<Result> {
  using host = await connectToHost(config.data_dir);
  if (host !== null) return await work(host);
  throw new CommandError(
    `No host runs on ${config.data_dir}: start it with "fmsg host run", or name its configuration with --config`,
  );
}
