// What all lists have: a heading, and something to say when there is nothing in them.

import type { ComponentChildren, JSX } from "preact";
import { go, route } from "../state.ts";
import { texts } from "../texts.ts";
import { Icon, type IconName } from "./icons.tsx";

export function ListHead(
  { title, children }: { readonly title: string; readonly children?: ComponentChildren },
): JSX.Element {
  return (
    <div class="list-head">
      <h1 class="list-title">{title}</h1>
      {children}
    </div>
  );
}

export function EmptyList(
  { icon, title, hint, write = false }: {
    readonly icon: IconName;
    readonly title: string;
    readonly hint: string;
    /** Is writing the next thing to do? */
    readonly write?: boolean;
  },
): JSX.Element {
  return (
    <div class="list-empty">
      <span class="list-empty-icon">
        <Icon name={icon} />
      </span>
      <h2>{title}</h2>
      <p class="quiet">{hint}</p>
      {write && (
        <button
          type="button"
          class="button"
          onClick={() => go({ ...route.value, open: { kind: "new", to: "" } })}
        >
          {texts.lists.write}
        </button>
      )}
    </div>
  );
}
