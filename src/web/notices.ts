// What the page tells in passing, at its edge.

import { type Signal, signal } from "@preact/signals";

export interface Notice {
  readonly id: number;
  readonly tone: "news" | "problem";
  readonly text: string;
  /** A button beside it; pressing it closes the notice too. */
  readonly offer: Offer | null;
  /** Until it is closed; else it goes by itself after a while. */
  readonly stays: boolean;
}

export interface Offer {
  readonly label: string;
  readonly act: () => void;
}

const MOST = 4;

/** The newest last. */
export const notices: Signal<readonly Notice[]> = signal([]);

/** For screen readers alone: what others see for themselves. */
export const announced: Signal<string> = signal("");

let count = 0;

/** The same text is not there twice. Problems stay until they are closed; news goes by itself, unless it `stays`. */
export function notify(
  text: string,
  tone: Notice["tone"] = "problem",
  { offer = null, stays = false }: { readonly offer?: Offer | null; readonly stays?: boolean } = {},
): void {
  if (notices.value.some((notice) => notice.text === text)) return;
  const notice: Notice = { id: ++count, tone, text, offer, stays: stays || tone === "problem" };
  notices.value = [...notices.value, notice].slice(-MOST);
}

export function closeNotice(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

export function announce(text: string): void {
  // The same words again would be no change, which is what is read out.
  announced.value = announced.value === text ? `${text}\u00a0` : text;
}
