// What was written and is not on the host yet, kept in this browser: until it has a recipient, and while it is offline.

import { type DraftContent, EMPTY_DRAFT } from "./draft_steps.ts";

export interface LocalDraft {
  readonly key: string;
  /** Of the host's copy; null: there is none. */
  readonly id: number | null;
  readonly content: DraftContent;
  /** What the host's copy says unless it was changed elsewhere: what was read there, and what was being saved. Empty: not known. */
  readonly bases: readonly DraftContent[];
}

export function newDraft(id: number | null, content: DraftContent): LocalDraft {
  return { key: crypto.randomUUID(), id, content, bases: [] };
}

const PREFIX = "fmsg draft ";
const MOST = 50;

/** Is it kept? Does not fail: in a browser that keeps nothing, or no more, only the host keeps drafts. */
export function keepLocally({ key, ...draft }: LocalDraft): boolean {
  try {
    if (localStorage.getItem(PREFIX + key) === null && localDrafts().length >= MOST) return false;
  } catch {
    return false;
  }
  // Where there is no room for all, what is written counts: without its bases it becomes a draft of its own
  // where the host's copy is not the same.
  if (isPut(key, draft) || isPut(key, { ...draft, bases: [] })) return true;
  // An older state of it would be taken for the newest.
  dropLocally(key);
  return false;
}

function isPut(key: string, draft: Omit<LocalDraft, "key">): boolean {
  try {
    localStorage.setItem(PREFIX + key, JSON.stringify(draft));
    return true;
  } catch {
    // Full, or switched off.
    return false;
  }
}

export function dropLocally(key: string): void {
  try {
    localStorage.removeItem(PREFIX + key);
  } catch {
    // Switched off.
  }
}

export function localDrafts(): LocalDraft[] {
  try {
    return Object.keys(localStorage).filter((name) => name.startsWith(PREFIX))
      .flatMap((name) => parsed(name.slice(PREFIX.length), localStorage.getItem(name)) ?? []);
  } catch {
    return [];
  }
}

/** At signing out by choice, and before somebody else is signed in. */
export function forgetLocalDrafts(): void {
  for (const { key } of localDrafts()) dropLocally(key);
}

function parsed(key: string, text: string | null): LocalDraft | null {
  try {
    const { id = null, content, bases = [] }: Partial<LocalDraft> = JSON.parse(text ?? "null");
    return { key, id, content: { ...EMPTY_DRAFT, ...content }, bases };
  } catch {
    return null;
  }
}
