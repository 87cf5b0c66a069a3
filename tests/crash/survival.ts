// What tests that kill hosts share: randomness that can be had again, and what has to hold after a crash.

import { audit } from "../store/audit.ts";
import type { HostProcess } from "../support/host_process.ts";

/** Rounds in which the moment of the kill is random; more are asked for with this variable. */
export const ROUNDS = Number(Deno.env.get("FMSG_CRASH_ROUNDS") ?? 3);

/** To have the moments of an earlier run again, as far as a machine repeats itself. */
const SEED = Number(Deno.env.get("FMSG_CRASH_SEED") ?? Date.now() % 2 ** 31);

/** Random numbers from a seed (mulberry32). */
export class Random {
  #state = SEED;

  /** A whole number from 0 up to, but not with, `bound`. */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor(((t ^ (t >>> 14)) >>> 0) / 2 ** 32 * bound);
  }
}

/** Runs `work`; what goes wrong in it tells the seed. */
export async function seeded(work: (random: Random) => Promise<void>): Promise<void> {
  try {
    await work(new Random());
  } catch (error) {
    throw new Error(`With FMSG_CRASH_SEED=${SEED}: ${String(error)}`, { cause: error });
  }
}

/**
 * Starts a host that was killed. Its store is whole, every hash comes out of it, and nothing is left of what was on its
 * way in. To be called while nobody sends to it.
 */
export async function revive(host: HostProcess): Promise<void> {
  await host.start();
  audit(host.dataDir);
}
