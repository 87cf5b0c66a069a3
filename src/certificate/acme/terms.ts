// What an authority wants its users to agree to, before anything else is asked of it.

import { AcmeError } from "./error.ts";
import { Transport } from "./http.ts";
import { externalAccount } from "./problem.ts";
import { Session } from "./session.ts";
import type { AcmeSettings } from "./settings.ts";

export interface Terms {
  /** Where its terms of service are, a URL; null when it has none. */
  readonly termsOfService: string | null;
  /** The URL of its web site, or null. */
  readonly website: string | null;
}

/**
 * Reads the authority's directory, for someone to agree to its terms. Throws an AcmeError, also when the authority gives
 * certificates only to whom it knows already, or the reason of the signal.
 */
export async function termsOf(
  { directory, name, extraRoots }: Pick<AcmeSettings, "directory" | "name" | "extraRoots">,
  signal: AbortSignal = new AbortController().signal,
): Promise<Terms> {
  using transport = new Transport(extraRoots, REQUEST_MS);
  const session = await Session.open({ transport, url: directory, name, now: Date.now }, signal);
  const { termsOfService, website, externalAccountRequired } = session.directory.meta;
  if (externalAccountRequired) {
    throw new AcmeError("account", externalAccount(session.authority), {
      problem: "externalAccountRequired",
    });
  }
  return { termsOfService, website };
}

/** How long a person waits for it, in milliseconds. */
const REQUEST_MS = 15_000;
