// Bodies as text: which are, in which character set, and how much of one is a whole number of characters.

import type { Bytes } from "../wire/mod.ts";

/** Is the type one of `text/*`? */
export function isText(type: string): boolean {
  return /^text\//i.test(type);
}

/** Is a thread to show the body (FMSG-003 "thread")? */
export function isShown(type: string): boolean {
  return isText(type) || /^application\/json *(?:;|$)/i.test(type);
}

/**
 * The text that the first bytes of a body of so many bytes hold, without the character that the cut goes through; null
 * when it is no UTF-8.
 */
export function textOf(type: string, bytes: Bytes, size: number): string | null {
  const charset = charsetOf(type);
  if (charset !== null && !/^(?:utf-?8|us-ascii)$/.test(charset)) return null;
  try {
    // "stream" keeps an unfinished character back, which is right only where the body goes on.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
      .decode(bytes, { stream: bytes.length < size });
  } catch {
    return null;
  }
}

/** Decodes a body as its type says, as UTF-8 where it says nothing that is known; what fits no character becomes U+FFFD. */
export function decoderFor(type: string): TextDecoder {
  try {
    return new TextDecoder(charsetOf(type) ?? "utf-8");
  } catch {
    return new TextDecoder();
  }
}

function charsetOf(type: string): string | null {
  const found = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(type);
  return found?.[1]?.toLowerCase() ?? null;
}
