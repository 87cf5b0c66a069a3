// What is decided about a message before it is sent. Pure.

import { addressKey, wellFormed } from "./addresses.ts";
import { type DraftContent, sendingProblem } from "./draft_steps.ts";
import type { MessageItem } from "../api/message_schema.ts";
import { everybodyBut } from "./message_facts.ts";

/** Whom an answer goes to. To one's own message: those whom it went to. */
export function answerTo(item: MessageItem, whom: "sender" | "all", me: string): string[] {
  if (whom === "all") return everybodyBut(item, me);
  if (addressKey(item.from) !== me) return [item.from];
  const others = item.to.filter((address) => addressKey(address) !== me);
  return others.length === 0 ? [item.from] : others;
}

/**
 * Whom an answer that is there already goes to when "reply" or "reply to all" is pressed: whoever chose the recipients
 * by hand keeps them.
 */
export function answerToNow(
  now: readonly string[],
  item: MessageItem,
  whom: "sender" | "all",
  me: string,
): readonly string[] {
  const chosen = (["sender", "all"] as const).some((by) => sameSet(now, answerTo(item, by, me)));
  return chosen || now.length === 0 ? answerTo(item, whom, me) : now;
}

export type Missing = "recipient" | "recipients wrong" | "too many" | "topic" | "size" | "text";

/** What keeps a message from being sent, the first on the page first; null: nothing does. */
export function missing(
  content: DraftContent,
  { recipients, files, bytes, limit }: {
    /** As they stand in the field, with what is no address. */
    readonly recipients: readonly string[];
    readonly files: number;
    readonly bytes: number;
    readonly limit: number;
  },
): Missing | null {
  if (wellFormed(recipients).length < recipients.length) return "recipients wrong";
  const problem = sendingProblem(content, { files: bytes, limit });
  switch (problem) {
    case "no recipient":
      return "recipient";
    case "too many":
      return problem;
    case "topic too long":
      return "topic";
    case "too big":
      return "size";
    case null:
      return content.text.trim() === "" && content.topic.trim() === "" && files === 0
        ? "text"
        : null;
  }
}

/** One that is too large keeps no smaller one out. */
export function withRoom<Sized extends { readonly size: number }>(
  files: readonly Sized[],
  room: number,
): { readonly taken: readonly Sized[]; readonly tooLarge: readonly Sized[] } {
  const taken: Sized[] = [];
  const tooLarge: Sized[] = [];
  let left = room;
  for (const file of files) {
    if (file.size > left) tooLarge.push(file);
    else {
      taken.push(file);
      left -= file.size;
    }
  }
  return { taken, tooLarge };
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  const keys = new Set(a.map(addressKey));
  return keys.size === b.length && b.every((address) => keys.has(addressKey(address)));
}
