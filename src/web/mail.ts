// The mailbox as the page knows it: messages by id, threads by their root, and how far down the lists are loaded.
// Pure: pages and events are put in, in any order, and give the same threads.

import type { MessageItem } from "../api/message_schema.ts";
import { addressKey } from "./addresses.ts";
import { isAmong, joined } from "./message_facts.ts";
import { SortedIds } from "./sorted_ids.ts";
import type { Snapshot } from "./sorted_runs.ts";
import { summaryOf, type Thread } from "./thread.ts";
import { ThreadOrder } from "./thread_order.ts";
import { Unions } from "./unions.ts";

/** Which of the two lists of messages there are. Drafts are in `sent`, with null as their time. */
export type List = "received" | "sent";

/** A page of a list as it was asked for. */
export interface LoadedPage {
  readonly list: List;
  /** Only ids below it. Infinity: from the top. */
  readonly before: number;
  readonly limit: number;
  readonly items: readonly MessageItem[];
  /** `Mailbox.clock` when it was asked for: what was put in since is not older than the page. */
  readonly asked: number;
}

interface ListState {
  readonly ids: SortedIds;
  /** All that the list has from this id upwards is here. Infinity: nothing was loaded. 0: all of it. */
  low: number;
}

/** Of one address. */
export class Mailbox {
  readonly me: string;
  readonly #items = new Map<number, MessageItem>();
  /** When each was put in, by `clock`. */
  readonly #stamps = new Map<number, number>();
  readonly #lists: Record<List, ListState> = { received: emptyList(), sent: emptyList() };
  /** Came by an event or by itself, not by a list: shown however far down the lists are loaded. */
  readonly #shown = new Set<number>();
  /** Ids that the host says this address may not see, or that are gone. */
  readonly #hidden = new Set<number>();
  readonly #unions = new Unions();
  /** By their top; those in `#dirty` are to be made anew before they are read. */
  readonly #threads = new Map<number, Thread>();
  readonly #dirty = new Set<number>();
  readonly #drafts = new Set<number>();
  readonly #orders = {
    inbox: new ThreadOrder({
      belongs: (t) => t.received,
      moment: (t) => t.moment,
      newest: (t) => t.newest,
    }),
    sent: new ThreadOrder({
      belongs: (t) => t.newestSent > 0,
      moment: (t) => t.sentMoment,
      newest: (t) => t.newestSent,
    }),
  };
  #clock = 0;

  constructor(address: string) {
    this.me = addressKey(address);
  }

  /** Grows with every change; a page remembers what it was when it was asked for. */
  get clock(): number {
    return this.#clock;
  }

  get size(): number {
    return this.#items.size;
  }

  message(id: number): MessageItem | null {
    return this.#items.get(id) ?? null;
  }

  all(): Iterable<MessageItem> {
    return this.#items.values();
  }

  /** The newest of each list, so many at most. */
  newest(count: number): MessageItem[] {
    const { received, sent } = this.#lists;
    const ids = new Set([...received.ids.largest(count), ...sent.ids.largest(count)]);
    return [...ids].flatMap((id) => this.#items.get(id) ?? []);
  }

  /**
   * A message by itself: the data of an event, an ancestor, what was written here. `shown`: it belongs on top of the list
   * though its id is an old one (somebody was added); not so for an ancestor.
   */
  put(item: MessageItem, shown = false): void {
    if (shown) this.#shown.add(item.id);
    this.#keep(item);
  }

  /** Takes a page in. What the list had between `before` and its last entry, and has no more, is gone. */
  putPage({ list, before, limit, items, asked }: LoadedPage): void {
    const state = this.#lists[list];
    const last = items.length < limit ? 0 : items.at(-1)?.id ?? 0;
    for (const item of items) {
      // A draft that was changed while the page was on its way is newer here.
      if (item.time === null && (this.#stamps.get(item.id) ?? 0) > asked) continue;
      this.#keep(item);
      state.ids.add(item.id);
    }
    const there = new Set(items.map(({ id }) => id));
    for (const id of state.ids.within(last, before)) {
      if (!there.has(id) && (this.#stamps.get(id) ?? 0) <= asked) this.#forget(id);
    }
    // A page from further down than what is here says nothing about what lies between.
    if (before >= state.low) state.low = Math.min(state.low, last);
  }

  /** Below this id the list is to be loaded again: more came than was caught up with. */
  loseBelow(list: List, id: number): void {
    this.#lists[list].low = Math.max(this.#lists[list].low, id);
  }

  /** It is not there (any more), or not for this address to see. */
  remove(id: number): void {
    this.#hidden.add(id);
    this.#forget(id);
  }

  isHidden(id: number): boolean {
    return this.#hidden.has(id);
  }

  /** The next page of a list is that below this id: Infinity, from the top; null, all of it is here. */
  nextBefore(list: List): number | null {
    const { low } = this.#lists[list];
    return low === 0 ? null : low;
  }

  /** The largest id of a list that is known of; 0: none is. */
  newestOf(list: List): number {
    return this.#lists[list].ids.largest(1)[0] ?? 0;
  }

  /** Which lists to load for more of what is shown: those that are loaded least far down. */
  nextLists(view: "inbox" | "sent"): List[] {
    const { received, sent } = this.#lists;
    if (view === "sent") return sent.low === 0 ? [] : ["sent"];
    if (received.low === 0 && sent.low === 0) return [];
    if (received.low === sent.low) return ["received", "sent"];
    return received.low > sent.low ? ["received"] : ["sent"];
  }

  /** Down to this id all is here of both lists (`sent`: of that one). */
  frontier(view: "inbox" | "sent"): number {
    const { received, sent } = this.#lists;
    return view === "sent" ? sent.low : Math.max(received.low, sent.low);
  }

  /**
   * The threads with something received (or sent) in them, the latest first, as far as they are certain. The same list as
   * long as nothing changed in them.
   */
  threads(view: "inbox" | "sent"): Snapshot<Thread> {
    this.#settle();
    return this.#orders[view].all();
  }

  /** Of these threads, how many have something unread. */
  unread(view: "inbox" | "sent"): number {
    this.#settle();
    return this.#orders[view].unread;
  }

  /** Drafts, the newest id first: of new threads and of answers. */
  drafts(): MessageItem[] {
    return [...this.#drafts].sort((a, b) => b - a).flatMap((id) => this.#items.get(id) ?? []);
  }

  /** The thread in which a message is, whichever of it is named; null when nothing of it is here. */
  thread(id: number): Thread | null {
    const top = this.#unions.topOf(id);
    if (top === null) return null;
    this.#settle();
    return this.#threads.get(top) ?? null;
  }

  /** The messages of a thread, drafts too, in no order. */
  messagesOf(id: number): MessageItem[] {
    return this.#unions.membersOf(id).flatMap((member) => this.#items.get(member) ?? []);
  }

  /** Is it received by, or addressed to, this address? Then it can be marked read. */
  isReceived(item: MessageItem): boolean {
    return this.#lists.received.ids.has(item.id) || isAmong(item, this.me);
  }

  isOwn(item: MessageItem): boolean {
    return addressKey(item.from) === this.me;
  }

  #keep(item: MessageItem): void {
    const held = this.#items.get(item.id);
    const kept = held === undefined ? item : joined(held, item);
    this.#hidden.delete(item.id);
    this.#items.set(item.id, kept);
    this.#stamps.set(item.id, ++this.#clock);
    if (this.isOwn(kept)) this.#lists.sent.ids.add(kept.id);
    if (kept.time !== null && isAmong(kept, this.me)) this.#lists.received.ids.add(kept.id);
    if (kept.time === null) this.#drafts.add(kept.id);
    else this.#drafts.delete(kept.id);
    // The parent of a draft may be replaced, and that of a message may come later (row B7).
    if (held !== undefined && held.pid !== kept.pid) this.#part(kept.id);
    else this.#join(kept);
  }

  #forget(id: number): void {
    this.#clock++;
    const held = this.#items.delete(id);
    this.#stamps.delete(id);
    this.#shown.delete(id);
    this.#drafts.delete(id);
    this.#lists.received.ids.delete(id);
    this.#lists.sent.ids.delete(id);
    if (held) this.#part(id);
    else this.#changed(id);
  }

  #join({ id, pid }: MessageItem): void {
    // The tops of both before they are one: the thread of one of them ends.
    this.#changed(id);
    if (pid !== null) this.#changed(pid);
    this.#unions.add(id, pid);
    this.#changed(id);
  }

  /** Something went, or has another parent: its thread is put together anew. */
  #part(id: number): void {
    this.#changed(id);
    for (const member of this.#unions.dissolve(id)) {
      const item = this.#items.get(member);
      if (item !== undefined) this.#join(item);
    }
    const item = this.#items.get(id);
    if (item !== undefined) this.#join(item);
  }

  #changed(id: number): void {
    const top = this.#unions.topOf(id);
    if (top !== null) this.#dirty.add(top);
  }

  /** Makes the threads anew in which something changed, and puts them in their places. */
  #settle(): void {
    for (const top of this.#dirty) {
      const before = this.#threads.get(top) ?? null;
      const now = this.#unions.topOf(top) === top ? this.#summary(top) : null;
      if (now === null) this.#threads.delete(top);
      else this.#threads.set(top, now);
      this.#orders.inbox.replace(before, now);
      this.#orders.sent.replace(before, now);
    }
    this.#dirty.clear();
    this.#orders.inbox.reach(this.frontier("inbox"));
    this.#orders.sent.reach(this.frontier("sent"));
  }

  #summary(top: number): Thread | null {
    return summaryOf(top, this.messagesOf(top), {
      me: this.me,
      isShown: (id) => this.#shown.has(id),
      isReceived: (item) => this.isReceived(item),
      isHidden: this.#hidden.has(top),
    });
  }
}

function emptyList(): ListState {
  return { ids: new SortedIds(), low: Infinity };
}
