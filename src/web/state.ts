// What the page shows, as signals, and what can be done about it. The views read the signals and call the actions.

import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { EventJson } from "../api/client_types.ts";
import type { MessageItem } from "../api/message_schema.ts";
import * as client from "./client.ts";
import { type ConversationEntry, conversationOf } from "./conversation.ts";
import { Offline, Refused, SignedOut } from "./errors.ts";
import { type Connection, Live } from "./live.ts";
import { type List, Mailbox } from "./mail.ts";
import { announce, notify } from "./notices.ts";
import { peopleMet, type Person } from "./people.ts";
import { go, route } from "./history.ts";
import { ended, refreshSession, session } from "./session.ts";
import { Snapshot } from "./sorted_runs.ts";
import { texts } from "./texts.ts";
import type { Thread } from "./thread.ts";

export { announce, closeNotice, notices, notify } from "./notices.ts";
export { followAddress, go, route } from "./history.ts";
export { session } from "./session.ts";

const LISTS: readonly List[] = ["received", "sent"];
const PAGE = 50;
/** Further down whoever scrolls wants more at once. */
const MORE = 100;
/** Pages that are read again after a connection was lost: what is further down is read when it is opened. */
const CAUGHT_UP = 10;
/** Milliseconds from asking for the first lists to a connection after which little can have been missed. */
const JUST_BEGUN = 4_000;
const FEW = 10;
/** People are known from so many messages of each list, the newest. */
const MET_IN = 5_000;
/** Ancestors that are climbed to at once, each a request. */
const MOST_CLIMBED = 100;

const NONE = new Snapshot<Thread>([]);

export const connection: Signal<Connection> = signal("connecting");
/** Is a page of the list under way? */
export const loading: Signal<boolean> = signal(false);

/** null: nobody is signed in. Read `mail` in a view rather than this: it tells of changes. */
let mailbox: Mailbox | null = null;
let live: Live | null = null;
/** When the mailbox was begun, as of `performance.now()`. */
let begun = 0;
const version = signal(0);

/** The mailbox, for whoever reads it in a view or a computed: each change is a reason to read again. */
export const mail: ReadonlySignal<{ readonly mailbox: Mailbox | null; readonly version: number }> =
  computed(() => ({ mailbox, version: version.value }));

export const inbox: ReadonlySignal<Snapshot<Thread>> = computed(() =>
  mail.value.mailbox?.threads("inbox") ?? NONE
);
export const sent: ReadonlySignal<Snapshot<Thread>> = computed(() =>
  mail.value.mailbox?.threads("sent") ?? NONE
);
export const drafts: ReadonlySignal<readonly MessageItem[]> = computed(() =>
  mail.value.mailbox?.drafts() ?? []
);
/** Threads with something unread, as far as the inbox is loaded. */
export const unread: ReadonlySignal<number> = computed(() =>
  mail.value.mailbox?.unread("inbox") ?? 0
);
/** A draft that is saved again and again while somebody writes makes nobody known. */
const size = computed(() => mail.value.mailbox?.size ?? 0);
export const people: ReadonlySignal<readonly Person[]> = computed(() => {
  void size.value;
  return mailbox === null ? [] : peopleMet(mailbox.newest(MET_IN), mailbox.me);
});
/** The same as long as nothing in it changed, whatever else comes. */
const openSummary = computed(() => {
  const { open } = route.value;
  return open?.kind === "thread" ? mail.value.mailbox?.thread(open.id) ?? null : null;
});
/** The thread that is open; null: none is, or it is not here (yet). */
export const openThread: ReadonlySignal<
  { readonly thread: Thread; readonly entries: readonly ConversationEntry[] } | null
> = computed(() => {
  const thread = openSummary.value;
  if (thread === null || mailbox === null) return null;
  return { thread, entries: conversationOf(mailbox.messagesOf(thread.root), mailbox.me) };
});
export const found: Signal<
  { readonly query: string; readonly items: readonly MessageItem[]; readonly whole: boolean } | null
> = signal(null);

/** The own address, and its key in comparisons; null: nobody is signed in. */
export function me(): { readonly address: string; readonly key: string } | null {
  const { value } = session;
  return value.kind === "in" && mailbox !== null
    ? { address: value.session.address, key: mailbox.me }
    : null;
}

/** After signing in. */
export function startMail(address: string): void {
  stopMail();
  mailbox = new Mailbox(address);
  begun = performance.now();
  version.value++;
  live = new Live({
    onEvent: heard,
    onConnection: (now) => connection.value = now,
    catchUp: () => quietly(catchUp),
    onEnded: () => void socketEnded(),
  });
  // Before the socket is there: what was seen before is shown at once, also offline.
  void action(() => loadMore("inbox"));
}

