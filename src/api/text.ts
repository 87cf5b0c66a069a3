// The beginning of a body as `short_text`: only of texts in UTF-8, and a whole number of characters.

import { type Bytes, charsetOf } from "../wire/mod.ts";

/** May a body of this type have a `short_text` (FMSG-003 "Message Representation")? */
export function hasShortText(type: string): boolean {
  return /^text\//i.test(type);
}

/**
 * The text that the first bytes of a body of so many bytes hold, without the character that the cut goes through; null
 * when it is no UTF-8.
 */
export function textOf(type: string, bytes: Bytes, size: number): string | null {
  if (!/^(?:utf-?8|us-ascii)$/.test(charsetOf(type) ?? "utf-8")) return null;
  try {
    // "stream" keeps an unfinished character back, which is right only where the body goes on.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
      .decode(bytes, { stream: bytes.length < size });
  } catch {
    return null;
  }
}
