// What is told in passing, at the page's edge: news politely, problems at once.

import type { JSX } from "preact";
import { announced, closeNotice, type Notice, notices } from "../notices.ts";
import { texts } from "../texts.ts";
import { Icon } from "./icons.tsx";
import { returnFocus } from "./dialog.tsx";

/** The regions are always there: screen readers tell only what changes in one that they know. */
export function Notices(): JSX.Element {
  return (
    <div class="notices">
      <Region tone="news" />
      <Region tone="problem" />
      <p class="hidden-text" role="status">{announced.value}</p>
    </div>
  );
}

function Region({ tone }: { readonly tone: Notice["tone"] }): JSX.Element {
  const shown = notices.value.filter((notice) => notice.tone === tone);
  return (
    <div class="notices-region" role={tone === "news" ? "status" : "alert"}>
      {shown.map((notice) => <Line key={notice.id} notice={notice} />)}
    </div>
  );
}

function Line({ notice: { id, tone, text, offer } }: { readonly notice: Notice }): JSX.Element {
  const close = (): void => {
    closeNotice(id);
    returnFocus(null);
  };
  return (
    <div class={`notice notice-${tone}`}>
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
