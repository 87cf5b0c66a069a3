// When something is to expire, as it is typed: after a duration, or at a time.

import { parseDuration } from "../config.ts";
import { UsageError } from "./context.ts";

/** RFC 3339: a date, a time, and a zone. */
const TIME = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;

/** The seconds from now until what was typed as --expires; more than none, and at most `days`. */
export function typedLifetime(text: string, days: number): number {
  const seconds = secondsOf(text);
  if (seconds > 0 && seconds <= days * 86_400) return seconds;
  throw new UsageError(
    `--expires: "${text}" does not fit; it has to be later than now, and in ${days} days at most`,
  );
}

function secondsOf(text: string): number {
  const time = TIME.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(time)) return (time - Date.now()) / 1000;
  try {
    return parseDuration(text);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(
      `--expires: "${text}" is neither a duration nor a time; write one as in 90d or 2027-01-31T12:00:00Z`,
      { cause: error },
    );
  }
}
