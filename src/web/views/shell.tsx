// The page as a whole: who is not signed in is told how; others have places to go, a list, and what is open beside it.

import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { formatRoute, HOME, type ListView, type Route } from "../router.ts";
import { useShortcut } from "../shortcuts.ts";
import { go, openThread, route, session, unread } from "../state.ts";
import { texts } from "../texts.ts";
import { DraftList } from "./draft_list.tsx";
import { Mark } from "./icons.tsx";
import { later } from "./later.tsx";
import { Banner, Navigation, writeRoute } from "./navigation.tsx";
import { Notices } from "./notices.tsx";
import { Search } from "./search.tsx";
import { SignIn } from "./sign_in.tsx";
import { topicWords } from "../words.ts";
import { ThreadList } from "./thread_list.tsx";

const Conversation = later(() => import("./conversation.tsx").then((m) => m.Conversation));
const WritePage = later(() => import("./composer.tsx").then((m) => m.WritePage));
const Settings = later(() => import("./settings.tsx").then((m) => m.Settings));
const ShortcutHelp = later(() => import("./shortcut_help.tsx").then((m) => m.ShortcutHelp));

export function Shell(): JSX.Element {
  const { value } = session;
  const isIn = value.kind === "in";
  useEffect(() => {
    if (!isIn) document.title = texts.product;
  }, [isIn]);
  if (isIn) return <Mailbox />;
  return (
    <>
      {value.kind === "out" ? <SignIn why={value.why} /> : <Starting />}
      <Notices />
    </>
  );
}

function Starting(): JSX.Element {
  return (
    <main class="sign-in" aria-busy="true">
      <Mark class="sign-in-mark sign-in-waits" />
      <p class="hidden-text" role="status">{texts.signIn.working}</p>
    </main>
  );
}

function Mailbox(): JSX.Element {
  const [help, setHelp] = useState(false);
  const { open, list } = route.value;
  useKeys(() => setHelp(true));
  useTitle();
  const reading = useFocus(open === null ? "" : formatRoute({ ...HOME, open }), list);
  return (
    <div class={`shell ${open === null ? "shell-list" : `shell-open shell-${open.kind}`}`}>
      <SkipLink />
      <Banner />
      <Navigation />
      <main class="panes" id="main" tabIndex={-1}>
        <div class="pane pane-list">
          <List list={list} />
        </div>
        <div class="pane pane-reading" ref={reading} tabIndex={-1}>
          <Open open={open} />
        </div>
      </main>
      <Notices />
      {help && <ShortcutHelp onClose={() => setHelp(false)} />}
    </div>
  );
}

function List({ list }: { readonly list: ListView }): JSX.Element {
  switch (list) {
    case "inbox":
    case "sent":
      return <ThreadList key={list} view={list} />;
    case "drafts":
      return <DraftList />;
    case "search":
      return <Search />;
  }
}

function Open({ open }: { readonly open: Route["open"] }): JSX.Element {
  switch (open?.kind) {
    case undefined:
      return <NothingOpen />;
    case "settings":
      return <Settings />;
    case "thread":
      return <Conversation key={open.id} id={open.id} />;
    case "new":
    case "draft":
      return <WritePage open={open} />;
  }
}

function NothingOpen(): JSX.Element {
  return (
    <div class="nothing-open">
      <Mark class="nothing-open-mark" />
      <p>{texts.page.nothingOpen}</p>
      <p class="quiet small">{texts.page.nothingOpenHint}</p>
      <p class="quiet small nothing-open-keys">
        <kbd>c</kbd> {texts.shortcuts.write} <kbd>/</kbd> {texts.shortcuts.search} <kbd>?</kbd>{" "}
        {texts.page.shortcuts}
      </p>
    </div>
  );
}

function SkipLink(): JSX.Element {
  return (
    <a
      class="skip-link button primary"
      href="#main"
      onClick={(event) => {
        // The address is left as it is: it says what is open.
        event.preventDefault();
        document.querySelector<HTMLElement>("main")?.focus();
      }}
    >
      {texts.page.skip}
    </a>
  );
}

function useKeys(showHelp: () => void): void {
  const { shortcuts } = texts;
  const to = (list: ListView): void => go({ ...HOME, list });
  useShortcut("c", shortcuts.write, () => go(writeRoute()));
  useShortcut("/", shortcuts.search, toSearch);
  useShortcut("u", shortcuts.back, close);
  useShortcut("Escape", shortcuts.back, close);
  useShortcut("g i", shortcuts.inbox, () => to("inbox"));
  useShortcut("g s", shortcuts.sent, () => to("sent"));
  useShortcut("g d", shortcuts.drafts, () => to("drafts"));
  useShortcut("?", shortcuts.help, showHelp);
}

/** From within the search: to its field, which keeps what is asked for. On a phone it may be below what is open. */
function toSearch(): void {
  const { value } = route;
  if (value.list !== "search") return go({ ...HOME, list: "search" });
  const field = document.querySelector<HTMLInputElement>(".search-field input");
  const enter = (): void => {
    field?.focus();
    field?.select();
  };
  if (field?.checkVisibility({ visibilityProperty: true }) === true) return enter();
  go({ ...value, open: null });
  requestAnimationFrame(enter);
}

function close(): void {
  if (route.value.open !== null) go({ ...route.value, open: null });
}

/** `(3) Inbox – fmsg`: what is unread first, where there is little room in a tab. */
function useTitle(): void {
  const { list, open } = route.value;
  const shown = openThread.value;
  const place = open === null
    ? texts.lists[list]
    : open.kind === "settings"
    ? texts.settings.title
    : open.kind === "thread"
    ? shown === null ? texts.page.conversation : topicWords(shown.thread)
    : texts.writing.title;
  const title = texts.page.title(unread.value, place);
  useEffect(() => {
    document.title = title;
  }, [title]);
}

/**
 * Focus is never lost: when something opens over the list it goes there, and when that is closed back to where it was in
 * the list. What is shown there may then take it to its heading. `shown` is "" while nothing is open.
 */
function useFocus(shown: string, list: ListView): { current: HTMLDivElement | null } {
  const reading = useRef<HTMLDivElement>(null);
  const before = useRef<Element | null>(null);
  const last = useRef<string | null>(null);
  useLayoutEffect(() => {
    const { activeElement } = document;
    if (last.current === "" && shown !== "") before.current = activeElement;
    const isFirst = last.current === null;
    last.current = shown;
    if (isFirst) return;
    const pane = reading.current;
    // Elements of a list that is covered can still have focus at this moment.
    const hasFocus = activeElement !== null && activeElement !== document.body &&
      activeElement.checkVisibility({ visibilityProperty: true });
    if (hasFocus) return;
    const back = before.current;
    if (shown !== "") pane?.focus({ preventScroll: true });
    else if (back instanceof HTMLElement && back.isConnected && back !== document.body) {
      back.focus({ preventScroll: true });
    } else (entryOfList() ?? pane?.parentElement)?.focus({ preventScroll: true });
  }, [shown, list]);
  return reading;
}

/** Where the list is entered by keyboard. */
function entryOfList(): HTMLElement | null {
  return document.querySelector(".pane-list [role='list'] [tabindex='0']");
}
