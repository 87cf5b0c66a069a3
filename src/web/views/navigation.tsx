// Where one can go: a column beside the list, or a bar below it, with the button to write.

import type { JSX } from "preact";
import { addressParts } from "../addresses.ts";
import { HOME, type ListView, type Route } from "../router.ts";
import { connection, drafts, route, session, unread } from "../state.ts";
import { texts } from "../texts.ts";
import { Avatar } from "./avatar.tsx";
import { Icon, type IconName, Mark } from "./icons.tsx";
import { Link } from "./link.tsx";

const LISTS: readonly { readonly list: ListView; readonly icon: IconName }[] = [
  { list: "inbox", icon: "inbox" },
  { list: "sent", icon: "sent" },
  { list: "drafts", icon: "draft" },
  { list: "search", icon: "search" },
];

export function Banner(): JSX.Element {
  return (
    <header class="banner">
      <Link class="banner-home" to={HOME} title={texts.lists.inbox}>
        <Mark class="banner-mark" />
        <span class="banner-name">{texts.product}</span>
      </Link>
      <Connection />
    </header>
  );
}

export function Navigation(): JSX.Element {
  const { list, open } = route.value;
  const { value } = session;
  const inSettings = open?.kind === "settings";
  return (
    <nav class="nav" aria-label={texts.page.navigation}>
      <Link class="nav-write button primary" to={writeRoute()} title={texts.lists.write}>
        <Icon name="write" />
        <span class="nav-write-word">{texts.page.write}</span>
      </Link>
      <ul class="nav-list">
        {LISTS.map((entry) => (
          <li key={entry.list}>
            <Link
              class="nav-item"
              to={{ list: entry.list, query: "", open: null }}
              current={!inSettings && entry.list === list}
              title={texts.lists[entry.list]}
            >
              <Icon name={entry.icon} />
              <span class="nav-word">{texts.lists[entry.list]}</span>
              <Count list={entry.list} />
            </Link>
          </li>
        ))}
        <li class="nav-settings">
          <Link
            class="nav-item"
            to={{ ...route.value, open: { kind: "settings" } }}
            current={inSettings}
            title={texts.lists.settings}
          >
            <Icon name="settings" />
            <span class="nav-word">{texts.lists.settings}</span>
          </Link>
        </li>
      </ul>
      {value.kind === "in" && (
        <p class="nav-me" title={value.session.address}>
          <Avatar address={value.session.address} size="small" />
          <OwnName address={value.session.address} />
        </p>
      )}
    </nav>
  );
}

/** On two lines: domains are long, and the column is not. */
function OwnName({ address }: { readonly address: string }): JSX.Element {
  const parts = addressParts(address);
  return (
    <span class="nav-me-name">
      <bdi class="address-name">{parts?.name ?? address}</bdi>
      {parts !== null && <span class="address-domain">@{parts.domain}</span>}
    </span>
  );
}

/** A new message, with the list that is there kept behind it. */
export function writeRoute(): Route {
  const { list, query } = route.value;
  return { list, query, open: { kind: "new", to: "" } };
}

function Count({ list }: { readonly list: ListView }): JSX.Element | null {
  const n = list === "inbox" ? unread.value : list === "drafts" ? drafts.value.length : 0;
  if (n === 0) return null;
  const words = list === "inbox" ? texts.page.unreadThreads(n) : texts.lists.drafts_(n);
  return (
    <span class={`nav-count nav-count-${list}`}>
      <span aria-hidden="true">{n > 99 ? "99+" : n}</span>
      <span class="hidden-text">, {words}</span>
    </span>
  );
}

/** Nothing while all is well. The region is always there, so that a change is read out. */
function Connection(): JSX.Element {
  const { value } = connection;
  return (
    <div class="connection" role="status">
      {value !== "live" && (
        <span class={`connection-state connection-${value}`} title={texts.connection[value]}>
          <Icon name={value === "offline" ? "offline" : "clock"} />
          <span class="connection-word">
            {value === "offline" ? texts.page.offline : texts.connection.connecting}
          </span>
        </span>
      )}
    </div>
  );
}
