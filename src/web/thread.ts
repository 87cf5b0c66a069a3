// A thread in one line: what a list of threads shows of it.

import type { MessageItem } from "../api/message_schema.ts";
import { addressKey } from "./addresses.ts";
import { arrivedAt, latestDeliveries } from "./message_facts.ts";

export interface Thread {
  /** The topmost id that is known of; the root where `topic` is not null. It may change as ancestors come. */
  readonly root: number;
  /** Of the root; null: the root is not here, see `missing`. */
  readonly topic: string | null;
  /** The parent that is not here and can be asked for; null: none is missing, or it is hidden from this address. */
  readonly missing: number | null;
  /** It came last; where there are only drafts, the newest draft. */
  readonly last: MessageItem;
  /** POSIX seconds: when `last` came. */
  readonly moment: number;
  /** Of the newest of what this address sent; 0 when nothing. */
  readonly sentMoment: number;
  /** The largest id, drafts not counted; 0 when there are only drafts. */
  readonly newest: number;
  readonly newestSent: number;
  /** Messages, without drafts. */
  readonly count: number;
  /** Received and not read. */
  readonly unread: number;
  /** Is there something received? Without it the thread is in no inbox. */
  readonly received: boolean;
  /** Is something unread important? Once it is read: is anything? */
  readonly important: boolean;
  readonly attachments: boolean;
  /** Own messages whose delivery failed for somebody. */
  readonly failed: number;
  /** Ids, the newest first. */
  readonly drafts: readonly number[];
  /** Who wrote, the latest first, then the others who are on it; without oneself where there is somebody else. */
  readonly people: readonly string[];
  /** It is shown however far down the lists are loaded. */
  readonly shown: boolean;
}

interface Facts {
  readonly me: string;
  readonly isShown: (id: number) => boolean;
  readonly isReceived: (item: MessageItem) => boolean;
  /** Of the top. */
  readonly isHidden: boolean;
}

/** So many people are found out; a thread of 255 is shown as "and 250 more". */
const MOST_PEOPLE = 300;

/** null: nothing of it is here. */
export function summaryOf(
  top: number,
  items: readonly MessageItem[],
  { me, isShown, isReceived, isHidden }: Facts,
): Thread | null {
  const drafts = items.filter(({ time }) => time === null).sort((a, b) => b.id - a.id);
  const sent = items.filter(({ time }) => time !== null)
    .map((item) => ({ item, at: arrivedAt(item, me) }))
    .sort((a, b) => b.at - a.at || b.item.id - a.item.id);
  const last = sent[0]?.item ?? drafts[0];
  if (last === undefined) return null;
  const root = items.find(({ id }) => id === top);
  const own = sent.filter(({ item }) => addressKey(item.from) === me);
  const unread = sent.filter(({ item }) => !item.read && isReceived(item));
  const telling = unread.length > 0 ? unread : sent;
  return {
    root: top,
    topic: root?.pid === null ? root.topic : null,
    missing: root === undefined && !isHidden ? top : null,
    last,
    moment: sent[0]?.at ?? 0,
    sentMoment: own[0]?.at ?? 0,
    newest: largest(sent),
    newestSent: largest(own),
    count: sent.length,
    unread: unread.length,
    received: sent.some(({ item }) => isReceived(item)),
    important: telling.some(({ item }) => item.important),
    attachments: sent.some(({ item }) => item.attachments.length > 0),
    failed: own.filter(({ item }) => latestDeliveries(item).some(({ state }) => state === "failed"))
      .length,
    drafts: drafts.map(({ id }) => id),
    people: peopleIn(sent.length > 0 ? sent.map(({ item }) => item) : drafts, me),
    shown: sent.some(({ item }) => isShown(item.id)),
  };
}

function largest(messages: readonly { item: MessageItem }[]): number {
  return messages.reduce((most, { item }) => Math.max(most, item.id), 0);
}

/** `items` are the latest first. */
function peopleIn(items: readonly MessageItem[], me: string): string[] {
  const found = new Map<string, string>();
  const take = (address: string): void => {
    if (found.size >= MOST_PEOPLE) return;
    const key = addressKey(address);
    if (!found.has(key)) found.set(key, address);
  };
  for (const { from } of items) take(from);
  for (const { to, add_to } of items) {
    if (found.size >= MOST_PEOPLE) break;
    to.forEach(take);
    for (const batch of add_to) batch.to.forEach(take);
  }
  if (found.size > 1) found.delete(me);
  return [...found.values()];
}
