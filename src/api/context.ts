// What the parts of the interface work with.

import type { IdentityMailbox, SearchThread } from "../store/mod.ts";
import type { Address } from "../wire/mod.ts";
import type { HostLookup } from "./host_lookup.ts";
import type { ApiConfig, Authenticator, AuthenticatorParts } from "./identity/authenticator.ts";

export type { ApiConfig };

export interface ApiContext extends AuthenticatorParts {
  /** The messages that one address may see. */
  readonly mailbox: (address: Address) => IdentityMailbox;
  readonly search: Pick<SearchThread, "find">;
  readonly lookup: HostLookup;
  readonly authenticator: Authenticator;
}
