// What a run leaves in the kernel slows the next one down: binding a source address takes a millisecond when tens of
// thousands of closed connections wait in TIME_WAIT.

/** The kernel forgets a closed connection after 60 seconds. */
const LONGEST_WAIT_MS = 90_000;

/** Waits, for a bounded time, until less than `limit` sockets are in TIME_WAIT. */
export async function waitForSockets(limit: number): Promise<void> {
  const until = performance.now() + LONGEST_WAIT_MS;
  while (timeWait() >= limit && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

function timeWait(): number {
  return Number(/ tw (\d+)/.exec(Deno.readTextFileSync("/proc/net/sockstat"))?.[1] ?? 0);
}
