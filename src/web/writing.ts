// What is being written: answers at the ends of threads and messages on a page of their own; and what is on its way.

import { computed, effect, type Signal, signal, untracked } from "@preact/signals";
import type { MessageItem } from "../api/message_schema.ts";
import { typedAddress, wellFormed } from "./addresses.ts";
import * as client from "./client.ts";
import { deleteOnHost, whyItStays } from "./draft_host.ts";
import type { DraftContent } from "./draft_steps.ts";
import { Draft, type DraftParts } from "./drafts.ts";
import { Offline, Refused, SignedOut } from "./errors.ts";
import { type LocalDraft, localDrafts } from "./local_drafts.ts";
import { ownDomain } from "./lookups.ts";
import { announce } from "./notices.ts";
import type { Route } from "./router.ts";
import {
  action,
  connection,
  drafts,
  go,
  mail,
  me,
  notify,
  putMessage,
  route,
  session,
  tell,
} from "./state.ts";
import { texts } from "./texts.ts";
import { answerTo, answerToNow } from "./writing_rules.ts";
import { writesMarkdown } from "./writing_settings.ts";

/** One that somebody has before the eyes, or that is being sent. */
export class Writing {
  /** What stands in the field of recipients: also what is no address (yet). */
  readonly recipients: Signal<readonly string[]>;
  /** Why it was not sent. */
  readonly problem: Signal<string | null> = signal(null);
  /** Of the files that are called otherwise now, and of those that were too large. */
  readonly fileNotes: Signal<readonly string[]> = signal([]);
  /** How many views show it. */
  views = 0;

  constructor(readonly draft: Draft) {
    this.recipients = signal(draft.content.value.to);
  }

  get key(): string {
    return this.draft.key;
  }

  /** What it answers; null: nothing. */
  get pid(): number | null {
    return this.draft.content.value.pid;
  }

  setRecipients(recipients: readonly string[]): void {
    this.recipients.value = recipients;
    this.draft.edit({ to: wellFormed(recipients) });
    if (this.draft.content.value.to.length > 0) this.draft.files.start();
  }
}

/** All that are open, or whose views were left before all was saved. */
const all: Signal<readonly Writing[]> = signal([]);
/** Open at the end of their thread, one in each. */
export const answers: Signal<readonly Writing[]> = signal([]);
/** On their way. */
export const sendings: Signal<readonly Writing[]> = signal([]);
/** The box that was asked for just now takes the focus. */
export const asked: Signal<Writing | null> = signal(null);

/** Opens the answer at the end of the thread: the one that there is already, else a new one. */
export function answer(item: MessageItem, whom: "sender" | "all"): void {
  void action(async () => {
    const own = me()?.key ?? "";
    const there = await answerThere(item.id);
    if (there === null) {
      openBox(begun({ pid: item.id, to: answerTo(item, whom, own) }));
      return;
    }
    const to = answerToNow(there.recipients.value, item, whom, own);
    if (to !== there.recipients.value) there.setRecipients(to);
    openBox(there);
  });
}

/** Opens a draft of this thread at its end. */
export function openAnswer(
  draft: { readonly id: number | null; readonly key: string | null },
): void {
  void action(async () => {
    const local = draft.key === null ? null : byKey(draft.key);
    const writing = local ?? (draft.id === null ? null : await byId(draft.id));
    if (writing !== null) openBox(writing);
  });
}

/** Opens the page for a new message that begins with this. */
export function writeNew(content: Partial<DraftContent>, files: readonly File[] = []): void {
  const writing = begun(content);
  if (files.length > 0) writing.draft.files.add(files);
  const { list, query } = route.value;
  go({ list, query, open: { kind: "new", to: "", local: writing.key } });
}

/** What the page of a route is about; `gone`: the host has no such draft. Throws what client.ts throws. */
export async function openedBy(
  open: Route["open"],
): Promise<Writing | { readonly sent: number } | "gone"> {
  if (open?.kind === "draft") {
    try {
      return await byId(open.id) ?? { sent: open.id };
    } catch (error) {
      if (error instanceof Refused && error.status === 404) return "gone";
      throw error;
    }
  }
  if (open?.kind !== "new") return "gone";
  const there = open.local === undefined ? null : byKey(open.local);
  if (there !== null) return there;
  const to = typedAddress(open.to, ownDomain());
  return begun(to.kind === "address" ? { to: [to.text] } : {});
}

