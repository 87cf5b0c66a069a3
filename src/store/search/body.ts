// The text of a message's data, as far as it is indexed.

import { constants, inflateSync } from "node:zlib";
import {
  type Bytes,
  concat,
  decoderFor,
  type Header,
  isText,
  mediaTypeText,
} from "../../wire/mod.ts";
import { readContent } from "../contents.ts";
import type { Database } from "../database.ts";

/** Bytes of the data, expanded: some twenty pages. The writer indexes them while all others wait for it. */
const MOST = 64 * 1024;

/** The beginning of the data as text; empty when it is of a type that is none. */
export function bodyText(db: Database, content: number, header: Header): string {
  const type = mediaTypeText(header.type) ?? "";
  if (!isText(type)) return "";
  const { size, expandedSize } = header;
  const wire = concat([...readContent(db, content, 0, Math.min(size, MOST))]);
  const bytes = (expandedSize === null ? wire : beginning(wire)).subarray(0, MOST);
  const text = decoderFor(type, bytes).decode(bytes, { stream: true });
  if (isNoText(text)) return "";
  // Tags are no words. It takes no longer for a text of nothing but brackets.
  return /^text\/html\b/i.test(type) ? text.replace(/<[^<>]*>/g, " ") : text;
}

/** What is no text in its character set, whatever its type says, has no words: only a burden for the index. */
function isNoText(text: string): boolean {
  let strange = 0;
  for (const character of text) if (character === "\ufffd") strange++;
  return strange > text.length / 10;
}

/**
 * What the beginning of compressed data expands to, at least as far as it is indexed. It is tried with less where that would
 * be far more: a byte may stand for a thousand.
 */
function beginning(wire: Bytes): Bytes {
  for (let length = wire.length; length > 0; length = Math.floor(length / 4)) {
    try {
      const expanded = inflateSync(wire.subarray(0, length), {
        finishFlush: constants.Z_SYNC_FLUSH,
        maxOutputLength: 16 * MOST,
      });
      return new Uint8Array(expanded);
    } catch {
      // More than that, or damaged; what there is of it counts.
    }
  }
  return new Uint8Array();
}
