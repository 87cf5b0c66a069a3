// Search as it is typed: what is found, as messages, with the words in them marked.

import type { JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { MessageItem } from "../../api/message_schema.ts";
import { Refused } from "../errors.ts";
import { aroundFound, foundParts, wordsOf } from "../found_words.ts";
import { arrivedAt, recipientsOf } from "../message_facts.ts";
import { action, found, go, mail, me, route, searchFor, tell } from "../state.ts";
import { previewText } from "../short_text.ts";
import { texts } from "../texts.ts";
import { keepFocus } from "./focus.ts";
import { Icon } from "./icons.tsx";
import { EmptyList, ListHead } from "./list_parts.tsx";
import { Line, oneRow, Sign } from "./thread_line.tsx";
import { VirtualList } from "./virtual_list.tsx";

/** Milliseconds without a key before it is searched for. */
const PAUSE = 250;

export function Search(): JSX.Element {
  const { query, open } = route.value;
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const hint = useId();
  const { lists } = texts;
  const asked = query.trim();

  useEffect(() => {
    if (open === null) field.current?.focus();
  }, []);

  useEffect(() => {
    setProblem(null);
    if (asked === "" || found.peek()?.query === asked) return;
    const cancel = new AbortController();
    const timer = setTimeout(() => {
      setBusy(true);
      searchFor(asked, { signal: cancel.signal }).catch((error: unknown) => {
        if (cancel.signal.aborted) return;
        found.value = null;
        if (error instanceof Refused) setProblem(error.message);
        else {
          setProblem(lists.searchFailed);
          tell(error);
        }
      }).finally(() => cancel.signal.aborted || setBusy(false));
    }, PAUSE);
    return () => {
      clearTimeout(timer);
      cancel.abort();
      setBusy(false);
    };
  }, [asked]);

  const shown = asked === "" ? null : found.value;
  const current = shown?.query === asked ? shown : null;
  const wanted = wordsOf(shown?.query ?? "");
  const [loading, setLoading] = useState(false);
  const more = (): void => {
    if (loading || current === null || current.whole) return;
    setLoading(true);
    void action(() => searchFor(asked, { more: true })).finally(() => {
      setLoading(false);
      // After the last of them the button goes.
      keepFocus();
    });
  };
  return (
    <section class="list" aria-label={lists.search}>
      <ListHead title={lists.search} />
      <search class="search-box">
        <label class="search-field">
          <span class="hidden-text">{lists.searchFor}</span>
          <Icon name="search" />
          <input
            ref={field}
            class="field"
            type="search"
            value={query}
            maxLength={1000}
            placeholder={lists.searchFor}
            autocomplete="off"
            spellcheck={false}
            enterkeyhint="search"
            aria-describedby={hint}
            aria-invalid={problem !== null}
            onInput={({ currentTarget }) =>
              go({ ...route.value, list: "search", query: currentTarget.value }, { replace: true })}
          />
        </label>
        <p
          id={hint}
          class={problem === null ? "search-state quiet small" : "search-state tone-failed small"}
          role="status"
        >
          {problem ?? (busy
            ? lists.searching
            : current === null
            ? ""
            : lists.found(current.items.length, current.whole))}
        </p>
      </search>
      {asked === "" && <SearchHelp />}
      {current !== null && current.items.length === 0 && (
        <EmptyList icon="search" title={lists.emptySearch} hint={lists.emptySearchHint} />
      )}
      {shown !== null && shown.items.length > 0 && problem === null && (
        <VirtualList
          key={shown.query}
          label={lists.results}
          place={`search ${shown.query}`}
          items={shown.items}
          keyOf={({ id }) => id}
          whole={shown.whole}
          line={(item, tabIndex) => (
            <Result
              item={item}
              wanted={wanted}
              tabIndex={tabIndex}
              isOpen={open?.kind === "thread" && open.id === item.id}
            />
          )}
          end={!shown.whole && (
            <div class="list-end">
              <button type="button" class="button" aria-disabled={loading} onClick={more}>
                {loading ? lists.loading : lists.more}
              </button>
            </div>
          )}
        />
      )}
    </section>
  );
}

function Result(
  { item, wanted, tabIndex, isOpen }: {
    readonly item: MessageItem;
    readonly wanted: ReadonlySet<string>;
    readonly tabIndex: 0 | -1;
    readonly isOpen: boolean;
  },
): JSX.Element {
  const { from, time, topic, attachments, important, pid } = item;
  const own = me();
  // An answer has no topic of its own: that of its thread, where it is known.
  const title = pid === null ? topic : mail.value.mailbox?.thread(item.id)?.topic ?? topic;
  const isOwn = own?.address === from;
  const text = aroundFound(previewText(item), wanted);
  return (
    <Line
      to={{
        ...route.value,
        open: time === null ? { kind: "draft", id: item.id } : { kind: "thread", id: item.id },
      }}
      tabIndex={tabIndex}
      isOpen={isOpen}
      people={isOwn ? recipientsOf(item) : [from]}
      at={time === null ? null : arrivedAt(item, own?.key ?? "")}
      topic={title.trim() === ""
        ? <span class="thread-none">{pid === null ? texts.lists.noTopic : texts.lists.answer}</span>
        : <Marked text={title} wanted={wanted} />}
      prefix={
        <>
          {time === null && <span class="thread-draft">{`${texts.lists.draft} `}</span>}
          {isOwn && time !== null && <span class="thread-mine">{`${texts.lists.mine} `}</span>}
        </>
      }
      text={text === ""
        ? <span class="thread-none">{texts.lists.noText}</span>
        : <Marked text={oneRow(text)} wanted={wanted} />}
      signs={
        <>
          {important && (
            <Sign name="important" tone="thread-important" text={texts.lists.important} />
          )}
          {attachments.length > 0 && (
            <Sign name="attach" tone="quiet" text={texts.lists.attachments} />
          )}
        </>
      }
    />
  );
}

function Marked(
  { text, wanted }: { readonly text: string; readonly wanted: ReadonlySet<string> },
): JSX.Element {
  return (
    <>
      {foundParts(text, wanted).map((part, i) =>
        part.found ? <mark key={i} class="search-mark">{part.text}</mark> : part.text
      )}
    </>
  );
}

function SearchHelp(): JSX.Element {
  return (
    <div class="search-help">
      <p class="quiet">{texts.lists.searchHelp}</p>
      <dl>
        {texts.lists.operators.map(([sign, meaning]) => (
          <div key={sign}>
            <dt>
              <code class="mono">{sign}</code>
            </dt>
            <dd class="quiet">{meaning}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
