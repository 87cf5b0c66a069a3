// What the parts of the interface work with.

import type { Config } from "../config.ts";
import type { Log } from "../host/mod.ts";
import type { Access, IdentityMailbox, Search, StoreWriter } from "../store/mod.ts";
import type { Address } from "../wire/mod.ts";
import type { Authenticator } from "./identity/authenticator.ts";

/** The section `api`, which is there where the interface is. */
export type ApiConfig = NonNullable<Config["api"]>;

export interface ApiContext {
  /** As it is now: a reload changes it. */
  readonly config: () => Config & { readonly api: ApiConfig };
  readonly log: Log;
  readonly writer: StoreWriter;
  /** The messages that one address may see. */
  readonly mailbox: (address: Address) => IdentityMailbox;
  /** Users, grants and signing keys. */
  readonly access: Access;
  readonly search: Search;
  readonly authenticator: Authenticator;
}
