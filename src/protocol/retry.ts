// What an answer means for delivery, and when to try again (1.1.2, 1.1.3; row D6).

import {
  ACCEPT,
  ACCEPT_ADD_TO,
  DUPLICATE,
  INSUFFICIENT_RESOURCES,
  UNDISCLOSED,
  USER_DUPLICATE,
  USER_FULL,
} from "../wire/mod.ts";

/** A code as the end of a delivery, or as a reason to try again. */
export type Meaning = "delivered" | "temporary" | "final";

export function meaningOf(code: number): Meaning {
  switch (code) {
    case ACCEPT:
    case ACCEPT_ADD_TO:
    case DUPLICATE:
    case USER_DUPLICATE:
      return "delivered";
    case UNDISCLOSED:
    case INSUFFICIENT_RESOURCES:
    case USER_FULL:
      return "temporary";
    default:
      return "final";
  }
}

/**
 * Seconds until the attempt after `attempts` that failed: exponential from `initial` up to `max`, and up to 20 % more or
 * less so that hosts which failed together do not come back together. `random` is in [0, 1).
 */
export function retryDelay(
  attempts: number,
  policy: { readonly initial: number; readonly max: number },
  random: number,
): number {
  const delay = Math.min(policy.max, policy.initial * 2 ** Math.min(attempts - 1, 40));
  return delay * (0.8 + 0.4 * random);
}