/** After signing out. */
export function stopMail(): void {
  live?.stop();
  live = null;
  mailbox = null;
  unmarked.clear();
  found.value = null;
  version.value++;
}

/** The next page of a list. Does nothing while one is under way, and when all is here. Throws what client.ts throws. */
export async function loadMore(view: "inbox" | "sent"): Promise<void> {
  const box = mailbox;
  if (box === null || loading.value) return;
  loading.value = true;
  try {
    const before = box.threads(view).length;
    // A page may hold nothing but more of threads that are shown: then the next, and not for ever.
    for (let pages = 0; pages < 8 && box.threads(view).length === before; pages++) {
      const lists = box.nextLists(view);
      if (lists.length === 0) break;
      await Promise.all(lists.map((list) => loadPage(box, list, box.nextBefore(list))));
      if (box !== mailbox) return;
    }
  } finally {
    loading.value = false;
  }
}

/** Is there more of it than is shown? */
export function hasMore(view: "inbox" | "sent"): boolean {
  return (mail.value.mailbox?.nextLists(view).length ?? 0) > 0;
}

/**
 * What was missed: the lists again, as far down as they are loaded, 10 pages at most, and the open thread. Throws what
 * client.ts throws.
 */
export async function catchUp(): Promise<void> {
  const box = mailbox;
  if (box === null) return;
  await Promise.all(LISTS.map((list) => catchUpWith(box, list)));
  if (box !== mailbox) return;
  const { open } = route.value;
  if (open?.kind === "thread") await refreshThread(box, open.id);
}

/**
 * Once more what a page begins with: asked for before there was a service worker, none has kept it. Throws what client.ts
 * throws.
 */
export async function beginAgain(): Promise<void> {
  await refreshSession();
  const box = mailbox;
  if (box === null) return;
  await Promise.all(LISTS.map((list) => loadPage(box, list, Infinity, { fresh: true })));
}

async function catchUpWith(box: Mailbox, list: List): Promise<void> {
  const low = box.nextBefore(list) ?? 0;
  const newest = box.newestOf(list);
  // What the service worker has kept would be taken for what is there now, and what came since for gone.
  const fresh = true;
  // The page has only just begun: what may have come since then is on top.
  if (performance.now() - begun < JUST_BEGUN && box.size > 0) {
    const reached = await loadPage(box, list, Infinity, { limit: FEW, fresh });
    if (box !== mailbox || reached === null || reached <= newest) return;
  }
  let before: number | null = Infinity;
  for (let page = 0; page < CAUGHT_UP; page++) {
    before = await loadPage(box, list, before, { fresh });
    if (box !== mailbox || before === null || before <= low) return;
  }
  // So much came that what was here before is not reached: what lies between is loaded when it is scrolled to.
  if (before > newest) box.loseBelow(list, before);
  version.value++;
}

/**
 * The thread with this message: fetched where it is not here, with its ancestors. Throws Refused with 404 where there is
 * none to see.
 */
export async function loadThread(id: number): Promise<void> {
  const box = mailbox;
  if (box === null) return;
  if (box.message(id) === null) {
    box.put(await client.message(id));
    version.value++;
  }
  await climb(box, id);
}

/** A message whose state may have changed, as the host has it now. Throws what client.ts throws. */
export async function refreshMessage(id: number): Promise<void> {
  const box = mailbox;
  if (box === null) return;
  try {
    box.put(await client.message(id, { fresh: true }));
  } catch (error) {
    if (!(error instanceof Refused && error.status === 404)) throw error;
    box.remove(id);
  }
  version.value++;
}

/** A draft, or what became of one, without asking the host. */
export function putMessage(id: number, item: MessageItem | null): void {
  if (mailbox === null) return;
  if (item === null) mailbox.remove(id);
  else mailbox.put(item);
  version.value++;
}

/** A message that was really seen; shown as read at once. Does not throw: what failed stays for later. */
export async function markRead(id: number): Promise<void> {
  const item = mailbox?.message(id) ?? null;
  if (mailbox === null || item === null) return;
  if (item.time === null || item.read || !mailbox.isReceived(item)) return;
  mailbox.put({ ...item, read: true });
  version.value++;
  unmarked.add(id);
  await markReads();
}

/** Read, and not told to the host yet. */
const unmarked = new Set<number>();
let marking: Promise<void> | null = null;

function markReads(): Promise<void> {
  return marking ??= (async () => {
    try {
      for (const id of unmarked) await tellRead(id);
    } catch (error) {
      // Nobody waits for it; offline it is told at the next catching up.
      if (error instanceof SignedOut) ended();
    } finally {
      marking = null;
    }
  })();
}

