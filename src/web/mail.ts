// The mailbox as the page knows it: messages by id, threads by their root, and how far down the lists are loaded.
// Pure: pages and events are put in, in any order, and give the same threads.

import type { MessageItem } from "../api/message_schema.ts";
import { addressKey } from "./addresses.ts";
import { isAmong, joined } from "./message_facts.ts";
import { summaryOf, type Thread } from "./thread.ts";
import { Unions } from "./unions.ts";

/** Which of the two lists of messages there are. Drafts are in `sent`, with null as their time. */
export type List = "received" | "sent";

/** A page of a list as it was asked for. */
export interface LoadedPage {
  readonly list: List;
  readonly offset: number;
  readonly limit: number;
  readonly items: readonly MessageItem[];
  /** `Mailbox.clock` when it was asked for: what was put in since is not older than the page. */
  readonly asked: number;
}

interface ListState {
  readonly ids: Set<number>;
  /** All that the list has from this id upwards is here. Infinity: nothing was loaded. 0: all of it. */
  low: number;
  /** Entries that the next page begins above the lowest: more where something went meanwhile. */
  overlap: number;
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
  #unions = new Unions();
  readonly #threads = new Map<number, Thread | null>();
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

  /**
   * A message by itself: the data of an event, an ancestor, what was written here. `shown`: it belongs on top of the list
   * though its id is an old one (somebody was added); not so for an ancestor.
   */
  put(item: MessageItem, shown = false): void {
    if (shown) this.#shown.add(item.id);
    this.#keep(item);
  }

  /**
   * Takes a page in. What the list had between its first and last entry and has no more is gone. `false`: entries lie
   * between it and what was loaded before, because some went meanwhile: ask again, from the next offset.
   */
  putPage({ list, offset, limit, items, asked }: LoadedPage): boolean {
    const state = this.#lists[list];
    const first = items[0]?.id ?? 0;
    const last = items.length < limit ? 0 : items.at(-1)?.id ?? 0;
    // An empty page behind the end joins on as any other: the end moved up.
    const joins = offset === 0 || first >= state.low || (items.length === 0 && offset <= 1);
    for (const item of items) {
      // A draft that was changed while the page was on its way is newer here.
      if (item.time === null && (this.#stamps.get(item.id) ?? 0) > asked) continue;
      this.#keep(item);
      state.ids.add(item.id);
    }
    if (!joins) {
      state.overlap = Math.max(10, state.overlap * 4);
      return false;
    }
    this.#dropMissing(list, items, { from: last, to: offset === 0 ? Infinity : first, asked });
    state.low = Math.min(state.low, last);
    state.overlap = 1;
    return true;
  }

  /** It is not there (any more), or not for this address to see. */
  remove(id: number): void {
    this.#hidden.add(id);
    this.#forget(id);
  }

  isHidden(id: number): boolean {
    return this.#hidden.has(id);
  }

  /** Where the next page of a list begins; null when all of it is here. */
  nextOffset(list: List): number | null {
    const { low, ids, overlap } = this.#lists[list];
    if (low === 0) return null;
    let above = 0;
    for (const id of ids) if (id >= low) above++;
    return Math.max(0, above - overlap);
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

  /** The threads with something received (or sent) in them, the latest first, as far as they are certain. */
  threads(view: "inbox" | "sent"): Thread[] {
    const frontier = this.frontier(view);
    const found: Thread[] = [];
    for (const top of this.#unions.tops()) {
      const thread = this.#thread(top);
      if (thread === null) continue;
      const newest = view === "sent" ? thread.newestSent : thread.newest;
      const has = view === "sent" ? thread.newestSent > 0 : thread.received;
      if (has && (newest >= frontier || thread.shown)) found.push(thread);
    }
    const moment = view === "sent" ? (t: Thread) => t.sentMoment : (t: Thread) => t.moment;
    return found.sort((a, b) => moment(b) - moment(a) || b.newest - a.newest || b.root - a.root);
  }

  /** Drafts, the newest id first: of new threads and of answers. */
  drafts(): MessageItem[] {
    return [...this.#items.values()].filter(({ time }) => time === null).sort((a, b) =>
      b.id - a.id
    );
  }

  /** How many threads of the inbox have something unread. */
  unreadThreads(): number {
    return this.threads("inbox").filter(({ unread }) => unread > 0).length;
  }

  /** The thread in which a message is, whichever of it is named; null when nothing of it is here. */
  thread(id: number): Thread | null {
    const top = this.#unions.topOf(id);
    return top === null ? null : this.#thread(top);
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
    // The parent of a draft may be replaced, and that of a message may come later (row B7).
    if (held !== undefined && held.pid !== kept.pid) this.#rebuild();
    else this.#unions.add(kept.id, kept.pid);
    this.#changed(kept.id);
  }

  #forget(id: number): void {
    this.#clock++;
    const held = this.#items.delete(id);
    this.#stamps.delete(id);
    this.#shown.delete(id);
    this.#lists.received.ids.delete(id);
    this.#lists.sent.ids.delete(id);
    if (held) this.#rebuild();
    else this.#changed(id);
  }

  #changed(id: number): void {
    const top = this.#unions.topOf(id);
    if (top !== null) this.#threads.delete(top);
  }

  /** Rare: something went, or has another parent. Linear. */
  #rebuild(): void {
    this.#threads.clear();
    this.#unions = new Unions();
    for (const { id, pid } of this.#items.values()) this.#unions.add(id, pid);
  }

  #dropMissing(
    list: List,
    items: readonly MessageItem[],
    { from, to, asked }: { from: number; to: number; asked: number },
  ): void {
    const there = new Set(items.map(({ id }) => id));
    const gone: number[] = [];
    for (const id of this.#lists[list].ids) {
      if (id < from || id > to || there.has(id)) continue;
      if ((this.#stamps.get(id) ?? 0) <= asked) gone.push(id);
    }
    for (const id of gone) this.#forget(id);
  }

  #thread(top: number): Thread | null {
    const known = this.#threads.get(top);
    if (known !== undefined) return known;
    const items = this.#unions.membersOf(top).flatMap((id) => this.#items.get(id) ?? []);
    const thread = summaryOf(top, items, {
      me: this.me,
      isShown: (id) => this.#shown.has(id),
      isReceived: (item) => this.isReceived(item),
      isHidden: this.#hidden.has(top),
    });
    this.#threads.set(top, thread);
    return thread;
  }
}

function emptyList(): ListState {
  return { ids: new Set(), low: Infinity, overlap: 1 };
}
