// Sizes, durations and counts as people write them. A parser returns the resolved number or throws
// a RangeError that says what was seen and what to write, so that fmsg.yaml and the command line
// complain in the same words.

const SIZE_UNITS = new Map([
  ["B", 1],
  ["KB", 1000],
  ["KiB", 1024],
  ["MB", 1000 ** 2],
  ["MiB", 1024 ** 2],
  ["GB", 1000 ** 3],
  ["GiB", 1024 ** 3],
]);

const DURATION_UNITS = new Map([
  ["ms", 0.001],
  ["s", 1],
  ["m", 60],
  ["h", 3600],
  ["d", 86_400],
]);

/** Bytes from a number, from digits, or from a number with a unit (`10MiB`); always whole and not negative. */
export function parseSize(value: unknown): number {
  const read = readQuantity(value, SIZE_UNITS);
  const bytes = read === null ? NaN : Math.round(read.amount * read.unit);
  // A fraction of a byte is a mistake, a fraction of a KiB is a way of speaking.
  if (read === null || !Number.isFinite(bytes) || (read.unit === 1 && bytes !== read.amount)) {
    throw new RangeError(
      `${shown(value)} is no size; write bytes as a number, or with a unit as in 10MiB`,
    );
  }
  return bytes;
}

/** Seconds (to the millisecond) from a number, from digits, or from a number with a unit (`1.5h`); not negative. */
export function parseDuration(value: unknown): number {
  const read = readQuantity(value, DURATION_UNITS);
  const seconds = read === null ? NaN : Math.round(read.amount * read.unit * 1000) / 1000;
  if (!Number.isFinite(seconds)) {
    throw new RangeError(
      `${shown(value)} is no duration; write seconds as a number, or with a unit as in 20s or 7d`,
    );
  }
  return seconds;
}

/** A number, whole or not, from `min` to `max`; digits in quotes are no number. */
export function parseNumber(
  value: unknown,
  bounds: { min: number; max: number; whole: boolean },
): number {
  const { min, max, whole } = bounds;
  if (typeof value === "number" && value >= min && value <= max) {
    if (!whole || Number.isInteger(value)) return value;
  }
  const wanted = whole ? "whole number" : "number";
  throw new RangeError(`${shown(value)} does not fit; write a ${wanted} from ${min} to ${max}`);
}

/** A value in an error message: on one line, cut when long. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "a mapping";
  if (typeof value !== "string") return String(value);
  return JSON.stringify(value.length > 80 ? value.slice(0, 79) + "…" : value);
}

/** Amount and unit, where a missing unit counts 1; null for anything else. */
function readQuantity(
  value: unknown,
  units: ReadonlyMap<string, number>,
): { amount: number; unit: number } | null {
  if (typeof value === "number") return value >= 0 ? { amount: value, unit: 1 } : null;
  if (typeof value !== "string") return null;
  const match = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(value);
  if (match === null) return null;
  const [, digits = "", name = ""] = match;
  const unit = name === "" ? 1 : units.get(name);
  return unit === undefined ? null : { amount: Number(digits), unit };
}
