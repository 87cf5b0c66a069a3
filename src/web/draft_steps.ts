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
  /** What the host's copy said when it was last read or written; null: there is none, or it was not read yet. */
  readonly saved: DraftContent | null;
  /** Is it certain that it still says so? Another device, or another tab, may write too. */
  readonly isSure: boolean;
  /** `made`: that there is a copy on the host, for files. */
  readonly wanted: "saved" | "made" | "sent";
}

export type DraftStep = "nothing" | "create" | "read" | "replace" | "send";

/**
 * The next request, when none is under way. Nothing is written over, or sent, that is not known; nothing is sent before
 * the host's copy is what was written.
 */
export function nextStep({ content, id, saved, isSure, wanted }: DraftFacts): DraftStep {
  const hasRecipients = content.to.length > 0;
  if (id === null) {
    return hasRecipients && (wanted !== "saved" || isWorthKeeping(content)) ? "create" : "nothing";
  }
  if (saved === null) return "read";
  const isSaved = isSame(content, saved);
  if (wanted === "made" || (isSaved && wanted === "saved")) return "nothing";
  if (!isSure) return "read";
  if (!hasRecipients) return "nothing";
  return isSaved ? "send" : "replace";
}

/**
 * How what is written here and the host's copy went apart. `unknown`: they differ, and what the host's copy
 * said before is not known here.
 */
export type Apart = "changed" | "unknown" | "sent" | "deleted";

/** What this browser knows of a draft. */
export interface Here {
  readonly content: DraftContent;
  /** What this page, or this browser before, has read on the host, or written or tried to. Empty: that is not known. */
  readonly bases: readonly DraftContent[];
  /** Is none of its files only here? */
  readonly isWhole: boolean;
}

export type Found =
  /** The host's copy is this: what is written here goes on from it. */
  | { readonly kind: "saved"; readonly content: DraftContent }
  /** It was sent, as it is written here. */
  | { readonly kind: "sent" }
  /** What is written here has to be a draft of its own. */
  | { readonly kind: "apart"; readonly why: Apart };

/** What it means that the host has this under the draft's id; null: nothing. */
export function foundAs(
  host: { readonly content: DraftContent; readonly isSent: boolean } | null,
  { content, bases, isWhole }: Here,
): Found {
  if (host === null) return { kind: "apart", why: "deleted" };
  const known = [content, ...bases].find((one) => isSame(asKept(one), asKept(host.content)));
  if (host.isSent) {
    return known === content && isWhole ? { kind: "sent" } : { kind: "apart", why: "sent" };
  }
  if (known !== undefined) return { kind: "saved", content: known };
  return { kind: "apart", why: bases.length === 0 ? "unknown" : "changed" };
}

/**
 * As the host gives it back: an answer has no topic of its own, and text read as UTF-8 begins with no mark. What it answers
 * does not change, but may have another id later (row B7: a batch that came before its original).
 */
function asKept(content: DraftContent): DraftContent {
  const { pid, topic, text } = content;
  return {
    ...content,
    pid: pid === null ? null : 0,
    topic: pid === null ? topic.toWellFormed() : "",
    text: text.toWellFormed().replace(/^\ufeff/, ""),
  };
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
