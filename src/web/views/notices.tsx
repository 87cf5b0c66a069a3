// What is told in passing, at the page's edge: news politely, problems at once.

import { type Signal, signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { announced, closeNotice, type Notice, notices } from "../notices.ts";
import { texts } from "../texts.ts";
import { keepFocus } from "./focus.ts";
import { Icon } from "./icons.tsx";

/** Milliseconds that news is shown. */
const SHOWN = 8_000;

/** Where notices can be shown; the last is the one that can be seen and pressed: a dialog is above the page. */
const places: Signal<readonly symbol[]> = signal([]);

/**
 * Belongs in the page, and in each dialog: while one is open all else is out of reach, for screen readers too. The
 * regions are always there: screen readers tell only what changes in one that they know.
 */
export function Notices(): JSX.Element {
  const [place] = useState(() => Symbol());
  useLayoutEffect(() => {
    places.value = [...places.peek(), place];
    return () => {
      places.value = places.peek().filter((other) => other !== place);
    };
  }, []);
  const isHere = places.value.at(-1) === place;
  const shown = isHere ? notices.value : [];
  // What was said before it was there has been read out.
  const [said] = useState(announced.peek());
  const words = announced.value;
  return (
    <div class="notices">
      <Region tone="news" shown={shown} />
      <Region tone="problem" shown={shown} />
      <p class="hidden-text" role="status">{words === said ? "" : words}</p>
    </div>
  );
}

function Region(
  { tone, shown }: { readonly tone: Notice["tone"]; readonly shown: readonly Notice[] },
): JSX.Element {
  return (
    <div class="notices-region" role={tone === "news" ? "status" : "alert"}>
      {shown.filter((notice) => notice.tone === tone)
        .map((notice) => <Line key={notice.id} notice={notice} />)}
    </div>
  );
}

function Line(
  { notice: { id, tone, text, offer, stays } }: { readonly notice: Notice },
): JSX.Element {
  const line = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (stays) return;
    const timer = setInterval(() => {
      // Not while somebody is about to press something in it.
      if (line.current?.matches(":hover, :focus-within") !== true) closeNotice(id);
    }, SHOWN);
    return () => clearInterval(timer);
  }, [id, stays]);
  const close = (): void => {
    closeNotice(id);
    keepFocus();
  };
  return (
    <div class={`notice notice-${tone}`} ref={line} onMouseDown={leaveFocus}>
      <Icon name={tone === "news" ? "info" : "warning"} />
      <p class="notice-text" dir="auto">{text}</p>
      {offer !== null && (
        <button
          type="button"
          class="button plain notice-offer"
          onClick={() => {
            close();
            offer.act();
          }}
        >
          {offer.label}
        </button>
      )}
      <button
        type="button"
        class="button plain icon-only"
        aria-label={texts.notices.close}
        title={texts.notices.close}
        onClick={close}
      >
        <Icon name="close" />
      </button>
    </div>
  );
}

/** Whoever writes while it comes presses its button, and writes on. Its words can still be marked, to be copied. */
function leaveFocus(event: MouseEvent): void {
  if (event.target instanceof Element && event.target.closest("button") !== null) {
    event.preventDefault();
  }
}
