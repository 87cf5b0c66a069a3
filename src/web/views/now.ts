// The time as the page shows it: it goes on by the minute, so that "today" ends at midnight and "soon" comes.

import { type Signal, signal } from "@preact/signals";

const MINUTE = 60_000;

/** Milliseconds since 1970. */
export const now: Signal<number> = signal(Date.now());

setInterval(() => {
  now.value = Date.now();
}, MINUTE);

// A page that slept: what is seen first is not to be yesterday's.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") now.value = Date.now();
});
