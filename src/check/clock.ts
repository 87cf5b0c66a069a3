// The clock: a message from the future is refused (code 8 at receivers), and certificates go by the time.

import { askTime, lookAt, type Server } from "../net/mod.ts";
import { type Finding, findingsOn } from "./finding.ts";
import type { Subject } from "./subject.ts";

const on = findingsOn("clock");

/** What receivers allow unless their operators think otherwise, in seconds (specification, MAX_TIME_SKEW). */
const USUAL_SKEW = 20;

const ASK_MS = 3000;
const MAX_SERVERS = 4;

/** By how many seconds this machine is behind; null when nobody tells. */
export async function lookAtClock(
  { outside, signal }: Subject,
  resolvers: readonly Server[],
): Promise<number | null> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)]);
  const { name, port } = outside.timeServers;
  const found = await Promise.any(resolvers.map(async (server) => {
    const { resolution } = await lookAt(server, { name, type: "A" }, within);
    if (resolution.kind !== "addresses") throw new Error("no address");
    return resolution.addresses;
  })).catch(() => []);
  const told = await Promise.all(
    found.slice(0, MAX_SERVERS).map((ip) => askTime({ ip, port }, { timeout: ASK_MS, signal })),
  );
  // One that is wrong does not count where others are right.
  const offsets = told.filter((offset) => offset !== null).sort((a, b) => a - b);
  return offsets[Math.floor(offsets.length / 2)] ?? null;
}

/** `behind` in seconds, null when nobody told. */
export function judgeClock(behind: number | null, asked: string, skew = USUAL_SKEW): Finding {
  if (behind === null) {
    return on.warning(
      "clock",
      `Nobody told the time: ${asked} does not answer, or UDP port 123 is closed`,
      "see for yourself that the clock is right (date -u), and that a service sets it (timedatectl)",
    );
  }
  const off = Math.abs(behind);
  const text = off < 0.5
    ? "The clock is right"
    : `The clock is ${off < 10 ? off.toFixed(1) : Math.round(off)} s ${
      behind > 0 ? "behind" : "ahead"
    }`;
  const remedy = "let a service set it: timedatectl set-ntp true, or install chrony";
  if (off > Math.min(skew, USUAL_SKEW)) {
    return on.fail(
      "clock",
      `${text}: ${
        behind < 0
          ? "other hosts refuse its messages as too far in the future (code 8)"
          : "it refuses messages of others as too far in the future (code 8)"
      }`,
      remedy,
    );
  }
  if (off > USUAL_SKEW / 4) return on.warning("clock", text, remedy);
  return on.ok("clock", text);
}
