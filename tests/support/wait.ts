// Waiting in tests: always for something, and never for ever.

/** Milliseconds that tests wait for what should happen at once; long, because machines are slow at times. */
export const PATIENCE = 20_000;

const POLL_MS = 20;

/** What a probe gives once it has happened. */
export type There<Value> = Exclude<Value, null | undefined | false>;

/** Asks `probe` until it gives anything but null, undefined or false. Throws when `ms` are over. */
export async function waitFor<Value>(
  probe: () => Value | Promise<Value>,
  { ms = PATIENCE, what = probe.toString() }: { ms?: number; what?: string } = {},
): Promise<There<Value>> {
  const deadline = Date.now() + ms;
  for (;;) {
    const value = await probe();
    if (isThere(value)) return value;
    if (Date.now() > deadline) {
      throw new Error(`It did not happen within ${ms} ms: ${what}; the last value was ${value}`);
    }
    await sleep(POLL_MS);
  }
}

/** What `promise` gives; throws when `ms` are over. */
export async function within<Value>(
  ms: number,
  what: string,
  promise: Promise<Value>,
): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`It took longer than ${ms} ms: ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function isThere<Value>(value: Value): value is There<Value> {
  return value !== null && value !== undefined && value !== false;
}
