// The ranges of IP addresses that a grant's key may be used from (FMSG-003 "allowed_cidrs").

import { parseCidr } from "../../config.ts";

/** Everywhere. */
export const ANYWHERE = ["0.0.0.0/0", "::/0"] as const;

/** The range in its one spelling; null for what is none. One address alone, without its bits, is none. */
export function readRange(text: string): string | null {
  if (!text.includes("/")) return null;
  try {
    return parseCidr(text.trim());
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
