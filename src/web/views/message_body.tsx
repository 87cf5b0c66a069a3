// The text of a message: loaded when it is opened, as far as it is shown, and safe (markdown.ts, plain_text.ts).

import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { MessageItem } from "../../api/message_schema.ts";
import { type BodyText, bodyText, dataUrl } from "../client.ts";
import { Offline } from "../errors.ts";
import { textFragment } from "../markdown.ts";
import { isHtml, isShownText } from "../shown_text.ts";
import { connection, go, tell } from "../state.ts";
import { parseRoute } from "../router.ts";
import { texts } from "../texts.ts";
import { sizeWords } from "../words.ts";
import { Icon } from "./icons.tsx";
import { useSeen } from "./seen.ts";

type Loading =
  | { readonly kind: "loading" }
  | { readonly kind: "here"; readonly body: BodyText }
  | { readonly kind: "failed"; readonly offline: boolean };

/** `onShown`: it stands on the page, and its height is that of its text. `onSeen`: it was before the reader's eyes. */
export function MessageBody(
  { item, onShown, onSeen }: {
    readonly item: MessageItem;
    readonly onShown: () => void;
    readonly onSeen: () => void;
  },
): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const isText = isShownText(item.type);
  const [tries, setTries] = useState(0);
  const [all, setAll] = useState(false);
  const [state, setState] = useState<Loading>(() => firstState(item, isText));
  useEffect(() => {
    if (state.kind === "here" && (state.body.whole || !all)) return;
    const cancel = new AbortController();
    bodyText(item, { all, signal: cancel.signal }).then(
      (body) => setState({ kind: "here", body }),
      (error: unknown) => {
        if (cancel.signal.aborted) return;
        setState({ kind: "failed", offline: error instanceof Offline });
        if (!(error instanceof Offline)) tell(error);
      },
    );
    return () => cancel.abort();
  }, [item.id, tries, all]);
  const live = connection.value === "live";
  useEffect(() => {
    if (live && state.kind === "failed" && state.offline) setTries(tries + 1);
  }, [live]);
  useSeen(place, state.kind === "here", onSeen);
  /** The button that is pressed goes. */
  const stay = (): void => place.current?.focus({ preventScroll: true });

  return (
    <div class="message-body" ref={place} tabIndex={-1}>
      {!isText && <NotText item={item} onShown={onShown} />}
      {isText && state.kind === "loading" && <Beginning item={item} />}
      {isText && state.kind === "here" && (
        <Shown
          text={state.body.text}
          type={item.type}
          onShown={onShown}
        />
      )}
      {state.kind === "here" && !state.body.whole && (
        <div class="message-note">
          <p>{texts.message.restIsLong}</p>
          <button
            type="button"
            class="button"
            onClick={() => {
              stay();
              setAll(true);
            }}
          >
            {texts.message.rest(sizeWords(item.size))}
          </button>
          <Download item={item} />
        </div>
      )}
      {state.kind === "failed" && (
        <div class="message-note" role="alert">
          <Icon name={state.offline ? "offline" : "warning"} />
          <p>{state.offline ? texts.message.offline : texts.message.failed}</p>
          <button
            type="button"
            class="button"
            onClick={() => {
              stay();
              setTries(tries + 1);
            }}
          >
            {texts.page.tryAgain}
          </button>
        </div>
      )}
    </div>
  );
}

/** The text as nodes, which no HTML went into. */
function Shown(
  { text, type, onShown }: {
    readonly text: string;
    readonly type: string;
    readonly onShown: () => void;
  },
): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    place.current?.replaceChildren(textFragment(text, type));
    onShown();
  }, [text, type]);
  if (text === "") return <p class="quiet">{texts.message.empty}</p>;
  return (
    <>
      {isHtml(type) && <p class="message-note small">{texts.message.html}</p>}
      <div class="message-text" ref={place} onClick={followInside} />
    </>
  );
}

/** A link to somebody's address goes on within the page. */
function followInside(event: MouseEvent): void {
  const { target, button, ctrlKey, metaKey, shiftKey, altKey } = event;
  if (button !== 0 || ctrlKey || metaKey || shiftKey || altKey) return;
  const link = target instanceof Element ? target.closest("a") : null;
  if (link === null || link.target !== "" || link.origin !== location.origin) return;
  event.preventDefault();
  go(parseRoute(link.search));
}

/** What the list knows already, as it will stand there, so that the page does not jump when all of it comes. */
function Beginning({ item }: { readonly item: MessageItem }): JSX.Element {
  const { short_text: beginning = "", type } = item;
  if (beginning === "") return <p class="quiet" role="status">{texts.message.loading}</p>;
  return (
    <div aria-busy="true">
      <Shown text={beginning} type={type} onShown={() => {}} />
    </div>
  );
}

function NotText(
  { item, onShown }: { readonly item: MessageItem; readonly onShown: () => void },
): JSX.Element {
  useLayoutEffect(onShown, []);
  return (
    <div class="message-note">
      <Icon name="file" />
      <p>
        {item.size === 0 ? texts.message.empty : texts.message.notText(item.type)}
      </p>
      {item.size > 0 && <Download item={item} />}
    </div>
  );
}

function Download({ item }: { readonly item: MessageItem }): JSX.Element {
  return (
    <a class="button" href={dataUrl(item.id)} download={`message-${item.id}`}>
      <Icon name="download" />
      {texts.message.downloadBody} ({sizeWords(item.size)})
    </a>
  );
}

/** A short text is whole in the list already: nothing has to be asked for. */
function firstState({ size, short_text: text, deflate }: MessageItem, isText: boolean): Loading {
  if (!isText || size === 0) return { kind: "here", body: { text: "", whole: true } };
  if (text === undefined || deflate) return { kind: "loading" };
  const whole = new TextEncoder().encode(text).length === size;
  return whole ? { kind: "here", body: { text, whole } } : { kind: "loading" };
}
