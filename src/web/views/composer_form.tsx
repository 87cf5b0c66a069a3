// The form in which a message is written, on a page of its own or at the end of a conversation.

import type { JSX } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { DraftContent } from "../draft_steps.ts";
import { mail, me } from "../state.ts";
import { strangersOf } from "../strangers.ts";
import { texts } from "../texts.ts";
import { send, shown, writeNew, type Writing } from "../writing.ts";
import { attach, mostBytes } from "../writing_files.ts";
import { type Missing, missing } from "../writing_rules.ts";
import { ComposerBar, DraftStateLine } from "./composer_bar.tsx";
import { TextField, TopicField } from "./composer_fields.tsx";
import { DraftFilesView } from "./draft_files_view.tsx";
import { pastedFiles } from "./dropped_files.ts";
import { Icon } from "./icons.tsx";
import { later } from "./later.tsx";
import { Recipients } from "./recipients.tsx";
import { StrangersNote } from "./strangers_note.tsx";

const AddPeople = later(() => import("./add_people.tsx").then((module) => module.AddPeople));

export interface ComposerProps {
  readonly writing: Writing;
  readonly place: "page" | "box";
  /** It is seen no more: it was discarded, or is being sent. */
  readonly onGone: () => void;
}

export function Composer({ writing, place, onGone }: ComposerProps): JSX.Element {
  const { draft } = writing;
  const content = draft.content.value;
  const form = useRef<HTMLFormElement>(null);
  const [wrong, setWrong] = useState<Missing | null>(null);
  const [adding, setAdding] = useState<readonly string[] | null>(null);
  const [preview, setPreview] = useState(false);
  const problemId = useId();
  const parent = content.pid === null ? null : mail.value.mailbox?.message(content.pid) ?? null;

  useEffect(() => shown(writing), [writing]);
  useLayoutEffect(() => focusFirst(form.current, content), []);

  function edit(change: Partial<DraftContent>): void {
    draft.edit(change);
    setWrong(null);
  }
  function sendIt(): void {
    // What is half typed in the field of recipients is taken in when the focus leaves it.
    const typing = document.activeElement;
    if (typing instanceof HTMLElement && typing.matches(".recipients-input")) typing.blur();
    const now = draft.content.value;
    const { files } = draft.files;
    const problem = missing(now, {
      recipients: writing.recipients.value,
      files: files.value.length,
      bytes: draft.files.size,
      limit: mostBytes(),
    });
    setWrong(problem);
    if (problem !== null) return focusProblem(form.current, problem);
    if (parent !== null && strangersOf(now.to, parent, me()?.key ?? "") !== null) {
      form.current?.querySelector<HTMLElement>(".strangers button")?.focus();
      return;
    }
    onGone();
    void send(writing);
  }

  const problem = wrong === null ? null : texts.writing.missing[wrong];
  const atRecipients = wrong === "recipient" || wrong === "recipients wrong" ||
    wrong === "too many";
  return (
    <>
      <form
        ref={form}
        class={`composer composer-${place}`}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          sendIt();
        }}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.isComposing || event.repeat) return;
          if (!event.ctrlKey && !event.metaKey) return;
          event.preventDefault();
          sendIt();
        }}
        onPaste={(event) => {
          const files = pastedFiles(event.clipboardData);
          if (files.length === 0) return;
          event.preventDefault();
          attach(writing, files);
        }}
      >
        <div class="composer-scroll">
          {writing.problem.value !== null && (
            <p class="composer-problem" role="alert">
              <Icon name="warning" />
              {writing.problem.value}
            </p>
          )}
          {parent?.no_reply === true && (
            <p class="composer-note small">
              <Icon name="no-reply" />
              {texts.message.noReply}
            </p>
          )}
          <Recipients
            label={texts.writing.to}
            value={writing.recipients.value}
            problem={atRecipients ? problem : null}
            onChange={(recipients) => {
              setWrong(null);
              writing.setRecipients(recipients);
            }}
          />
          {content.pid === null && (
            <TopicField
              value={content.topic}
              describedBy={wrong === "topic" ? problemId : undefined}
              onChange={(topic) => edit({ topic })}
            />
          )}
          <TextField
            content={content}
            preview={preview}
            describedBy={wrong === "text" || wrong === "size" ? problemId : undefined}
            onChange={(text) => edit({ text })}
          />
          <DraftFilesView writing={writing} />
        </div>
        <div class="composer-foot">
          {parent !== null && (
            <StrangersNote
              item={parent}
              to={content.to}
              onAdd={setAdding}
              onNewThread={() => newThread(writing)}
            />
          )}
          {problem !== null && !atRecipients && (
            <p class="field-problem small" id={problemId} role="alert">{problem}</p>
          )}
          <ComposerBar
            writing={writing}
            preview={preview}
            onPreview={setPreview}
            onEdit={edit}
            onGone={onGone}
          />
          {place === "box" && <DraftStateLine writing={writing} />}
        </div>
      </form>
      {adding !== null && parent !== null && (
        <AddPeople
          item={parent}
          suggested={adding}
          onClose={() => setAdding(null)}
        />
      )}
    </>
  );
}

/** The same words to the same people, without what they would answer. The draft of the answer stays. */
function newThread({ draft, pid }: Writing): void {
  const topic = pid === null ? null : mail.value.mailbox?.thread(pid)?.topic ?? null;
  writeNew({ ...draft.content.value, pid: null, topic: topic ?? "" });
}

/** A new message begins with whom it goes to, an answer with what it says. A page of a phone opens no keyboard at once. */
function focusFirst(form: HTMLElement | null, { to, pid, text }: DraftContent): void {
  const box = form?.closest(".answer-box") ?? null;
  // Of a box that stood open somebody reads the conversation first.
  if (box !== null && !box.contains(document.activeElement)) return;
  const first = pid === null && to.length === 0
    ? ".recipients-input"
    : pid === null && text === ""
    ? ".composer-topic"
    : ".composer-text";
  const field = form?.querySelector<HTMLInputElement | HTMLTextAreaElement>(first);
  field?.focus({ preventScroll: true });
  field?.setSelectionRange(field.value.length, field.value.length);
  box?.scrollIntoView({ block: "nearest" });
}

function focusProblem(form: HTMLElement | null, problem: Missing): void {
  const at = problem === "topic"
    ? ".composer-topic"
    : problem === "size" || problem === "text"
    ? ".composer-text"
    : ".recipients-input";
  form?.querySelector<HTMLElement>(at)?.focus();
}
