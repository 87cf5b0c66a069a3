// An fmsg address, `@recipient@domain`: the only way to have one is to have parsed it.

import { fold } from "./fold.ts";
import { isDomainName, isRecipientName, utf8Length } from "./name.ts";

/** Makes the type nominal: an object with the same fields is no address. */
declare const parsed: unique symbol;

/**
 * A well-formed fmsg address. Two addresses are the same when their `key`s are: Unicode default case folding,
 * then equality ("case-insensitive" in the specification's Terms). The spelling is kept in `text`.
 */
export class Address {
  declare readonly [parsed]: true;

  private constructor(
    /** As written: `@Alice@Example.com`. */
    readonly text: string,
    /** The recipient part as written: `Alice`. */
    readonly recipient: string,
    /** The domain part in lower case: `example.com`. */
    readonly domain: string,
    /** The folded address, for comparing and for keys of maps and tables: `@alice@example.com`. */
    readonly key: string,
  ) {}

  /** The address that `text` spells, or null when it is none. */
  static parse(text: string): Address | null {
    if (text.charCodeAt(0) !== 0x40) return null;
    const second = text.indexOf("@", 1);
    if (second < 0) return null;
    const recipient = text.slice(1, second);
    const domain = text.slice(second + 1);
    if (!isRecipientName(recipient) || !isDomainName(domain)) return null;
    if (utf8Length(text) > 255) return null;
    return new Address(text, recipient, domain.toLowerCase(), fold(text));
  }

  static same(a: Address, b: Address): boolean {
    return a.key === b.key;
  }

  toString(): string {
    return this.text;
  }
}

/** Why `text` is no address, for a person who typed it; null when it is one. */
export function addressProblem(text: string): string | null {
  if (Address.parse(text) !== null) return null;
  const example = "an address looks like @user@example.com";
  if (!text.startsWith("@")) return `it does not begin with "@"; ${example}`;
  const parts = text.slice(1).split("@");
  if (parts.length !== 2) return `it needs exactly two "@"; ${example}`;
  const [recipient = "", domain = ""] = parts;
  if (!isRecipientName(recipient)) {
    return `"${recipient}" may hold letters and numbers, and "-", "_", "." neither first, last nor side by side`;
  }
  if (!isDomainName(domain)) return `"${domain}" is no domain name`;
  return "it is longer than 255 bytes";
}
