// One line of a list: who, when, about what, how it begins, and what is to be known before it is opened.

import type { ComponentChildren, JSX } from "preact";
import { addressKey, addressParts } from "../addresses.ts";
import { formatRoute, type Route } from "../router.ts";
import { go, me } from "../state.ts";
import { previewText } from "../short_text.ts";
import { LANGUAGE, texts } from "../texts.ts";
import type { Thread } from "../thread.ts";
import { Avatar } from "./avatar.tsx";
import { Icon } from "./icons.tsx";
import { Time } from "./time.tsx";

export interface LineProps {
  readonly to: Route;
  readonly tabIndex: 0 | -1;
  readonly isOpen: boolean;
  readonly people: readonly string[];
  readonly unread?: number;
  readonly count?: number;
  /** POSIX seconds; null: there is none. */
  readonly at: number | null;
  readonly topic: ComponentChildren;
  /** Before the text, in the page's own words. */
  readonly prefix?: ComponentChildren;
  readonly text: ComponentChildren;
  readonly signs?: ComponentChildren;
}

export function Line(props: LineProps): JSX.Element {
  const { to, tabIndex, isOpen, people, unread = 0, count = 1, at, topic, prefix, text, signs } =
    props;
  return (
    <a
      class={unread > 0 ? "thread-line thread-unread" : "thread-line"}
      href={formatRoute(to)}
      tabIndex={tabIndex}
      aria-current={isOpen ? "true" : undefined}
      onClick={(event) => {
        // In another tab, or downloaded: the browser's own doing.
        if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        go(to);
      }}
    >
      <span class="thread-node" aria-hidden="true" />
      <Avatar address={people[0] ?? ""} />
      <span class="thread-head">
        {unread > 0 && <span class="hidden-text">{texts.lists.unread(unread)},</span>}
        <People addresses={people} />
        {count > 1 && (
          <span class="thread-count">
            <span aria-hidden="true">{count.toLocaleString(LANGUAGE)}</span>
            <span class="hidden-text">, {texts.lists.messages(count)},</span>
          </span>
        )}
        <span class="thread-time">{at !== null && <Time at={at * 1000} form="short" />}</span>
      </span>
      <span class="thread-topic">
        <span class="thread-words" dir="auto">{topic}</span>
        <span class="thread-signs">{signs}</span>
      </span>
      <span class="thread-text">
        {prefix}
        <span class="thread-words" dir="auto">{text}</span>
      </span>
    </a>
  );
}

/** A thread of the inbox, or of what was sent. */
export function ThreadLine(
  { thread, to, at, isOpen, tabIndex }: {
    readonly thread: Thread;
    readonly to: Route;
    readonly at: number;
    readonly isOpen: boolean;
    readonly tabIndex: 0 | -1;
  },
): JSX.Element {
  const { people, unread, count, topic, last, drafts } = thread;
  const { lists } = texts;
  return (
    <Line
      to={to}
      at={at}
      isOpen={isOpen}
      tabIndex={tabIndex}
      people={people}
      unread={unread}
      count={count}
      topic={topic === null
        ? <span class="thread-none">{lists.unknownTopic}</span>
        : <Topic text={topic} />}
      prefix={
        <>
          {drafts.length > 0 && <span class="thread-draft">{`${lists.draft} `}</span>}
          {addressKey(last.from) === me()?.key && (
            <span class="thread-mine">{`${lists.mine} `}</span>
          )}
        </>
      }
      text={<Beginning text={previewText(last)} />}
      signs={
        <>
          {thread.failed > 0 && (
            <Sign name="warning" tone="tone-failed" text={lists.failed(thread.failed)} />
          )}
          {thread.important && (
            <Sign name="important" tone="thread-important" text={lists.important} />
          )}
          {thread.attachments && <Sign name="attach" tone="quiet" text={lists.attachments} />}
        </>
      }
    />
  );
}

export function Topic({ text }: { readonly text: string }): JSX.Element {
  return text.trim() === "" ? <span class="thread-none">{texts.lists.noTopic}</span> : <>{text}</>;
}

/** As one row: a line has no room for more of it. */
export function Beginning({ text }: { readonly text: string }): JSX.Element {
  const row = oneRow(text);
  return row === "" ? <span class="thread-none">{texts.lists.noText}</span> : <>{row}</>;
}

export function oneRow(text: string): string {
  return text.slice(0, 240).replace(/\s+/gu, " ").trim();
}

export function Sign(
  { name, tone, text }: {
    readonly name: "warning" | "important" | "attach";
    readonly tone: string;
    readonly text: string;
  },
): JSX.Element {
  return (
    <span class={`thread-sign ${tone}`} title={text}>
      <Icon name={name} />
      <span class="hidden-text">, {text}</span>
    </span>
  );
}

const NAMED = 3;

/** One with the domain, several by their names alone; of many the first, and how many more. */
function People({ addresses }: { readonly addresses: readonly string[] }): JSX.Element {
  const others = addresses.length > NAMED + 1 ? addresses.length - NAMED : 0;
  const named = others > 0 ? addresses.slice(0, NAMED) : addresses;
  const [only] = named;
  if (only === undefined) return <span class="thread-people">{texts.lists.nobody}</span>;
  return (
    <>
      <span class="thread-people" title={addresses.length === 1 ? only : undefined}>
        {named.map((address, i) => (
          <span key={address}>
            {i > 0 && ", "}
            <Name address={address} withDomain={addresses.length === 1} />
          </span>
        ))}
      </span>
      {others > 0 && <span class="thread-others">{texts.lists.others(others)}</span>}
    </>
  );
}

function Name(
  { address, withDomain }: { readonly address: string; readonly withDomain: boolean },
): JSX.Element {
  if (addressKey(address) === me()?.key) return <bdi>{texts.lists.me}</bdi>;
  const parts = addressParts(address);
  if (parts === null) return <bdi>{address}</bdi>;
  return (
    <>
      <bdi>{parts.name}</bdi>
      {withDomain && <bdi class="thread-domain">@{parts.domain}</bdi>}
    </>
  );
}
