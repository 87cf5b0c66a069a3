// A link to another part of the page: it can be opened in a tab of its own, and otherwise nothing is loaded anew.

import type { ComponentChildren, JSX } from "preact";
import { formatRoute, type Route } from "../router.ts";
import { go } from "../state.ts";

export function Link(
  { to, current = false, children, ...rest }: {
    readonly to: Route;
    readonly current?: boolean;
    readonly class?: string;
    readonly title?: string;
    readonly children: ComponentChildren;
  },
): JSX.Element {
  return (
    <a
      {...rest}
      href={formatRoute(to)}
      aria-current={current ? "page" : undefined}
      onClick={(event) => {
        const { button, ctrlKey, metaKey, shiftKey, altKey } = event;
        if (button !== 0 || ctrlKey || metaKey || shiftKey || altKey) return;
        event.preventDefault();
        go(to);
      }}
    >
      {children}
    </a>
  );
}
