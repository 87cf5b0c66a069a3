// The page as a whole: who is not signed in is told how, others have a list of threads and a conversation.

import { useEffect, useRef } from "preact/hooks";
import type { JSX } from "preact";
import type { MessageItem } from "../../api/message_schema.ts";
import { bodyText } from "../client.ts";
import { HOME } from "../router.ts";
import {
  action,
  connection,
  go,
  hasMore,
  inbox,
  loadMore,
  loadThread,
  markThreadRead,
  notices,
  openThread,
  route,
  session,
} from "../state.ts";
import { texts } from "../texts.ts";
import type { Thread } from "../thread.ts";
import { shortTime } from "../words.ts";

export function Shell(): JSX.Element {
  const { value } = session;
  if (value.kind === "starting") return <p>{texts.signIn.working}</p>;
  if (value.kind === "out") return <SignIn why={value.why} />;
  return (
    <>
      <header>{value.session.address} · {texts.connection[connection.value]}</header>
      <main>{route.value.open?.kind === "thread" ? <Conversation /> : <Threads />}</main>
      <div role="status">{notices.value.map(({ id, text }) => <p key={id}>{text}</p>)}</div>
    </>
  );
}

function SignIn({ why }: { why: string }): JSX.Element {
  const { title, how, used, tooOften, ended } = texts.signIn;
  const reason = why === "link"
    ? used
    : why === "too often"
    ? tooOften
    : why === "ended"
    ? ended
    : "";
  return (
    <main>
      <h1>{title}</h1>
      {reason !== "" && <p>{reason}</p>}
      <p>{why === "offline" ? texts.notices.offline : how}</p>
    </main>
  );
}

function Threads(): JSX.Element {
  return (
    <>
      <h1>{texts.lists.inbox}</h1>
      {inbox.value.length === 0 && <p>{texts.lists.emptyInbox}</p>}
      <ul>{inbox.value.map((thread) => <Line key={thread.root} thread={thread} />)}</ul>
      {hasMore("inbox") && (
        <button type="button" onClick={() => action(() => loadMore("inbox"))}>
          {texts.lists.more}
        </button>
      )}
    </>
  );
}

function Line({ thread }: { thread: Thread }): JSX.Element {
  const { root, topic, people, moment, unread, last } = thread;
  return (
    <li>
      <button
        type="button"
        onClick={() => go({ ...HOME, open: { kind: "thread", id: root } })}
      >
        <bdi>{people.slice(0, 3).join(", ")}</bdi>: <bdi>{topic ?? texts.lists.unknownTopic}</bdi>
        {" "}
        (<bdi>{last.short_text ?? ""}</bdi>), {shortTime(moment * 1000, Date.now())}
        {unread > 0 && `, ${texts.lists.unread(unread)}`}
      </button>
    </li>
  );
}

function Conversation(): JSX.Element {
  const { open } = route.value;
  const id = open?.kind === "thread" ? open.id : 0;
  useEffect(() => {
    void action(async () => {
      await loadThread(id);
      await markThreadRead(id);
    });
  }, [id]);
  const shown = openThread.value;
  return (
    <>
      <button type="button" onClick={() => go(HOME)}>{texts.lists.inbox}</button>
      <h1>{shown?.thread.topic ?? texts.lists.unknownTopic}</h1>
      {shown?.entries.map(({ item }) => <Message key={item.id} item={item} />)}
    </>
  );
}

function Message({ item }: { item: MessageItem }): JSX.Element {
  const body = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const cancel = new AbortController();
    void action(async () => {
      const { text } = await bodyText(item, { signal: cancel.signal });
      const { textFragment } = await import("../markdown.ts");
      body.current?.replaceChildren(textFragment(text, item.type));
    });
    return () => cancel.abort();
  }, [item.id]);
  return (
    <article>
      <h2>
        <bdi>{item.from}</bdi>
      </h2>
      <div ref={body} />
    </article>
  );
}
