// What the page tells in passing, at its edge.

import { type Signal, signal } from "@preact/signals";

export interface Notice {
  readonly id: number;
  readonly tone: "news" | "problem";
  readonly text: string;
}

const SHOWN = 8_000;
const MOST = 4;

/** The newest last. */
export const notices: Signal<readonly Notice[]> = signal([]);

let count = 0;

/** The same text is not there twice. Problems stay until they are closed; news goes by itself. */
export function notify(text: string, tone: Notice["tone"] = "problem"): void {
  if (notices.value.some((notice) => notice.text === text)) return;
  const id = ++count;
  notices.value = [...notices.value, { id, tone, text }].slice(-MOST);
  if (tone === "news") setTimeout(() => closeNotice(id), SHOWN);
}

export function closeNotice(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}
