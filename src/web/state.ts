// What the page shows, as signals, and what can be done about it. The views read the signals and call the actions.

import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { EventJson } from "../api/client_types.ts";
import type { MessageItem } from "../api/message_schema.ts";
import * as client from "./client.ts";
import { type ConversationEntry, conversationOf } from "./conversation.ts";
import { Offline, Refused, SignedOut } from "./errors.ts";
import { type Connection, Live } from "./live.ts";
import { type List, Mailbox } from "./mail.ts";
import { notify } from "./notices.ts";
import { peopleMet, type Person } from "./people.ts";
import { formatRoute, parseRoute, type Route } from "./router.ts";
import { ended, session } from "./session.ts";
import { texts } from "./texts.ts";
import type { Thread } from "./thread.ts";

export { closeNotice, notices, notify } from "./notices.ts";
export { session } from "./session.ts";

const PAGE = 50;
/** Pages that are read again after a connection was lost: what is further down is read when it is opened. */
const CAUGHT_UP = 10;
/** Ancestors that are climbed to at once, each a request. */
const MOST_CLIMBED = 100;

export const route: Signal<Route> = signal(parseRoute(location.search));
export const connection: Signal<Connection> = signal("connecting");
/** Is a page of the list under way? */
export const loading: Signal<boolean> = signal(false);

/** null: nobody is signed in. Read `mail` in a view rather than this: it tells of changes. */
let mailbox: Mailbox | null = null;
let live: Live | null = null;
const version = signal(0);

/** The mailbox, for whoever reads it in a view or a computed: each change is a reason to read again. */
export const mail: ReadonlySignal<{ readonly mailbox: Mailbox | null; readonly version: number }> =
  computed(() => ({ mailbox, version: version.value }));

export const inbox: ReadonlySignal<readonly Thread[]> = computed(() =>
  mail.value.mailbox?.threads("inbox") ?? []
);
export const sent: ReadonlySignal<readonly Thread[]> = computed(() =>
  mail.value.mailbox?.threads("sent") ?? []
);
export const drafts: ReadonlySignal<readonly MessageItem[]> = computed(() =>
  mail.value.mailbox?.drafts() ?? []
);
/** Threads with something unread, as far as the inbox is loaded. */
export const unread: ReadonlySignal<number> = computed(() =>
  inbox.value.filter((thread) => thread.unread > 0).length
);
export const people: ReadonlySignal<readonly Person[]> = computed(() => {
  const { mailbox } = mail.value;
  return mailbox === null ? [] : peopleMet(mailbox.all(), mailbox.me);
});
/** The thread that is open; null: none is, or it is not here (yet). */
export const openThread: ReadonlySignal<
  { readonly thread: Thread; readonly entries: readonly ConversationEntry[] } | null
> = computed(() => {
  const { open } = route.value;
  const { mailbox } = mail.value;
  if (open?.kind !== "thread" || mailbox === null) return null;
  const thread = mailbox.thread(open.id);
  if (thread === null) return null;
  return { thread, entries: conversationOf(mailbox.messagesOf(open.id), mailbox.me) };
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
  version.value++;
  live = new Live({
    onEvent: heard,
    onConnection: (now) => connection.value = now,
    catchUp: () => quietly(catchUp),
  });
  // Before the socket is there: what was seen before is shown at once, also offline.
  void action(() => loadMore("inbox"));
}

/** After signing out. */
export function stopMail(): void {
  live?.stop();
  live = null;
  mailbox = null;
  found.value = null;
  version.value++;
}

export function go(to: Route, { replace = false }: { readonly replace?: boolean } = {}): void {
  const url = formatRoute(to);
  if (replace || url === formatRoute(route.value)) history.replaceState(null, "", url);
  else history.pushState(null, "", url);
  route.value = to;
}

/** The address changed by itself: back, forward, or a notification. */
export function followAddress(search: string = location.search): void {
  route.value = parseRoute(search);
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
      await Promise.all(lists.map((list) => loadPage(box, list, box.nextOffset(list))));
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
  await Promise.all((["received", "sent"] as const).map(async (list) => {
    const loaded = box.nextOffset(list) ?? Infinity;
    // One entry in common with the page before: nothing can slip through between them.
    for (let page = 0; page < CAUGHT_UP && page * (PAGE - 1) <= loaded; page++) {
      const items = await loadPage(box, list, page * (PAGE - 1));
      if (box !== mailbox || items < PAGE) return;
    }
  }));
  const { open } = route.value;
  if (open?.kind === "thread") await refreshThread(box, open.id);
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

/** A message whose state may have changed. Throws what client.ts throws. */
export async function refreshMessage(id: number): Promise<void> {
  const box = mailbox;
  if (box === null) return;
  try {
    box.put(await client.message(id));
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

/** All that is received and unread of a thread; shown as read at once. Does not throw: what failed stays for later. */
export async function markThreadRead(id: number): Promise<void> {
  const box = mailbox;
  if (box === null) return;
  const items = box.messagesOf(id)
    .filter((item) => item.time !== null && !item.read && box.isReceived(item));
  if (items.length === 0) return;
  for (const item of items) box.put({ ...item, read: true });
  version.value++;
  for (const { id } of items) unmarked.add(id);
  await markReads();
}

/** Read, and not told to the host yet. */
const unmarked = new Set<number>();
let marking: Promise<void> | null = null;

function markReads(): Promise<void> {
  return marking ??= (async () => {
    try {
      for (const id of unmarked) {
        const { time_read } = await client.markRead(id);
        unmarked.delete(id);
        const item = mailbox?.message(id) ?? null;
        if (item !== null) mailbox?.put({ ...item, read: true, time_read });
      }
    } catch (error) {
      // Nobody waits for it; offline it is told at the next catching up.
      if (error instanceof Refused && !error.isPassing) unmarked.clear();
      if (error instanceof SignedOut) ended();
    } finally {
      marking = null;
    }
  })();
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
  if (type === "new_msg" && !known) notify(texts.notices.newMessage(data.from), "news");
}

/** How many entries the page has. */
async function loadPage(box: Mailbox, list: List, offset: number | null): Promise<number> {
  if (offset === null) return 0;
  const asked = box.clock;
  const items = await client.list(list, { limit: PAGE, offset });
  if (box !== mailbox) return 0;
  box.putPage({ list, offset, limit: PAGE, items, asked });
  version.value++;
  return items.length;
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
