// An open thread: its topic and people, then its messages along the rail.

import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Offline, Refused } from "../errors.ts";
import { connection, go, loading, loadThread, openThread, route, tell } from "../state.ts";
import { texts } from "../texts.ts";
import type { Thread } from "../thread.ts";
import { topicWords } from "../words.ts";
import { Icon, Mark } from "./icons.tsx";
import { Messages } from "./messages.tsx";
import { People } from "./participants.tsx";

type Trouble = "gone" | "offline" | "failed";

/** `id`: of any message of the thread. */
export function Conversation({ id }: { readonly id: number }): JSX.Element {
  const [state, setState] = useState<{ readonly id: number; readonly is: "here" | Trouble } | null>(
    null,
  );
  const [tries, setTries] = useState(0);
  const is = state?.id === id ? state.is : null;
  useEffect(() => {
    let left = false;
    loadThread(id).then(
      () => left || setState({ id, is: "here" }),
      (error: unknown) => {
        if (left) return;
        setState({ id, is: troubleOf(error) });
        if (!(error instanceof Offline || error instanceof Refused)) tell(error);
      },
    );
    return () => {
      left = true;
    };
  }, [id, tries]);
  const live = connection.value === "live";
  useEffect(() => {
    if (live && is === "offline") setTries(tries + 1);
  }, [live]);

  // Before the lists are here the first time, what is unread of it is not known.
  const settled = useRef<number | null>(null);
  if (is !== null && !loading.value) settled.current = id;

  const shown = openThread.value;
  const missing = is !== null && is !== "here" && shown === null;
  const topic = shown !== null
    ? topicWords(shown.thread)
    : missing
    ? troubleWords(is)
    : texts.conversation.loading;
  return (
    <section class="conversation" aria-label={texts.conversation.label(topic)}>
      <Head id={id} topic={topic} thread={shown?.thread ?? null} />
      {shown !== null && (
        <Messages
          key={id}
          id={id}
          root={shown.thread.root}
          entries={shown.entries}
          settled={settled.current === id}
        />
      )}
      {missing && <Missing trouble={is} onAgain={() => setTries(tries + 1)} />}
    </section>
  );
}

function Head(
  { id, topic, thread }: {
    readonly id: number;
    readonly topic: string;
    readonly thread: Thread | null;
  },
): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => {
    // Where the list is gone from the screen, focus would be lost with it.
    if (matchMedia("(width < 900px)").matches) heading.current?.focus({ preventScroll: true });
  }, [id]);
  return (
    <header class="conversation-head">
      <button
        type="button"
        class="button plain icon-only conversation-back"
        aria-label={texts.page.back}
        title={texts.page.back}
        onClick={() => go({ ...route.value, open: null })}
      >
        <Icon name="back" />
      </button>
      <div class="conversation-about">
        <h1 class="conversation-topic" ref={heading} tabIndex={-1}>
          <bdi>{topic}</bdi>
        </h1>
        {thread !== null && (
          <p class="conversation-people small quiet">
            <span class="hidden-text">{`${texts.conversation.people}: `}</span>
            <People addresses={thread.people} named={3} />
          </p>
        )}
      </div>
    </header>
  );
}

function Missing(
  { trouble, onAgain }: { readonly trouble: Trouble; readonly onAgain: () => void },
): JSX.Element {
  const { goneHint, offlineHint } = texts.conversation;
  return (
    <div class="conversation-empty" role="alert">
      <Mark />
      <p class="hidden-text">{troubleWords(trouble)}</p>
      {trouble !== "failed" && <p class="quiet">{trouble === "gone" ? goneHint : offlineHint}</p>}
      {trouble !== "gone" && (
        <button type="button" class="button" onClick={onAgain}>{texts.page.tryAgain}</button>
      )}
    </div>
  );
}

function troubleWords(trouble: Trouble): string {
  switch (trouble) {
    case "gone":
      return texts.conversation.gone;
    case "offline":
      return texts.conversation.offline;
    case "failed":
      return texts.conversation.failed;
  }
}

function troubleOf(error: unknown): Trouble {
  if (error instanceof Offline) return "offline";
  return error instanceof Refused && error.status === 404 ? "gone" : "failed";
}
