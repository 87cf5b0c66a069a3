// Ids as they are typed.

import { UsageError } from "./context.ts";

/** A positive integer, as `fmsg list` prints them. */
export function messageId(text: string, what: string): number {
  const id = Number(text);
  if (!/^[1-9][0-9]*$/.test(text) || !Number.isSafeInteger(id)) {
    throw new UsageError(`${what}: "${text}" is no message id; "fmsg list ADDRESS" shows them`);
  }
  return id;
}
