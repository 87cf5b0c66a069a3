// Which part of the page is shown, and the address that says so. Pure.

export type ListView = "inbox" | "sent" | "drafts" | "search";

export interface Route {
  /** The list beside, or behind, what else is shown. */
  readonly list: ListView;
  /** What is searched for; "" in the other lists. */
  readonly query: string;
  readonly open:
    | null
    | { readonly kind: "settings" }
    /** The conversation with this message in it. */
    | { readonly kind: "thread"; readonly id: number }
    /** A new message; `to` is filled in from a link. `local`: the key of one that only this browser has. */
    | { readonly kind: "new"; readonly to: string; readonly local?: string }
    | { readonly kind: "draft"; readonly id: number };
}

export const HOME: Route = { list: "inbox", query: "", open: null };

/** Of `location.search`. Whatever is not understood is left out: an address never fails. */
export function parseRoute(search: string): Route {
  const params = new URLSearchParams(search);
  const view = params.get("view") ?? "inbox";
  const list = isList(view) ? view : "inbox";
  const query = list === "search" ? (params.get("q") ?? "").slice(0, 1000) : "";
  return { list, query, open: openOf(params, view) };
}

/** Of a route, `/` with its query. `parseRoute` gives the route again. */
export function formatRoute({ list, query, open }: Route): string {
  const params = new URLSearchParams();
  if (open?.kind === "settings") params.set("view", "settings");
  else if (list !== "inbox") params.set("view", list);
  if (list === "search" && open?.kind !== "settings" && query !== "") params.set("q", query);
  if (open?.kind === "thread") params.set("thread", String(open.id));
  if (open?.kind === "draft") params.set("write", String(open.id));
  if (open?.kind === "new") {
    params.set("write", "new");
    if (open.to !== "") params.set("to", open.to);
    if (open.local !== undefined) params.set("local", open.local);
  }
  const text = params.toString();
  return text === "" ? "/" : `/?${text}`;
}

/** How `location.hash` of a sign-in link begins. */
export const SIGN_IN = "#sign-in=";

/** The token of a sign-in link in `location.hash`; null when there is none. */
export function signInToken(hash: string): string | null {
  return /^#sign-in=([A-Za-z0-9_-]{16,256})$/.exec(hash)?.[1] ?? null;
}

function openOf(params: URLSearchParams, view: string): Route["open"] {
  const thread = idOf(params.get("thread"));
  if (thread !== null) return { kind: "thread", id: thread };
  const write = params.get("write");
  if (write === "new") {
    const local = params.get("local");
    return {
      kind: "new",
      to: (params.get("to") ?? "").slice(0, 255),
      ...local === null ? {} : { local: local.slice(0, 64) },
    };
  }
  const draft = idOf(write);
  if (draft !== null) return { kind: "draft", id: draft };
  return view === "settings" ? { kind: "settings" } : null;
}

function isList(text: string): text is ListView {
  return text === "inbox" || text === "sent" || text === "drafts" || text === "search";
}

function idOf(text: string | null): number | null {
  if (text === null || !/^[1-9][0-9]{0,15}$/.test(text)) return null;
  const id = Number(text);
  return Number.isSafeInteger(id) ? id : null;
}
