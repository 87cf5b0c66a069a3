// A moment as the reader's own clock has it; the whole of it shows when it is pointed at.

import type { JSX } from "preact";
import { fullTime, shortTime, timeWords } from "../words.ts";
import { now } from "./now.ts";

/**
 * `at` in milliseconds. `short` for lists (a clock time today, else the date), `words` within a sentence ("at 14:05",
 * "yesterday 14:05"), `full` for details. Nothing for what is no time.
 */
export function Time(
  { at, form = "short" }: {
    readonly at: number;
    readonly form?: "short" | "words" | "full";
  },
): JSX.Element | null {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return null;
  return (
    <time dateTime={date.toISOString()} title={form === "full" ? undefined : fullTime(at)}>
      {textOf(at, form)}
    </time>
  );
}

function textOf(at: number, form: "short" | "words" | "full"): string {
  switch (form) {
    case "short":
      return shortTime(at, now.value);
    case "words":
      return timeWords(at, now.value);
    case "full":
      return fullTime(at);
  }
}
