// What is known of an address that is written to. Pure: lookups.ts asks.

import type { Lookup } from "../api/client_types.ts";
import { addressKey, addressParts } from "./addresses.ts";

/** What is told of an address. `checking` and `fine` need no words. */
export type AddressState =
  | "checking"
  | "fine"
  | "no host"
  | "not sure"
  | "no user"
  | "wrong";

/** What has to be asked: of this host's domain for the user, of others for the domain alone. null: it is no address. */
export function lookupKey(address: string, ownDomain: string): string | null {
  const domain = addressParts(address)?.domain.toLowerCase() ?? null;
  if (domain === null) return null;
  return domain === ownDomain.toLowerCase() ? addressKey(address) : domain;
}

export function stateOf({ known, host }: Pick<Lookup, "known" | "host">): AddressState {
  if (known !== null) return known ? "fine" : "no user";
  switch (host) {
    case "found":
      return "fine";
    case "not found":
      return "no host";
    case "unknown":
      return "not sure";
  }
}
