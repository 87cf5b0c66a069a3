// What stands at the end of a conversation: answers on their way, the one that is being written, and drafts to go on with.

import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { localDrafts } from "../local_drafts.ts";
import { everybodyBut } from "../message_facts.ts";
import { drafts, mail, me, openThread } from "../state.ts";
import { previewText } from "../short_text.ts";
import { texts } from "../texts.ts";
import {
  answer,
  answers,
  asked,
  closeBox,
  isOfThread,
  openAnswer,
  sendings,
  type Writing,
} from "../writing.ts";
import { attach } from "../writing_files.ts";
import { AddressName } from "./address_name.tsx";
import { useDroppedFiles } from "./dropped_files.ts";
import { Icon } from "./icons.tsx";
import { later } from "./later.tsx";
import { Sending } from "./sending.tsx";

const Composer = later(() => import("./composer_form.tsx").then((module) => module.Composer));

/** `thread`: the id of its root, as far as it is known. */
export function AnswerBox({ thread }: { readonly thread: number }): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  void mail.value;
  const open = answers.value.find((one) => isOfThread(one, thread)) ?? null;
  const onTheirWay = sendings.value.filter((one) => isOfThread(one, thread));
  const files = useRef<readonly File[]>([]);
  const over = useDroppedFiles(() => place.current?.closest(".conversation") ?? null, (dropped) => {
    if (open !== null) return attach(open, dropped);
    const last = openThread.value?.entries.at(-1)?.item;
    if (last === undefined) return;
    files.current = dropped;
    answer(last, everybodyBut(last, me()?.key ?? "").length > 1 ? "all" : "sender");
  });
  useEffect(() => {
    if (open === null || files.current.length === 0) return;
    attach(open, files.current);
    files.current = [];
  }, [open]);
  return (
    <div class="answer" ref={place}>
      {onTheirWay.map((one) => <Sending key={one.key} writing={one} />)}
      {open !== null && <Open key={open.key} writing={open} />}
      <DraftLines thread={thread} except={[...onTheirWay, ...open === null ? [] : [open]]} />
      {over && <p class="drop-here">{texts.writing.drop}</p>}
    </div>
  );
}

function Open({ writing }: { readonly writing: Writing }): JSX.Element {
  const box = useRef<HTMLElement>(null);
  const parent = writing.pid === null ? null : mail.value.mailbox?.message(writing.pid) ?? null;
  const wanted = asked.value === writing;
  useLayoutEffect(() => {
    if (!wanted) return;
    asked.value = null;
    const text = box.current?.querySelector<HTMLElement>(".composer-text");
    text?.focus({ preventScroll: true });
    // Until the form is loaded: its place.
    if (text === null || text === undefined) box.current?.focus({ preventScroll: true });
    box.current?.scrollIntoView({ block: "nearest" });
  });
  const title = parent === null ? texts.lists.answer : texts.writing.answerTo(parent.from);
  return (
    <section class="answer-box" aria-label={title} ref={box} tabIndex={-1}>
      <header class="answer-head small">
        <Icon name="reply" />
        <span class="answer-title">
          {parent === null
            ? texts.lists.answer
            : texts.message.answers<JSX.Element>(<AddressName address={parent.from} />)}
          {parent !== null && (
            <>
              {" · "}
              <bdi class="quiet">{previewText(parent)}</bdi>
            </>
          )}
        </span>
        <button
          type="button"
          class="button plain icon-only"
          aria-label={texts.writing.closeBox}
          title={texts.writing.closeBox}
          onClick={() => close(writing)}
        >
          <Icon name="close" />
        </button>
      </header>
      <Composer writing={writing} place="box" onGone={() => focusMessage(writing)} />
    </section>
  );
}

/** The draft stays, as a line. */
function close(writing: Writing): void {
  focusMessage(writing);
  closeBox(writing);
}

/** The focus is in what goes away: back to what it answers. */
function focusMessage({ pid }: Writing): void {
  document.querySelector<HTMLElement>(`[data-message="${pid}"] .message-box`)
    ?.focus({ preventScroll: true });
}

interface DraftLine {
  readonly id: number | null;
  readonly key: string | null;
  readonly text: string;
}

function DraftLines(
  { thread, except }: { readonly thread: number; readonly except: readonly Writing[] },
): JSX.Element | null {
  const lines = linesOf(thread).filter(({ id, key }) =>
    !except.some(({ draft }) => draft.key === key || (id !== null && draft.id.value === id))
  );
  if (lines.length === 0) return null;
  return (
    <ul class="answer-drafts" aria-label={texts.lists.drafts}>
      {lines.map((line) => (
        <li key={line.id ?? line.key}>
          <button type="button" class="answer-draft" onClick={() => openAnswer(line)}>
            <Icon name="draft" />
            <span class="answer-draft-word">{texts.writing.goOn}</span>
            <bdi class="answer-draft-text quiet">{line.text}</bdi>
          </button>
        </li>
      ))}
    </ul>
  );
}

/** Of this browser, which may be newer, and of the host. */
function linesOf(thread: number): DraftLine[] {
  const local = localDrafts().filter(({ content }) => isOfThread(content, thread));
  const known = new Set(local.map(({ id }) => id));
  const hosts = drafts.value.filter((item) => isOfThread(item, thread) && !known.has(item.id));
  return [
    ...local.map(({ id, key, content }) => ({ id, key, text: content.text.slice(0, 300) })),
    ...hosts.map((item) => ({ id: item.id, key: null, text: previewText(item) })),
  ];
}
