// Addresses as people type and read them: international domains in their own script, which on the wire, in the store
// and in JSON are A-labels (xn--…).

import { domainToASCII, domainToUnicode } from "node:url";
import { Address, addressProblem, isDomainName } from "../wire/mod.ts";
import { UsageError } from "./context.ts";
import { safe } from "./terminal.ts";

/** The address that was typed as `what`. */
export function typedAddress(text: string, what: string): Address {
  const spelled = wireSpelling(text);
  const address = Address.parse(spelled);
  if (address === null) {
    throw new UsageError(`${what}: "${text}" is no address: ${addressProblem(spelled)}`);
  }
  return address;
}

/** A typed address as it is spelled on the wire; what is no address stays so, for others to complain of. */
export function wireSpelling(text: string): string {
  // Some keyboards and file systems compose letters of two characters, which the grammar of addresses does not know.
  const normal = text.trim().normalize("NFC");
  const at = normal.lastIndexOf("@");
  return at < 1 ? normal : normal.slice(0, at + 1) + toALabels(normal.slice(at + 1));
}

/** The domain that was typed as `what`, as the store spells it. */
export function typedDomain(text: string, what: string): string {
  const domain = toALabels(text.trim()).toLowerCase();
  if (!isDomainName(domain)) {
    throw new UsageError(`${what}: "${text}" is no domain name; write it as in example.com`);
  }
  return domain;
}

/** An address for people to read; harmless to print. */
export function shownAddress(text: string): string {
  const at = text.lastIndexOf("@");
  return safe(text.slice(0, at + 1)) + shownDomain(text.slice(at + 1));
}

/**
 * As `shownAddress`, with the A-labels behind it where they differ and the domain is not `home`: letters of another
 * script may look like those of a domain that one knows.
 */
export function exactAddress(text: string, home: string): string {
  const domain = text.slice(text.lastIndexOf("@") + 1).toLowerCase();
  const shown = shownAddress(text);
  return domain === home || shown.endsWith(`@${domain}`) ? shown : `${shown} (${safe(domain)})`;
}

/**
 * A domain for people to read; harmless to print. It stays in A-labels where its letters may pass for Latin ones beside
 * Latin ones, as in a Cyrillic "apple" in .com.
 */
export function shownDomain(domain: string): string {
  if (!/(?:^|\.)xn--/i.test(domain)) return safe(domain);
  const unicode = domainToUnicode(domain);
  // What does not lead back to the same labels was never made of what it would show.
  const isTrue = domainToASCII(unicode) === domain.toLowerCase();
  const isDisguise = LOOKS_LATIN.test(unicode) && /[a-z]/.test(unicode);
  return isTrue && !isDisguise ? safe(unicode) : safe(domain);
}

/** Scripts, and phonetic letters, of which many look like Latin letters. */
const LOOKS_LATIN =
  /[\p{sc=Cyrillic}\p{sc=Greek}\p{sc=Armenian}\p{sc=Cherokee}\p{sc=Lisu}\u{250}-\u{2af}]/u;

function toALabels(domain: string): string {
  if (!/[^ -~]/.test(domain)) return domain;
  const labels = domainToASCII(domain);
  // Where there is no conversion, the complaint is about what was typed.
  return isDomainName(labels) ? labels : domain;
}
