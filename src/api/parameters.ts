// Parameters and values that several routes have in common (FMSG-003 "Common Conventions").

import * as v from "valibot";
import { isFilename } from "../wire/mod.ts";

/** The largest id there can be: 2^63 - 1. */
const LARGEST_ID = 2n ** 63n - 1n;

/**
 * `:id` of a path ("Identifiers"). One beyond what JavaScript counts exactly is as valid as any other, and no message
 * has it: it becomes 0, which none has either.
 */
export const MESSAGE_ID = v.pipe(
  v.string(),
  v.check(
    (text) => /^[1-9][0-9]{0,18}$/.test(text) && BigInt(text) <= LARGEST_ID,
    "has to be a positive integer",
  ),
  v.transform((text) => Number.isSafeInteger(Number(text)) ? Number(text) : 0),
  v.number(),
  v.integer(),
);

/** A path with `:id` alone. */
export const BY_ID = v.object({ id: MESSAGE_ID });

/** A path with `:filename` behind it: one segment, by the rules for names of attachments. */
export const BY_FILENAME = v.object({
  id: MESSAGE_ID,
  filename: v.pipe(
    v.string(),
    v.transform((name) => name.normalize("NFC")),
    v.string(),
    v.check(isFilename, "is no name of an attachment"),
  ),
});

/** Of a query. Digits alone; more of them than JavaScript counts are as much as it counts. */
const COUNT = v.pipe(
  v.string(),
  v.regex(/^[0-9]+$/, "has to be an integer, and not negative"),
  v.transform((text) => Math.min(Number(text), Number.MAX_SAFE_INTEGER)),
  v.number(),
  v.integer(),
  v.minValue(0),
);

/** The page of a list: `limit` and `offset` of `GET /fmsg`. */
export const PAGE_ENTRIES = {
  limit: v.optional(
    v.pipe(
      COUNT,
      v.check((limit) => limit > 0, "has to be a positive integer"),
      v.transform((limit) => Math.min(limit, 100)),
      v.number(),
      v.integer(),
      v.minValue(1),
      v.description("How many at most; more than 100 is 100"),
    ),
    "20",
  ),
  offset: v.optional(v.pipe(COUNT, v.description("How many are left out before them")), "0"),
};

/** Beyond FMSG-003, and as quick however far it is down the list: a client goes on below the last id that it has. */
const BEFORE = v.optional(
  v.pipe(
    COUNT,
    v.check((id) => id > 0, "has to be a positive integer"),
    v.minValue(1),
    v.description("Only ids below this one (beyond FMSG-003)"),
  ),
);

export const PAGE = v.object({ ...PAGE_ENTRIES, before: BEFORE });
