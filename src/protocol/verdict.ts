// The code for one recipient (3.6.1): one function for messages from elsewhere and for local delivery (row D8).

import {
  ACCEPT,
  type RecipientCode,
  USER_DUPLICATE,
  USER_FULL,
  USER_NOT_ACCEPTING,
  USER_UNDISCLOSED,
  USER_UNKNOWN,
} from "../wire/mod.ts";

/** What the store knows of a recipient at the moment when the message is stored. */
export interface RecipientFacts {
  /** The message has been received for this recipient before (row P3 says what counts for a batch). */
  readonly duplicate: boolean;
  /** Null when the address is unknown here. */
  readonly user: { readonly full: boolean; readonly accepting: boolean } | null;
}

/** The verdict in the order of 3.6.1.2 to 3.6.1.6. */
export function judgeRecipient(facts: RecipientFacts): RecipientCode {
  if (facts.duplicate) return USER_DUPLICATE;
  if (facts.user === null) return USER_UNKNOWN;
  if (facts.user.full) return USER_FULL;
  if (!facts.user.accepting) return USER_NOT_ACCEPTING;
  return ACCEPT;
}

/** The code as a stranger gets it: without the reason where the operator does not disclose users (105). */
export function disclosed(code: RecipientCode, discloseUsers: boolean): RecipientCode {
  const hides = code === USER_UNKNOWN || code === USER_FULL || code === USER_NOT_ACCEPTING;
  return hides && !discloseUsers ? USER_UNDISCLOSED : code;
}
