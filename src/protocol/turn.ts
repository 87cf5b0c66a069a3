// Fairness among exchanges: all are served by one thread, so whoever makes it work much has to let others go first.

import { setImmediate } from "node:timers/promises";

/** The last in the line of those that wait for their turn. */
let line: Promise<void> = Promise.resolve();

/**
 * Resolves when it is this caller's turn: one in each turn of the event loop, in the order of the calls. However many
 * stand in line, everybody else waits for a single one of them.
 */
export function turn(): Promise<void> {
  return line = line.then(() => setImmediate());
}
