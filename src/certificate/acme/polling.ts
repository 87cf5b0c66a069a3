// Asking again until something is through, as often as the authority wants it.

import type { Received } from "./session.ts";

/** The longest that an authority may let us wait between two questions, in milliseconds. */
const LONGEST_MS = 60_000;

/** The longest that we wait when it does not say, in milliseconds. */
const USUAL_LONGEST_MS = 10_000;

export interface Pace {
  /** Milliseconds before the second question, and the least between any two. */
  readonly firstMs: number;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/**
 * Asks until `isThrough`; between questions it waits as long as Retry-After says, within bounds, or `firstMs` and then
 * longer each time. Throws what `ask` throws, or the reason of `signal`, which has to end it some time.
 */
export async function poll<T>(
  ask: () => Promise<Received<T>>,
  isThrough: (value: T) => boolean,
  { firstMs, now, signal }: Pace,
): Promise<T> {
  for (let usual = firstMs;; usual = Math.min(usual * 1.5, USUAL_LONGEST_MS)) {
    const { value, retryAfter } = await ask();
    if (isThrough(value)) return value;
    const asked = retryAfter === null ? usual : retryAfter.getTime() - now();
    await sleep(Math.min(Math.max(asked, firstMs), LONGEST_MS), signal);
  }
}

/** Throws the reason of `signal` as soon as it aborts. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", aborted);
    };
    const aborted = (): void => {
      end();
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      end();
      resolve();
    }, ms);
    signal.addEventListener("abort", aborted);
  });
}
