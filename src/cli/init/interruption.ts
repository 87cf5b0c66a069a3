// What a person has enough of: signals that end a command while it does something, and work that can be skipped.

import process from "node:process";

const SIGNALS = [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const;

/** Takes the signals as long as it is not disposed of. Unless it is patient, a second one ends the process at once. */
export class Interruption implements Disposable {
  readonly #abort = new AbortController();
  readonly #listeners: readonly (readonly [Deno.Signal, () => void])[];
  #status: number | null = null;

  constructor({ patient = false } = {}) {
    this.#listeners = SIGNALS.map(([signal, status]) =>
      [signal, () => {
        if (this.#status !== null && !patient) Deno.exit(status);
        this.#status = status;
        this.#abort.abort(new Interrupted("Interrupted"));
      }] as const
    );
    for (const [signal, listener] of this.#listeners) Deno.addSignalListener(signal, listener);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** The exit status that shells give for the signal that came; null: none did. */
  get status(): number | null {
    return this.#status;
  }

  [Symbol.dispose](): void {
    for (const [signal, listener] of this.#listeners) Deno.removeSignalListener(signal, listener);
  }
}

/** What the signal of an interruption is aborted with. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/** Runs `work`, whose signal comes with Ctrl-C and, where a person is there, with Enter. */
export async function skippable<Result>(
  byEnter: boolean,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  using interruption = new Interruption();
  if (!byEnter) return await work(interruption.signal);
  const enter = new AbortController();
  const skip = (): void => enter.abort();
  const events = ["data", "end", "error"];
  for (const event of events) process.stdin.once(event, skip);
  process.stdin.resume();
  try {
    return await work(AbortSignal.any([interruption.signal, enter.signal]));
  } finally {
    for (const event of events) process.stdin.off(event, skip);
    process.stdin.pause();
  }
}
