// What a ban looks like from outside.

import assert from "node:assert/strict";
import { once } from "node:events";
import type { HostProcess } from "../support/host_process.ts";
import { NoConnection } from "../support/line.ts";
import type { Peer } from "../support/peer.ts";
import { within } from "../support/wait.ts";

/** Connections of the peer from this address are ended before the handshake, and the log says why. */
export async function refusedUnheard(
  host: HostProcess,
  peer: Peer,
  source: string,
): Promise<void> {
  await assert.rejects(peer.dial({ source }), NoConnection);
  const raw = await peer.dialTcp({ source });
  let bytes = 0;
  raw.on("data", (chunk) => bytes += chunk.length);
  raw.on("error", () => {});
  await within(
    20_000,
    `the host to refuse ${source}`,
    Promise.race([once(raw, "end"), once(raw, "close")]),
  );
  raw.destroy();
  assert.equal(bytes, 0);
  await host.logLine((line) =>
    line.msg === "refused" && line.peer === source && line.reason === "banned"
  );
}
