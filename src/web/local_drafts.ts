// What was written and is not on the host yet, kept in this browser: until it has a recipient, and while it is offline.

import { type DraftContent, EMPTY_DRAFT } from "./draft_steps.ts";

/** `id` is that of the host's copy, null where there is none. */
export interface LocalDraft {
  readonly key: string;
  readonly id: number | null;
  readonly content: DraftContent;
}

const PREFIX = "fmsg draft ";
const MOST = 50;

/** Is it kept? Does not fail: in a browser that keeps nothing, or no more, only the host keeps drafts. */
export function keepLocally({ key, id, content }: LocalDraft): boolean {
  try {
    if (localStorage.getItem(PREFIX + key) === null && localDrafts().length >= MOST) return false;
    localStorage.setItem(PREFIX + key, JSON.stringify({ id, content }));
    return true;
  } catch {
    // Full, or switched off. An older state of it would be taken for the newest.
    dropLocally(key);
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
    const { id, content }: Partial<LocalDraft> = JSON.parse(text ?? "null");
    return { key, id: id ?? null, content: { ...EMPTY_DRAFT, ...content } };
  } catch {
    return null;
  }
}
