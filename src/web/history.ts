// Where on the page one is, and how one gets elsewhere: the browser's history follows.

import { type Signal, signal } from "@preact/signals";
import { formatRoute, parseRoute, type Route } from "./router.ts";

export const route: Signal<Route> = signal(parseRoute(location.search));

/** What each entry of the history remembers: the address that one came from. */
interface Came {
  readonly from: string;
}

/** On the way back in the history, which takes a moment; `then`: where to from there. */
let returning: { then: (() => void) | null } | null = null;

/**
 * Closing what was opened from the same list goes back rather than on: whoever then presses the browser's "back" leaves
 * the list, and does not see it all again.
 */
export function go(to: Route, { replace = false }: { readonly replace?: boolean } = {}): void {
  const from = formatRoute(route.value);
  const url = formatRoute(to);
  route.value = to;
  if (returning !== null) returning.then = () => go(to, { replace });
  else if (replace || url === from) history.replaceState(history.state, "", url);
  else if (to.open === null && cameFrom(history.state) === url) {
    returning = { then: null };
    history.back();
  } else {
    const came: Came = { from };
    history.pushState(came, "", url);
  }
}

/** The address changed by itself: back, forward, or a notification. */
export function followAddress(search: string = location.search): void {
  const then = returning?.then ?? null;
  returning = null;
  route.value = parseRoute(search);
  then?.();
}

function cameFrom(state: unknown): string | null {
  if (typeof state !== "object" || state === null || !("from" in state)) return null;
  return typeof state.from === "string" ? state.from : null;
}
