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

/** Those of a list that are addresses: a field of recipients holds also what is not. */
export function wellFormed(texts: readonly string[]): string[] {
  return texts.filter((text) => Address.parse(text) !== null);
}

/** What two spellings of one address have in common; of what is no address the text itself. */
export function addressKey(text: string): string {
  const known = keys.get(text);
  if (known !== undefined) return known;
  const key = Address.parse(text)?.key ?? text;
  if (keys.size >= MOST_KEYS) keys.clear();
  keys.set(text, key);
  return key;
}

/** The few addresses of a mailbox are compared all the time. */
const keys = new Map<string, string>();
const MOST_KEYS = 10_000;

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

/** Whom a field of recipients has after something was typed or pasted, and why the first of those left out was. */
export interface RecipientsAfter {
  readonly value: readonly string[];
  readonly refused: "twice" | "too many" | "already" | null;
}

/** What is no address is taken in as it was typed: nobody types it again for one wrong sign. */
export function withTyped(
  value: readonly string[],
  typed: string,
  { ownDomain, without = [], limit = 255 }: {
    readonly ownDomain: string;
    readonly without?: readonly string[];
    readonly limit?: number;
  },
): RecipientsAfter {
  const there = new Set(value.map(addressKey));
  const left = new Set(without.map(addressKey));
  const after = [...value];
  let refused: RecipientsAfter["refused"] = null;
  for (const part of typed.split(/[\s,;<>]+/, 1000)) {
    if (part === "") continue;
    const address = typedAddress(part, ownDomain);
    const text = address.kind === "address" ? address.text : part;
    const key = addressKey(text);
    if (there.has(key)) refused ??= "twice";
    else if (left.has(key)) refused ??= "already";
    else if (after.length >= limit) refused ??= "too many";
    else {
      there.add(key);
      after.push(text);
    }
  }
  return { value: after, refused };
}
