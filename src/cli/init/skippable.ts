// Work that takes its time, and that a person may have enough of.

import process from "node:process";
import { Interruption } from "./interruption.ts";

/** Runs `work`, whose signal comes with Ctrl-C and, where a person is there, with Enter. */
export async function skippable<Result>(
  byEnter: boolean,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  using interruption = new Interruption();
  if (!byEnter) return await work(interruption.signal);
  const enter = new AbortController();
  const skip = (): void => enter.abort();
  const events = ["data", "end", "error"];
  for (const event of events) process.stdin.once(event, skip);
  process.stdin.resume();
  try {
    return await work(AbortSignal.any([interruption.signal, enter.signal]));
  } finally {
    for (const event of events) process.stdin.off(event, skip);
    process.stdin.pause();
  }
}
