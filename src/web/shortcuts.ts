// Keys that do something wherever one is on the page: a registry to which each view adds its own while it is shown.

import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

export interface Shortcut {
  /** As in `KeyboardEvent.key`; `g i` is one after the other, `Mod+Enter` with Control or Command. */
  readonly key: string;
  /** For the list of them. */
  readonly description: string;
}

interface Registered extends Shortcut {
  readonly act: () => void;
}

const registered: Signal<readonly Registered[]> = signal([]);

/** Those that work now, in the order in which they came; of one key that came later, the later one. */
export const shortcuts: ReadonlySignal<readonly Shortcut[]> = registered;

const SETTING = "fmsg-single-keys";

/** Whoever speaks to the computer presses single keys by accident: they can be turned off (WCAG 2.1.4). */
export const singleKeys: Signal<boolean> = signal(read() !== "off");

export function setSingleKeys(on: boolean): void {
  singleKeys.value = on;
  try {
    localStorage.setItem(SETTING, on ? "on" : "off");
  } catch {
    // Kept until the page is left.
  }
}

/** While the component is shown. Nothing happens while somebody types, unless the key is one with `Mod+`. */
export function useShortcut(key: string, description: string, act: () => void): void {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    const entry: Registered = { key, description, act: () => latest.current() };
    if (registered.value.length === 0) document.addEventListener("keydown", pressed);
    registered.value = [...registered.value, entry];
    return () => {
      registered.value = registered.value.filter((other) => other !== entry);
      if (registered.value.length === 0) document.removeEventListener("keydown", pressed);
    };
  }, [key, description]);
}

/** Milliseconds in which the second key of two has to come. */
const PATIENCE = 1_200;

let first: { readonly key: string; readonly at: number } | null = null;

function pressed(event: KeyboardEvent): void {
  const { target, defaultPrevented, isComposing } = event;
  if (defaultPrevented || isComposing || document.querySelector("dialog[open]") !== null) return;
  const key = keyOf(event);
  if (key === null || (isTyping(target) && !key.startsWith("Mod+"))) return;
  const before = first !== null && Date.now() - first.at < PATIENCE ? first.key : null;
  first = null;
  const act = actionFor(key, before);
  if (act === null) return;
  event.preventDefault();
  act();
}

function actionFor(key: string, before: string | null): (() => void) | null {
  if (key.length === 1 && !singleKeys.value) return null;
  const wanted = before === null ? key : `${before} ${key}`;
  const found = registered.value.findLast((entry) => entry.key === wanted);
  if (found !== undefined) return found.act;
  if (!registered.value.some((entry) => entry.key.startsWith(`${key} `))) return null;
  return () => first = { key, at: Date.now() };
}

/** null: with keys that are the browser's. */
function keyOf({ key, ctrlKey, metaKey, altKey }: KeyboardEvent): string | null {
  if (altKey) return null;
  if (ctrlKey || metaKey) return `Mod+${key}`;
  return key;
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.matches("textarea, select")) return true;
  return target instanceof HTMLInputElement &&
    !["checkbox", "radio", "button"].includes(target.type);
}

function read(): string | null {
  try {
    return localStorage.getItem(SETTING);
  } catch {
    return null;
  }
}
