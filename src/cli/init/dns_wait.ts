// Waiting until the records of fmsg.<domain> can be seen.

import type { Config } from "../../config.ts";
import { createResolver, type Resolution } from "../../net/mod.ts";
import type { Addresses } from "./records.ts";

export type RecordsOutcome =
  | { readonly state: "seen" }
  /** What was seen at last, in words. */
  | { readonly state: "not seen"; readonly reason: string }
  | { readonly state: "skipped" };

export interface Waiting {
  readonly seconds: number;
  readonly signal: AbortSignal;
  /** Told what is seen, when that changes. */
  readonly tell: (line: string) => void;
  /** Seconds before the next look; they double up to `LONGEST_PAUSE_S`. */
  readonly pause?: number;
}

/**
 * Asks the configured DNS servers until they give exactly the addresses that are to be there (any, where it is not known
 * which), or the time is over.
 */
export async function waitForRecords(
  { domain, dns }: Pick<Config, "domain" | "dns">,
  wanted: Addresses,
  { seconds, signal, tell, pause = 1 }: Waiting,
): Promise<RecordsOutcome> {
  const end = performance.now() + seconds * 1000;
  let said = "";
  for (let rest = pause;; rest = Math.min(rest * 2, LONGEST_PAUSE_S)) {
    // Each look with a resolver of its own: this one must not remember.
    await using resolver = createResolver(dns);
    const difference = compare(await resolver.addresses(`fmsg.${domain}`, signal), wanted);
    if (signal.aborted) return { state: "skipped" };
    if (difference === null) return { state: "seen" };
    if (difference !== said) tell(difference);
    said = difference;
    const left = end - performance.now();
    if (left <= 0) return { state: "not seen", reason: difference };
    if (!await sleep(Math.min(rest * 1000, left), signal)) return { state: "skipped" };
  }
}

/** Servers are asked politely, also by one who waits long. */
const LONGEST_PAUSE_S = 15;

/** What is seen where it is not what is wanted; null: it is. */
export function compare(seen: Resolution, wanted: Addresses): string | null {
  switch (seen.kind) {
    case "none":
      return "nothing there yet";
    case "failed":
    case "bogus":
      return seen.reason;
    case "addresses": {
      const all = [...wanted.a, ...wanted.aaaa];
      const missing = all.filter((ip) => !seen.addresses.includes(ip));
      const foreign = all.length === 0 ? [] : seen.addresses.filter((ip) => !all.includes(ip));
      const parts = [
        ...missing.length === 0 ? [] : [`${missing.join(", ")} still missing`],
        ...foreign.length === 0 ? [] : [`${foreign.join(", ")} there, which is not this host`],
      ];
      return parts.length === 0 ? null : parts.join("; ");
    }
  }
}

/** False when the signal came first. */
async function sleep(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const abort = (): void => resolve(false);
  const timer = setTimeout(() => resolve(true), ms);
  signal.addEventListener("abort", abort);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}
