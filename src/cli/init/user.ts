// The address of a user, as people type it.

import { Address, addressProblem } from "../../wire/mod.ts";
import { shownDomain, wireSpelling } from "../addresses.ts";

/** `alice`, `alice@example.com` and `@alice@example.com` are one address of the domain. Throws a RangeError. */
export function userAddress(text: string, domain: string): Address {
  const typed = text.trim();
  const inner = typed.replace(/^@/, "");
  const spelled = wireSpelling(inner.includes("@") ? `@${inner}` : `@${inner}@${domain}`);
  const address = Address.parse(spelled);
  if (address === null) {
    throw new RangeError(`"${typed}" is no address: ${addressProblem(spelled)}`);
  }
  if (address.domain !== domain) {
    throw new RangeError(`"${typed}" is elsewhere: addresses here end in @${shownDomain(domain)}`);
  }
  return address;
}