/** The address that leads here again, after a reload too. */
export function routeOf({ draft }: Writing): Exclude<Route["open"], null> {
  const id = draft.id.value;
  return id === null ? { kind: "new", to: "", local: draft.key } : { kind: "draft", id };
}

/** A view shows it; what comes back is for when it does no more: all is saved, and then nobody keeps it. */
export function shown(writing: Writing): () => void {
  writing.views++;
  return () => {
    writing.views--;
    void left(writing);
  };
}

/** The box closes, the draft stays. */
export function closeBox(writing: Writing): void {
  answers.value = answers.value.filter((other) => other !== writing);
}

/** The view closes at once; what was not sent is opened again, and says why. */
export async function send(writing: Writing): Promise<void> {
  const { pid, draft } = writing;
  writing.problem.value = null;
  sendings.value = [...sendings.value, writing];
  const onPage = !answers.value.includes(writing);
  closeBox(writing);
  if (onPage) {
    const open: Route["open"] = pid === null ? null : { kind: "thread", id: pid };
    go({ ...route.value, open }, { replace: open !== null });
  }
  const then = route.value;
  try {
    const { id } = await draft.send();
    forget(writing);
    if (pid !== null) announce(texts.writing.states.sent);
    else {
      const act = (): void => go({ ...route.value, open: { kind: "thread", id } });
      notify(texts.writing.states.sent, "news", { offer: { label: texts.notices.open, act } });
    }
  } catch (error) {
    // Not to whoever is signed in instead.
    if (all.value.includes(writing)) notSent(writing, error, then);
  } finally {
    sendings.value = sendings.value.filter((other) => other !== writing);
  }
}

/** Throws what client.ts throws. */
export async function discard(writing: Writing): Promise<void> {
  await writing.draft.discard();
  forget(writing);
  closeBox(writing);
}

/** As a list names it: open somewhere, in this browser, or on the host alone. Throws what client.ts throws. */
export async function discardKept(
  { id, local }: { readonly id: number | null; readonly local: string | null },
): Promise<void> {
  const open = all.value.find((one) =>
    one.key === local || (id !== null && one.draft.id.value === id)
  );
  // It would be saved again.
  if (open !== undefined) return await discard(open);
  const kept = localDrafts().find(({ key }) => key === local);
  if (kept !== undefined) return await discardLocal(kept);
  if (id === null) return;
  const item = await deleteOnHost(id, null);
  putMessage(id, item);
  if (item !== null) tell(whyItStays(item));
}

/** What another device has written since was never shown here: that stays. */
async function discardLocal(local: LocalDraft): Promise<void> {
  const draft = Draft.fromLocal(parts(), local);
  try {
    await draft.discard();
  } finally {
    // Nobody has it before the eyes, also if it is still there.
    draft.abandon();
  }
}

/** Is this one of the thread? */
export function isOfThread({ pid }: { readonly pid: number | null }, root: number): boolean {
  return pid !== null && mail.value.mailbox?.thread(pid)?.root === root;
}

function notSent(writing: Writing, error: unknown, then: Route): void {
  if (error instanceof SignedOut) return tell(error);
  if (!(error instanceof Offline || error instanceof Refused)) tell(error);
  const words = error instanceof Refused
    ? texts.writing.notSent(error.message)
    : texts.writing.notSentOffline;
  writing.problem.value = words;
  const { pid } = writing;
  const isHere = route.value === then;
  if (pid !== null && mail.value.mailbox?.message(pid) !== null) {
    openBox(writing, isHere);
    if (isHere) return;
    const act = (): void => go({ ...route.value, open: { kind: "thread", id: pid } });
    return notify(words, "problem", { offer: { label: texts.notices.open, act } });
  }
  const act = (): void => go({ ...route.value, open: routeOf(writing) });
  if (isHere) act();
  else notify(words, "problem", { offer: { label: texts.notices.open, act } });
}

function openBox(writing: Writing, focus = true): void {
  const root = writing.pid === null ? null : mail.value.mailbox?.thread(writing.pid)?.root ?? null;
  const others = answers.value.filter((other) =>
    other !== writing && (root === null || !isOfThread(other, root))
  );
  answers.value = [...others, writing];
  if (focus) asked.value = writing;
}

/** An answer to this message that was begun before: the one that is open, else this browser's, else the host's. */
async function answerThere(pid: number): Promise<Writing | null> {
  const open = all.value.find((one) => one.pid === pid && !sendings.value.includes(one));
  if (open !== undefined) return open;
  const local = localDrafts().find(({ content }) => content.pid === pid);
  if (local !== undefined) return fromLocal(local);
  const item = drafts.value.find((draft) => draft.pid === pid);
  return item === undefined ? null : await byId(item.id);
}

