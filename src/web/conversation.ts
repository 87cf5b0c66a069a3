// The order in which a thread is read: one after the other from the root to what came last, with side branches in between.

import type { MessageItem } from "../api/message_schema.ts";
import { arrivedAt } from "./message_facts.ts";

export interface ConversationEntry {
  readonly item: MessageItem;
  /** 0: on the way from the root to what came last. A side branch is one further in; 3 at most. */
  readonly depth: number;
  /** The message that it answers, null for a root. It may not be here (hidden, or not loaded). */
  readonly answers: number | null;
  /** Is what it answers the entry right above? Then nothing has to be said about it. */
  readonly follows: boolean;
  /** How many here answer it. */
  readonly answered: number;
  /**
   * How the rail comes to it: `on` from above at its own depth, `branch` from the rail one further out, `none` for what
   * begins something. Below it the rail goes on where something answers it.
   */
  readonly joins: "on" | "branch" | "none";
}

const MOST_INDENTS = 3;

type Waiting = Pick<ConversationEntry, "item" | "depth" | "joins">;

/**
 * What was sent in a thread, without drafts. A branch stays together; of several answers to one message those come first
 * whose branch was quiet the longest, indented, and the liveliest goes on without: so what came last stands last.
 * `n log n`, and no deep thread is too deep.
 */
export function conversationOf(messages: readonly MessageItem[], me: string): ConversationEntry[] {
  const items = new Map(
    messages.filter(({ time }) => time !== null).map((item) => [item.id, item]),
  );
  const children = new Map<number | null, MessageItem[]>();
  for (const item of items.values()) {
    // What answers something that is not here stands beside the root.
    const parent = item.pid !== null && items.has(item.pid) ? item.pid : null;
    const others = children.get(parent);
    if (others === undefined) children.set(parent, [item]);
    else others.push(item);
  }
  const tops = children.get(null) ?? [];
  const latest = latestBelow(tops, children, me);
  const livelyLast = (a: MessageItem, b: MessageItem): number =>
    (latest.get(a.id) ?? 0) - (latest.get(b.id) ?? 0) || a.id - b.id;

  const entries: ConversationEntry[] = [];
  // The next to be read is at the end. Tops beside each other are no branches of anything: none is indented.
  const waiting: Waiting[] = tops.toSorted(livelyLast).reverse().map((item) => ({
    item,
    depth: 0,
    joins: "none",
  }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { item, depth, joins } = next;
    const below = (children.get(item.id) ?? []).toSorted(livelyLast);
    const above = entries.at(-1)?.item.id ?? null;
    entries.push({
      item,
      depth,
      answers: item.pid,
      follows: item.pid !== null && item.pid === above,
      answered: below.length,
      joins,
    });
    for (const [i, child] of below.entries().toArray().reverse()) {
      const goesOn = i === below.length - 1;
      const inner = goesOn ? depth : Math.min(depth + 1, MOST_INDENTS);
      waiting.push({ item: child, depth: inner, joins: inner > depth ? "branch" : "on" });
    }
  }
  return entries;
}

/** When the last of each message and all below it came. */
function latestBelow(
  tops: readonly MessageItem[],
  children: ReadonlyMap<number | null, MessageItem[]>,
  me: string,
): Map<number, number> {
  const order: MessageItem[] = [];
  const waiting = [...tops];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    order.push(next);
    // One by one: a message with very many answers is no argument list.
    for (const child of children.get(next.id) ?? []) waiting.push(child);
  }
  const latest = new Map<number, number>();
  for (const item of order.reverse()) {
    let at = arrivedAt(item, me);
    for (const { id } of children.get(item.id) ?? []) at = Math.max(at, latest.get(id) ?? 0);
    latest.set(item.id, at);
  }
  return latest;
}
