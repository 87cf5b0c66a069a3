// The time, as a server of it tells (SNTP: RFC 5905, as a client that asks once).

import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { type Exchanged, exchangeUdp } from "./dns/exchange.ts";
import type { Server } from "./dns/mod.ts";

/** By how many seconds `server` is ahead of this machine; null when it does not tell in time. */
export async function askTime(
  server: Server,
  scope: { readonly timeout: number; readonly signal: AbortSignal },
  now: () => number = Date.now,
): Promise<number | null> {
  if (scope.signal.aborted) return null;
  // What is sent as the time comes back, so that no answer to another question counts.
  const mark = randomBytes(8);
  const query = Buffer.alloc(PACKET_SIZE);
  query[0] = VERSION_4 | MODE_CLIENT;
  mark.copy(query, TRANSMITTED);
  const sent = now();
  const got: Exchanged<number> = await exchangeUdp(server, query, (bytes) => {
    const times = read(Buffer.from(bytes), mark);
    if (times === null) return null;
    return (times.received - sent / 1000 + times.transmitted - now() / 1000) / 2;
  }, { ...scope, sockets: { open: 0 } });
  return got.kind === "answered" ? got.answer : null;
}

const PACKET_SIZE = 48;
const VERSION_4 = 4 << 3;
const MODE_CLIENT = 3;
const MODE_SERVER = 4;
const ORIGINATED = 24;
const RECEIVED = 32;
const TRANSMITTED = 40;

/** In POSIX seconds; null for what is no answer, or one of a server that does not know the time itself. */
function read(bytes: Buffer, mark: Buffer): { received: number; transmitted: number } | null {
  if (bytes.length < PACKET_SIZE) return null;
  const [head = 0, stratum = 0] = bytes;
  const isSynchronised = head >> 6 !== 3 && stratum > 0 && stratum < 16;
  if ((head & 7) !== MODE_SERVER || !isSynchronised) return null;
  if (!bytes.subarray(ORIGINATED, ORIGINATED + 8).equals(mark)) return null;
  return { received: secondsAt(bytes, RECEIVED), transmitted: secondsAt(bytes, TRANSMITTED) };
}

/** Seconds since 1900 in 32 bits, which begin again in 2036, and a fraction. */
function secondsAt(bytes: Buffer, offset: number): number {
  const seconds = bytes.readUInt32BE(offset);
  const era = seconds < 2 ** 31 ? 2 ** 32 : 0;
  return seconds + era - SECONDS_TO_1970 + bytes.readUInt32BE(offset + 4) / 2 ** 32;
}

const SECONDS_TO_1970 = 2_208_988_800;
