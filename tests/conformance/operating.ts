// What tests of operating a host share: its status, and its counts at rest.

import assert from "node:assert/strict";
import type { Status } from "../../src/host/mod.ts";
import type { HostProcess } from "../support/host_process.ts";
import { waitFor } from "../support/wait.ts";
import { connectToHost, type HostConnection } from "../../src/host/mod.ts";

/** The running host, as a command reaches it. */
export async function operatorOf(host: HostProcess): Promise<HostConnection> {
  const connection = await connectToHost(host.dataDir);
  assert.ok(connection !== null, `${host.domain} does not answer`);
  return connection;
}

export async function statusOf(host: HostProcess): Promise<Status> {
  using operator = await operatorOf(host);
  return await operator.status();
}

/** Waits until the host's status is as it should be. */
export async function statusWhen(
  host: HostProcess,
  what: string,
  isSo: (status: Status) => boolean,
): Promise<Status> {
  using operator = await operatorOf(host);
  return await waitFor(async () => {
    const status = await operator.status();
    return isSo(status) && status;
  }, { what });
}

/**
 * Waits until the host's counts are what they were; throws with those that are not. One timer more may run: refusals of an
 * address are told together a minute later.
 */
export async function comesToRest(host: HostProcess, rest: Status["counts"]): Promise<void> {
  let now: Status["counts"] | null = null;
  await statusWhen(host, "the host to come to rest", ({ counts }) => {
    now = { ...counts, timers: Math.max(rest.timers, counts.timers - 1) };
    return JSON.stringify(now) === JSON.stringify(rest);
  }).catch((error: unknown) => {
    assert.deepEqual(now, rest, String(error));
  });
}
