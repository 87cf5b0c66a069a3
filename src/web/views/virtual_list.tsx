// A list of which only the lines around what is seen are there, however long it is. All lines have one height, told in rem
// by `--line-height` (style/threads.css), so that zoom and the reader's letters change it.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { indexNear, type ListWindow, shiftOf, windowOf } from "../list_window.ts";
import { useShortcut } from "../shortcuts.ts";
import type { Lines } from "../sorted_runs.ts";
import { texts } from "../texts.ts";

export interface VirtualListProps<Item> {
  /** What it is called; also that under which its place is remembered. */
  readonly label: string;
  readonly place: string;
  readonly items: Lines<Item>;
  readonly keyOf: (item: Item) => number | string;
  /** The line: a link or button that takes `tabIndex`, the one element of it that takes the focus by arrows. */
  readonly line: (item: Item, tabIndex: 0 | -1) => ComponentChildren;
  /** Is there no more than `items`? Else `onNear` is called before the end is reached. */
  readonly whole: boolean;
  readonly onNear?: () => void;
  /** Above the lines while they are scrolled; `toTop` goes there. */
  readonly chip?: ((scrolled: boolean, toTop: () => void) => ComponentChildren) | undefined;
  /** Behind the last line. */
  readonly end?: ComponentChildren;
}

/** Where each list was left, in lines: it is there again when one comes back. */
const places = new Map<string, number>();

export function VirtualList<Item>(props: VirtualListProps<Item>): JSX.Element {
  const { label, place, items, keyOf, line, whole, onNear, chip, end } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const [seen, setSeen] = useState<ListWindow>({ first: 0, end: 24 });
  const [scrolled, setScrolled] = useState(false);
  const [active, setActive] = useState<{ key: number | string; at: number } | null>(null);
  const previous = useRef(items);
  /** The line that is to have the focus once it is there; also after the order changed under it. */
  const focused = useRef<number | string | null>(null);

  const activeAt = active === null
    ? 0
    : Math.max(0, indexNear(items, keyOf, active.key, active.at));

  /** In pixels. */
  function measure(): { top: number; height: number; line: number } {
    const box = scroller.current;
    const step = list.current?.firstElementChild?.getBoundingClientRect().height ?? 0;
    return { top: box?.scrollTop ?? 0, height: box?.clientHeight ?? 0, line: step > 0 ? step : 84 };
  }

  function look(): void {
    const now = measure();
    // Not shown, as behind a conversation on a phone: its place stays.
    if (now.height === 0) return;
    places.set(place, now.top / now.line);
    setScrolled(now.top > now.line / 2);
    const next = windowOf({ ...now, count: items.length });
    setSeen((held) => held.first === next.first && held.end === next.end ? held : next);
    const below = items.length * now.line - now.top - now.height;
    if (!whole && below < 3 * now.height) onNear?.();
  }

  function scrollTo(lines: number): void {
    if (scroller.current !== null) scroller.current.scrollTop = lines * measure().line;
    look();
  }

  useLayoutEffect(() => {
    const box = scroller.current;
    if (box === null) return;
    const left = places.get(place) ?? 0;
    if (left > 0) scrollTo(left);
    let shown = box.clientHeight > 0;
    const observer = new ResizeObserver(() => {
      const kept = places.get(place) ?? 0;
      if (!shown && box.clientHeight > 0 && kept > 0) scrollTo(kept);
      shown = box.clientHeight > 0;
      latest.current();
    });
    observer.observe(box);
    return () => observer.disconnect();
  }, [place]);

  // What comes on top moves nothing that somebody reads.
  useLayoutEffect(() => {
    const before = previous.current;
    previous.current = items;
    const { top, height, line: step } = measure();
    if (before === items || top < step / 2 || height === 0) return;
    const first = Math.floor(top / step);
    const shift = shiftOf(before, items, { keyOf, first, end: first + Math.ceil(height / step) });
    if (shift !== 0) scrollTo(top / step + shift);
  }, [items]);

  const latest = useRef(look);
  latest.current = look;
  useEffect(() => latest.current(), [items, whole, onNear]);

  useLayoutEffect(() => {
    const { activeElement } = document;
    if (focused.current === null || (activeElement !== null && activeElement !== document.body)) {
      return;
    }
    focusLine(activeAt);
  });

  function focusLine(at: number): void {
    const found = list.current?.querySelector(`[data-at="${at}"] [tabindex]`);
    if (found instanceof HTMLElement) found.focus({ preventScroll: true });
  }

  function moveTo(to: number): void {
    const at = Math.max(0, Math.min(items.length - 1, to));
    const item = items.at(at);
    if (item === undefined) return;
    const { top, height, line: step } = measure();
    if (at * step < top) scrollTo(at);
    else if ((at + 1) * step > top + height) scrollTo(at + 1 - height / step);
    setActive({ key: keyOf(item), at });
    focused.current = keyOf(item);
    // The line may not be there before the next drawing; the one that has the focus gives it up then.
    requestAnimationFrame(() => focusLine(at));
  }

  function step(by: number): void {
    const inside = list.current?.contains(document.activeElement) === true;
    moveTo(inside || by === 0 ? activeAt + by : activeAt);
  }

  function pressed(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const { height, line: height1 } = measure();
    const screen = Math.max(1, Math.floor(height / height1) - 1);
    const to = new Map([
      ["ArrowDown", activeAt + 1],
      ["ArrowUp", activeAt - 1],
      ["PageDown", activeAt + screen],
      ["PageUp", activeAt - screen],
      ["Home", 0],
      ["End", items.length - 1],
    ]).get(event.key);
    if (to === undefined) return;
    event.preventDefault();
    moveTo(to);
  }

  useShortcut("j", texts.lists.keys.next, () => step(1));
  useShortcut("k", texts.lists.keys.previous, () => step(-1));

  const drawn: number[] = [];
  for (let at = seen.first; at < Math.min(seen.end, items.length); at++) drawn.push(at);
  // Also where it is scrolled away: it keeps the focus, and is where the Tab key leads.
  if (items.length > 0 && (activeAt < seen.first || activeAt >= seen.end)) drawn.push(activeAt);

  return (
    <div class="virtual" ref={scroller} onScroll={look}>
      {chip?.(scrolled, () => {
        scrollTo(0);
        moveTo(0);
      })}
      <ul
        ref={list}
        class="virtual-lines"
        role="list"
        aria-label={label}
        style={{ height: `calc(var(--line-height) * ${items.length})` }}
        onKeyDown={pressed}
        onFocusOut={({ relatedTarget }) => {
          if (relatedTarget !== null) focused.current = null;
        }}
      >
        {drawn.map((at) => {
          const item = items.at(at);
          if (item === undefined) return null;
          const key = keyOf(item);
          return (
            <li
              key={key}
              class="virtual-line"
              data-at={at}
              aria-posinset={at + 1}
              aria-setsize={whole ? items.length : -1}
              style={{ top: `calc(var(--line-height) * ${at})` }}
              onFocusIn={() => {
                focused.current = key;
                if (active?.key !== key || active.at !== at) setActive({ key, at });
              }}
            >
              {line(item, at === activeAt ? 0 : -1)}
            </li>
          );
        })}
      </ul>
      {end}
    </div>
  );
}