/** What is refused for good, because it is gone, is not told again. */
async function tellRead(id: number): Promise<void> {
  try {
    const { time_read } = await client.markRead(id);
    const item = mailbox?.message(id) ?? null;
    if (item !== null) mailbox?.put({ ...item, read: true, time_read });
  } catch (error) {
    if (!(error instanceof Refused) || error.isPassing) throw error;
  }
  unmarked.delete(id);
}

/** Adds people as one batch, and shows it. Throws what client.ts throws. */
export async function addPeople(id: number, addresses: readonly string[]): Promise<void> {
  await client.addRecipients(id, addresses);
  await refreshMessage(id);
}

/** `more`: the next page of the same. Throws what client.ts throws. */
export async function searchFor(
  query: string,
  { more = false, signal }: { readonly more?: boolean; readonly signal?: AbortSignal } = {},
): Promise<void> {
  const before = more && found.value?.query === query ? found.value.items : [];
  const items = await client.search(query, {
    limit: PAGE,
    offset: before.length,
    ...signal === undefined ? {} : { signal },
  });
  const known = new Set(before.map(({ id }) => id));
  found.value = {
    query,
    items: [...before, ...items.filter(({ id }) => !known.has(id))],
    whole: items.length < PAGE,
  };
}

/** Does what a press of a button asked for, and says on the page what went wrong. `true`: it was done. */
export async function action(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    tell(error);
    return false;
  }
}

/** An error in words, at the page's edge; a session that ended leads to the sign-in. */
export function tell(error: unknown): void {
  if (error instanceof SignedOut) ended();
  else if (error instanceof Offline) notify(texts.notices.offline);
  else if (error instanceof Refused && error.status === 429 && error.retryAfter !== null) {
    notify(texts.notices.tooFast(error.retryAfter));
  } else if (error instanceof Refused && error.status === 404) notify(texts.notices.gone);
  else if (error instanceof Refused) notify(error.message);
  // Cancelled by whoever asked.
  else if (error instanceof DOMException && error.name === "AbortError") return;
  else {
    console.error(error);
    notify(texts.notices.unexpected);
  }
}

function heard({ type, data }: EventJson): void {
  if (mailbox === null) return;
  const known = mailbox.message(data.id) !== null;
  mailbox.put(data, type === "new_msg");
  version.value++;
  if (type === "new_msg" && !known) tellOfNew(data);
}

/** Whoever has the thread before the eyes sees it come; others can open it. */
function tellOfNew({ id, from }: MessageItem): void {
  const words = texts.notices.newMessage(from);
  const isOpen = openThread.value?.entries.some(({ item }) => item.id === id) ?? false;
  if (isOpen && document.visibilityState === "visible") return announce(words);
  const open = (): void => go({ ...route.value, open: { kind: "thread", id } });
  notify(words, "news", { offer: { label: texts.notices.open, act: open } });
}

/** Below which id the list goes on; null: this was its end. */
async function loadPage(
  box: Mailbox,
  list: List,
  before: number | null,
  { limit = before === Infinity ? PAGE : MORE, fresh = false } = {},
): Promise<number | null> {
  if (before === null) return null;
  const asked = box.clock;
  const items = await client.list(list, { limit, before, fresh });
  if (box !== mailbox) return null;
  box.putPage({ list, before, limit, items, asked });
  version.value++;
  return items.length < limit ? null : items.at(-1)?.id ?? null;
}

/** Up to the root, as far as this address may see. */
async function climb(box: Mailbox, id: number): Promise<void> {
  for (let steps = 0; steps < MOST_CLIMBED; steps++) {
    const missing = box.thread(id)?.missing ?? null;
    if (missing === null || box !== mailbox) return;
    try {
      box.put(await client.message(missing));
    } catch (error) {
      if (!(error instanceof Refused && error.status === 404)) throw error;
      box.remove(missing);
    }
    version.value++;
  }
}

/** Of an open thread each message is asked for again: nothing else tells what changed further down the lists. */
async function refreshThread(box: Mailbox, id: number): Promise<void> {
  const items = box.messagesOf(id).sort((a, b) => b.id - a.id).slice(0, 20);
  for (const item of items) if (box === mailbox) await refreshMessage(item.id);
}

/** Perhaps only the session that this tab knew is over: another tab may have signed in anew. */
async function socketEnded(): Promise<void> {
  try {
    await refreshSession();
  } catch (error) {
    if (error instanceof SignedOut) return ended();
  }
  live?.again();
}

/** Of what nobody has asked for, only the end of the session is told. */
async function quietly(work: () => Promise<void>): Promise<void> {
  try {
    await work();
    if (unmarked.size > 0) await markReads();
  } catch (error) {
    if (error instanceof SignedOut) ended();
    throw error;
  }
}
