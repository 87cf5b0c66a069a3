// Files that are there whole or not at all, also when a signal or an error ends the command.

import { dirname } from "node:path";
import { existsSync, mkdirSync, rmSync } from "node:fs";

/** Signals that end a command, with the exit status that shells give for them. */
const SIGNALS = [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const;

/** Runs `work` with a folder for what is not whole yet, which nobody else can look into; it is gone at the end, whatever ends it. */
export async function inPartialFolder<Result>(
  folder: string,
  work: () => Promise<Result>,
): Promise<Result> {
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const handlers = SIGNALS.map(([signal, status]) => ({
    signal,
    handle: (): void => {
      remove();
      Deno.exit(status);
    },
  }));
  for (const { signal, handle } of handlers) Deno.addSignalListener(signal, handle);
  try {
    if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
    return await work();
  } finally {
    remove();
    for (const { signal, handle } of handlers) Deno.removeSignalListener(signal, handle);
  }
}

/** Gives a file that is whole its name, durably. Throws a Deno.errors.AlreadyExists where another has it. */
export function publish(partial: string, file: string): void {
  sync(partial);
  try {
    Deno.linkSync(partial, file);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) throw error;
    // Some file systems have no links: there the name is taken first.
    Deno.openSync(file, { write: true, createNew: true, mode: 0o600 }).close();
    Deno.renameSync(partial, file);
  }
  sync(dirname(file));
}

function sync(path: string): void {
  using file = Deno.openSync(path);
  file.syncSync();
}
