// The beginning of a message in one line, for lists. Pure.

import type { MessageItem } from "../api/message_schema.ts";

/** Longer than any line shows. */
const SHOWN = 300;

/** `short_text` on one line; of Markdown without the signs that only say how it looks. "" where there is none. */
export function previewText(
  { short_text: text = "", type }: Pick<MessageItem, "short_text" | "type">,
): string {
  const beginning = text.slice(0, SHOWN * 2);
  const plain = /^text\/markdown\b/i.test(type) ? withoutMarks(beginning) : beginning;
  return plain.replace(/\s+/gu, " ").trim().slice(0, SHOWN);
}

/** Roughly: a sign too many, or too few, does no harm here. */
function withoutMarks(text: string): string {
  return text
    // Lines that only draw: of tables, headings, code.
    .replace(/^[ \t]*(?:[|:=-][|:= \t-]{2,}|```.*)$/gmu, " ")
    // What a line begins with: headings, quotes, lists.
    .replace(/^[ \t]*(?:#{1,6}|>+|[*+-]|\d{1,9}[.)])[ \t]+/gmu, "")
    // Links and pictures: what they say, not where they go.
    .replace(/!?\[([^\]\n]{0,300})\]\([^)\n]{0,500}\)/gu, "$1")
    .replace(/\*\*|__|~~|`+/gu, "")
    .replace(/(?<![\p{L}\p{N}])[*_]|[*_](?![\p{L}\p{N}])/gu, "")
    .replace(/[ \t]*\|[ \t]*/gu, " · ")
    .replace(/^[ \t·]+|[ \t·]+$/gmu, "");
}
