// Times in the words of FMSG-003.

/** RFC 3339 in UTC, to the second: some clients read no fraction. */
export function rfc3339(posixSeconds: number): string {
  return new Date(Math.floor(posixSeconds) * 1000).toISOString().replace(".000Z", "Z");
}

/** A time in the form of RFC 3339 in POSIX seconds; null for anything else, a 30th of February included. */
export function readRfc3339(text: string): number | null {
  const day = /^(\d{4}-\d{2}-\d{2})[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/
    .exec(text)?.[1];
  // `Date` reads a day too many as one of the next month.
  if (day === undefined || !isDay(day)) return null;
  const milliseconds = Date.parse(text.toUpperCase());
  return Number.isNaN(milliseconds) ? null : milliseconds / 1000;
}

function isDay(day: string): boolean {
  const midnight = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(day);
}
