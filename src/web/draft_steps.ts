// What is to be done with a draft that is being written. Pure: drafts.ts does it.

import type { DraftBody } from "../api/client_types.ts";
import { utf8Length } from "../wire/name.ts";

export interface DraftContent {
  /** Addresses that are well-formed; what is half typed is not in it. */
  readonly to: readonly string[];
  /** Of a new thread; an answer has none. */
  readonly topic: string;
  /** What it answers. */
  readonly pid: number | null;
  readonly text: string;
  readonly markdown: boolean;
  readonly important: boolean;
  readonly noReply: boolean;
}

export const EMPTY_DRAFT: DraftContent = {
  to: [],
  topic: "",
  pid: null,
  text: "",
  markdown: true,
  important: false,
  noReply: false,
};

export interface DraftFacts {
  readonly content: DraftContent;
  /** Of the host's copy; null: there is none. */
  readonly id: number | null;
  /** What the host's copy says; null: there is none. */
  readonly saved: DraftContent | null;
  /** Has it been told to send? */
  readonly sending: boolean;
  /** Files on their way. */
  readonly uploads: number;
}

export type DraftStep = "nothing" | "create" | "replace" | "send";

/** The next request, when none is under way. Nothing is sent before the host's copy is what was written. */
export function nextStep({ content, id, saved, sending, uploads }: DraftFacts): DraftStep {
  if (content.to.length === 0) return "nothing";
  if (id === null) return isWorthKeeping(content) || sending ? "create" : "nothing";
  if (saved === null || !isSame(content, saved)) return "replace";
  return sending && uploads === 0 ? "send" : "nothing";
}

/** Why it cannot be sent as it is; null: it can. */
export function sendingProblem(
  content: DraftContent,
  { files, limit }: { readonly files: number; readonly limit: number },
): "no recipient" | "too many" | "topic too long" | "too big" | null {
  if (content.to.length === 0) return "no recipient";
  if (content.to.length > 255) return "too many";
  if (utf8Length(content.topic) > 255) return "topic too long";
  return utf8Length(content.text) + files > limit ? "too big" : null;
}

/** Is there something that somebody would miss? Recipients alone are not: an answer has them from the start. */
export function isWorthKeeping({ text, topic }: DraftContent): boolean {
  return text.trim() !== "" || topic.trim() !== "";
}

/** As the interface takes it. A character cut in half is replaced: it has no UTF-8. */
export function draftBody(content: DraftContent, from: string): DraftBody {
  const { to, topic, pid, text, markdown, important, noReply } = content;
  return {
    version: 1,
    from,
    to: [...to],
    ...pid === null ? { topic: topic.toWellFormed() } : { pid },
    type: markdown ? "text/markdown" : "text/plain;charset=UTF-8",
    important,
    no_reply: noReply,
    data: text.toWellFormed(),
  };
}

export function isSame(a: DraftContent, b: DraftContent): boolean {
  return a.topic === b.topic && a.pid === b.pid && a.text === b.text &&
    a.markdown === b.markdown && a.important === b.important && a.noReply === b.noReply &&
    a.to.length === b.to.length && a.to.every((address, i) => address === b.to[i]);
}
