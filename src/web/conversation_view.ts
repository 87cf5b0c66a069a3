// What a reader has before them of a thread: which messages are there, which are open, and which came meanwhile. Pure.

import type { ConversationEntry } from "./conversation.ts";
import { firstShown } from "./conversation_window.ts";

export interface ConversationView {
  /** Where reading begins. */
  readonly target: number;
  /** All that was taken in, shown or folded away in the middle. */
  readonly known: ReadonlySet<number>;
  readonly shown: ReadonlySet<number>;
  readonly open: ReadonlySet<number>;
  /** Came while the thread was open and was not looked at yet, in the order of the conversation. */
  readonly fresh: readonly number[];
}

export interface ViewFacts {
  readonly isUnread: (entry: ConversationEntry) => boolean;
  readonly isOwn: (entry: ConversationEntry) => boolean;
}

/**
 * As it is opened: at the message that was asked for, at the first unread, or at what came last. What is unread is open,
 * and so is the last; of very many unread only the first: others are opened as they are come to.
 */
export function openedAt(
  entries: readonly ConversationEntry[],
  asked: number,
  { isUnread }: ViewFacts,
): ConversationView {
  const unread = entries.filter(isUnread).map(({ item }) => item.id);
  const last = entries.at(-1)?.item.id ?? 0;
  // A thread is asked for by its root: then nothing in it is meant.
  const meant = entries.findIndex(({ item }) => item.id === asked) > 0 ? asked : null;
  const target = meant ?? unread[0] ?? last;
  return {
    target,
    known: new Set(entries.map(({ item }) => item.id)),
    shown: firstShown(entries, target),
    open: new Set([...unread.slice(0, MOST_OPENED), last, target]),
    fresh: [],
  };
}

const MOST_OPENED = 30;

/** With what came since. The same view when nothing did. */
export function withNews(
  view: ConversationView,
  entries: readonly ConversationEntry[],
  { isUnread, isOwn }: ViewFacts,
): ConversationView {
  const came = entries.filter(({ item }) => !view.known.has(item.id));
  if (came.length === 0) return view;
  let newest = 0;
  for (const id of view.known) newest = Math.max(newest, id);
  const fresh = came.filter((entry) => isUnread(entry) || (isOwn(entry) && entry.item.id > newest));
  const ids = came.map(({ item }) => item.id);
  const freshIds = fresh.map(({ item }) => item.id);
  return {
    ...view,
    known: new Set([...view.known, ...ids]),
    shown: new Set([...view.shown, ...ids]),
    open: new Set([...view.open, ...freshIds]),
    fresh: entries.map(({ item }) => item.id)
      .filter((id) => view.fresh.includes(id) || freshIds.includes(id)),
  };
}

export function withOpen(view: ConversationView, id: number, open: boolean): ConversationView {
  const all = new Set(view.open);
  if (open) all.add(id);
  else all.delete(id);
  return { ...view, open: all };
}

/** With these out of their fold. */
export function withShown(view: ConversationView, ids: readonly number[]): ConversationView {
  return { ...view, shown: new Set([...view.shown, ...ids]) };
}

export function withLookedAt(view: ConversationView, ids: readonly number[]): ConversationView {
  return { ...view, fresh: view.fresh.filter((id) => !ids.includes(id)) };
}