/** null: it was sent. */
async function byId(id: number): Promise<Writing | null> {
  const open = all.value.find(({ draft }) => draft.id.value === id);
  if (open !== undefined) return open;
  const local = localDrafts().find((one) => one.id === id);
  if (local !== undefined) return fromLocal(local);
  const item = await client.message(id, { fresh: true });
  if (item.time !== null) return null;
  return taken(new Writing(await Draft.open(parts(), item)));
}

function byKey(key: string): Writing | null {
  const open = all.value.find((one) => one.key === key);
  if (open !== undefined) return open;
  const local = localDrafts().find((one) => one.key === key);
  return local === undefined ? null : fromLocal(local);
}

function fromLocal(local: LocalDraft): Writing {
  return taken(new Writing(Draft.fromLocal(parts(), local)));
}

function begun(content: Partial<DraftContent>): Writing {
  return taken(new Writing(Draft.begin(parts(), { markdown: writesMarkdown(), ...content })));
}

/** Two that asked for the same at once have the same. */
function taken(writing: Writing): Writing {
  const id = writing.draft.id.value;
  const before = all.value.find((other) =>
    other.key === writing.key || (id !== null && other.draft.id.value === id)
  );
  if (before !== undefined) {
    writing.draft.abandon();
    return before;
  }
  all.value = [...all.value, writing];
  return writing;
}

async function left(writing: Writing): Promise<void> {
  await writing.draft.save();
  const { kind } = writing.draft.state.value;
  const isBusy = sendings.value.includes(writing) || answers.value.includes(writing);
  if (writing.views > 0 || isBusy || writing.draft.files.isMoving) return;
  if (kind !== "saved" && kind !== "empty" && kind !== "local") return;
  forget(writing);
  writing.draft.abandon();
}

function forget(writing: Writing): void {
  all.value = all.value.filter((other) => other !== writing);
}

function parts(): DraftParts {
  const from = me()?.address ?? "";
  const onChanged: DraftParts["onChanged"] = (id, item) => {
    // The answer may come when somebody else is signed in.
    if (me()?.address === from) putMessage(id, item);
  };
  return { from, onChanged, onError: tell };
}

// Nothing of whoever signed out is saved, or shown to the next.
effect(() => {
  if (session.value.kind === "in") return;
  for (const { draft } of all.peek()) draft.abandon();
  [all.value, answers.value, sendings.value, asked.value] = [[], [], [], null];
});

/** What each was on the host, the last time. */
const ids = new WeakMap<Writing, number | null>();

// A draft that was sent or changed elsewhere goes on as another one: the address of its page follows.
effect(() => {
  for (const writing of all.value) {
    const id = writing.draft.id.value;
    const before = ids.get(writing) ?? null;
    ids.set(writing, id);
    if (before !== null && before !== id) untracked(() => follow(writing, before));
  }
});

function follow(writing: Writing, before: number): void {
  const { open } = route.value;
  if (open?.kind !== "draft" || open.id !== before) return;
  go({ ...route.value, open: routeOf(writing) }, { replace: true });
}

// Sent, though nobody here waits for it: the answer was lost, or it was sent elsewhere.
effect(() => {
  for (const writing of all.value) {
    const state = writing.draft.state.value;
    if (state.kind === "sent") untracked(() => sentBefore(writing, state.id));
  }
});

function sentBefore(writing: Writing, id: number): void {
  if (sendings.value.includes(writing)) return;
  forget(writing);
  closeBox(writing);
  const { open } = route.value;
  if (open?.kind === "draft" && open.id === id) {
    go({ ...route.value, open: { kind: "thread", id } }, { replace: true });
  }
  notify(texts.writing.states.sent, "news");
}

// What failed for want of the host goes on when it is back.
effect(() => {
  if (connection.value !== "live") return;
  for (const { draft } of all.peek()) {
    void draft.save();
    draft.files.goOn();
  }
});

// A page that is hidden may never be shown again.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "hidden") return;
  for (const { draft } of all.value) void draft.save();
});

const unsafe = computed(() => all.value.some(({ draft }) => !draft.isSafe));
const warn = (event: BeforeUnloadEvent): void => event.preventDefault();
effect(() => {
  if (unsafe.value) addEventListener("beforeunload", warn);
  else removeEventListener("beforeunload", warn);
});
