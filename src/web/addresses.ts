// An address as somebody types it: completed, checked, and the name of a file made one that fmsg takes.

import { Address } from "../wire/address.ts";
import { isDomainName, isFilename, isRecipientName } from "../wire/name.ts";

export type TypedAddress =
  | {
    readonly kind: "address";
    readonly text: string;
    readonly key: string;
    readonly domain: string;
  }
  | { readonly kind: "problem"; readonly problem: AddressProblem };

/** What is wrong, for texts.ts to say. */
export type AddressProblem = "empty" | "shape" | "name" | "domain" | "long";

/**
 * `bob` is somebody of the own domain, `bob@example.org` lacks only its first "@". Spaces around do not count, nor does a
 * comma behind: lists are pasted.
 */
export function typedAddress(typed: string, ownDomain: string): TypedAddress {
  const text = completed(typed, ownDomain);
  if (text === "") return { kind: "problem", problem: "empty" };
  const address = Address.parse(text);
  if (address !== null) {
    return { kind: "address", text: address.text, key: address.key, domain: address.domain };
  }
  return { kind: "problem", problem: problemOf(text) };
}

/** Several at once, as pasted: by comma, semicolon, space or line. 255 at most are looked at. */
export function typedAddresses(typed: string, ownDomain: string): TypedAddress[] {
  return typed.split(/[\s,;]+/, 256)
    .filter((part) => part !== "")
    .slice(0, 255)
    .map((part) => typedAddress(part, ownDomain));
}

/** What two spellings of one address have in common; of what is no address the text itself. */
export function addressKey(text: string): string {
  return Address.parse(text)?.key ?? text;
}

/** `@bob@example.org` as name and domain; null when it is none. */
export function addressParts(text: string): { name: string; domain: string } | null {
  const address = Address.parse(text);
  return address === null ? null : { name: address.recipient, domain: address.domain };
}

/** The name under which fmsg takes a file: what it does not allow becomes "-", the ending stays. Never fails. */
export function filenameFor(name: string): string {
  const plain = name.normalize("NFC");
  if (isFilename(plain)) return plain;
  // Of a run of marks the first stays, so that "a (1).pdf" is "a 1.pdf".
  const tidy = plain.slice(0, 1000)
    .replace(/[^\p{L}\p{N}\-_. ]+/gu, "-")
    .replace(/[-_. ]*\.[-_. ]*(?=[\p{L}\p{N}]+$)/u, ".")
    .replace(/([-_. ])[-_. ]+/g, "$1")
    .replace(/^[-_. ]+|[-_. ]+$/g, "");
  if (isFilename(tidy)) return tidy;
  const ending = /\.[\p{L}\p{N}]{1,10}$/u.exec(tidy)?.[0] ?? "";
  const start = Array.from(tidy).slice(0, 50).join("").replace(/[-_. ]+$/, "");
  const short = `${start}${ending}`;
  return isFilename(short) ? short : `file${isFilename(`file${ending}`) ? ending : ""}`;
}

function completed(typed: string, ownDomain: string): string {
  const text = typed.trim().replace(/[,;]+$/, "").normalize("NFC");
  if (text === "") return "";
  if (!text.includes("@")) return `@${text}@${ownDomain}`;
  if (text.startsWith("@")) return text.indexOf("@", 1) < 0 ? `${text}@${ownDomain}` : text;
  return `@${text}`;
}

function problemOf(text: string): AddressProblem {
  const [, name = "", domain = "", ...more] = text.split("@");
  if (more.length > 0) return "shape";
  if (!isRecipientName(name)) return "name";
  if (!isDomainName(domain)) return "domain";
  return "long";
}
