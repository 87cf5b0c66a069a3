// The store: that it can be opened, that there is somebody to receive, and what waits to go out.

import { existsSync } from "node:fs";
import type { Config } from "../config.ts";
import { type Overview, storeFile, StoreReader, type WaitingDomain } from "../store/mod.ts";
import { counted, type Finding, findingsOn, wordsOf } from "./finding.ts";

const on = findingsOn("data");

/** A message that waits for longer is a worry, in seconds. */
const LONG_WAIT = 3600;

export function examineStore({ data_dir, domain }: Config): Finding[] {
  if (!existsSync(storeFile(data_dir))) {
    return [on.warning(
      "users",
      "There is no store yet, and so nobody who can receive messages",
      `add somebody: fmsg user add @you@${domain}`,
    )];
  }
  try {
    using reader = new StoreReader(data_dir);
    const overview = reader.overview();
    return [
      on.ok("store", `The store has ${counted(overview.messages, "message")}`),
      judgeUsers(overview.users, domain),
      judgeQueue(overview, reader.mostWaiting(), Date.now() / 1000),
    ];
  } catch (error) {
    return [on.fail(
      "store",
      wordsOf(error),
      'look closer with "fmsg host verify"; a damaged store is replaced by "fmsg host restore BACKUP"',
    )];
  }
}

export function judgeUsers(users: number, domain: string): Finding {
  if (users > 0) return on.ok("users", `${counted(users, "user")} can receive messages`);
  return on.warning(
    "users",
    "There are no users: every message is refused",
    `add somebody: fmsg user add @you@${domain}`,
  );
}

/** `now` in POSIX seconds. */
export function judgeQueue(
  { waiting, oldest }: Pick<Overview, "waiting" | "oldest">,
  domains: readonly WaitingDomain[],
  now: number,
): Finding {
  if (oldest === null) return on.ok("queue", "Nothing waits for delivery");
  const age = Math.max(0, now - oldest);
  const seen = `${counted(waiting, "delivery", "deliveries")} ${
    waiting === 1 ? "waits" : "wait"
  }, the oldest for ${ageText(age)}`;
  if (age < LONG_WAIT) return on.ok("queue", seen);
  const [worst] = domains.filter(({ last_error }) => last_error !== null);
  const why = worst === undefined ? "" : `; ${worst.domain}: ${worst.last_error}`;
  const whom = (worst ?? domains[0])?.domain ?? "DOMAIN";
  return on.warning(
    "queue",
    seen + why,
    `see "fmsg queue list"; "fmsg host check ${whom}" examines the other host`,
  );
}

/** Seconds, in the largest unit. */
export function ageText(seconds: number): string {
  for (const [unit, length] of [["day", 86_400], ["hour", 3600], ["minute", 60]] as const) {
    if (seconds >= length) return counted(Math.floor(seconds / length), unit);
  }
  return counted(Math.floor(seconds), "second");
}
