// What tests that kill hosts share: randomness that can be had again, and what has to hold after a crash.

import { audit, type AuditOptions } from "../store/audit.ts";
import type { HostProcess } from "../support/host_process.ts";
import { waitFor } from "../support/wait.ts";
import { writerWork } from "./post_mortem.ts";

/** Rounds in which the moment of the kill is random; more are asked for with this variable. */
export const ROUNDS = Number(Deno.env.get("FMSG_CRASH_ROUNDS") ?? 2);

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
  } finally {
    report();
  }
}

/** What is counted in a long run, by what it is called there. */
const counts = new Map<string, number>();

/** Counts something for whoever runs the tests to know how much they did. */
export function count(what: string, more = 1): void {
  counts.set(what, (counts.get(what) ?? 0) + more);
}

/** Leaves the counts in a file of main.ts, a line each time. */
function report(): void {
  const file = Deno.env.get("FMSG_CRASH_COUNTS");
  if (file !== undefined) {
    Deno.writeTextFileSync(file, `${JSON.stringify(Object.fromEntries(counts))}\n`, {
      append: true,
    });
  }
  counts.clear();
}

/** Kills hosts together, whether or not somebody killed them already, and counts what their stores were at. */
export async function killAll(...hosts: readonly HostProcess[]): Promise<void> {
  await Promise.all(hosts.map(kill));
  for (const host of hosts) {
    count("kills");
    const listening = host.log.findLast(({ msg }) => /listening/.test(String(msg)));
    count(`kills ${writerWork(host.dataDir, Date.parse(String(listening?.time)))}`);
  }
}

/** One that somebody else has killed may not be known to have ended for a moment. */
async function kill(host: HostProcess): Promise<void> {
  await waitFor(() =>
    host.kill().then(() => true, (error: unknown) => {
      if (error instanceof TypeError) return false;
      throw error;
    })
  );
}

/**
 * Starts a host that was killed. Its store is whole, every hash comes out of it, and nothing is left of what was on its
 * way in. To be called while nobody sends to it.
 */
export async function revive(host: HostProcess): Promise<void> {
  await host.start();
  audit(host.dataDir);
}

/** Waits until the store of a running host is whole: what nobody sends any more is discarded in a moment. */
export async function isWholeSoon(host: HostProcess, options: AuditOptions = {}): Promise<void> {
  let problem: unknown = null;
  const whole = waitFor(() => {
    try {
      audit(host.dataDir, options);
      return true;
    } catch (error) {
      problem = error;
      return false;
    }
  });
  await whole.catch(() => Promise.reject(problem));
}
