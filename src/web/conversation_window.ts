// Which messages of a long thread are shown, and what lies folded between them. Pure.

import type { ConversationEntry } from "./conversation.ts";

export type Block =
  | { readonly kind: "message"; readonly entry: ConversationEntry }
  | {
    readonly kind: "folded";
    /** Ids from the top down. */
    readonly ids: readonly number[];
    readonly unread: number;
    /** Which of them are shown next: those that join on where one is reading. */
    readonly next: readonly number[];
  };

/** Shorter threads are shown whole. */
const WHOLE = 40;
/** How many are unfolded at once. */
export const STEP = 50;
/** Below the first unread, and above it. */
const AHEAD = 30;
const BEFORE = 4;
const LAST = 12;
/** So few are not worth a fold. */
const FEW = 3;

/** What is shown when a thread is opened: where it begins, what came last, and what is around `at`, the first unread. */
export function firstShown(entries: readonly ConversationEntry[], at: number): Set<number> {
  const shown = new Set<number>();
  const show = (from: number, to: number): void => {
    for (const { item } of entries.slice(Math.max(0, from), Math.max(0, to))) shown.add(item.id);
  };
  if (entries.length <= WHOLE) {
    show(0, entries.length);
    return shown;
  }
  const place = entries.findIndex(({ item }) => item.id === at);
  show(0, 1);
  if (place >= 0) show(place - BEFORE, place + AHEAD);
  show(entries.length - LAST, entries.length);
  return shown;
}

/** Messages and folds in their order. `isUnread` decides from which end a fold is opened. */
export function blocksOf(
  entries: readonly ConversationEntry[],
  shown: ReadonlySet<number>,
  isUnread: (entry: ConversationEntry) => boolean,
): Block[] {
  const blocks: Block[] = [];
  for (let at = 0; at < entries.length;) {
    const entry = entries[at];
    if (entry === undefined) break;
    if (shown.has(entry.item.id)) {
      blocks.push({ kind: "message", entry });
      at++;
      continue;
    }
    let end = at;
    for (let next = entries[end]; next !== undefined && !shown.has(next.item.id);) {
      next = entries[++end];
    }
    const run = entries.slice(at, end);
    at = end;
    if (run.length <= FEW) {
      for (const entry of run) blocks.push({ kind: "message", entry });
      continue;
    }
    const ids = run.map(({ item }) => item.id);
    const unread = run.filter(isUnread).length;
    // Unread is read from the top down; what was read before is gone back to from below.
    const next = unread > 0 ? ids.slice(0, STEP) : ids.slice(-STEP);
    blocks.push({ kind: "folded", ids, unread, next });
  }
  return blocks;
}
