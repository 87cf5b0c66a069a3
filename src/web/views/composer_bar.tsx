// What is done with a message that is being written: sent, given files, marked, discarded; and how safe it is.

import type { JSX } from "preact";
import { useId, useRef, useState } from "preact/hooks";
import type { DraftContent } from "../draft_steps.ts";
import type { DraftState } from "../draft_state.ts";
import { action } from "../state.ts";
import { texts } from "../texts.ts";
import { sizeWords } from "../words.ts";
import { discard, type Writing } from "../writing.ts";
import { attach, mostBytes } from "../writing_files.ts";
import { setWritesMarkdown } from "../writing_settings.ts";
import { Dialog } from "./dialog.tsx";
import { Icon, type IconName } from "./icons.tsx";

export function ComposerBar(
  { writing, preview, onPreview, onEdit, onGone }: {
    readonly writing: Writing;
    readonly preview: boolean;
    readonly onPreview: (on: boolean) => void;
    readonly onEdit: (change: Partial<DraftContent>) => void;
    readonly onGone: () => void;
  },
): JSX.Element {
  const { markdown, important, noReply } = writing.draft.content.value;
  const [options, setOptions] = useState(false);
  const [discarding, setDiscarding] = useState(false);
  const files = useRef<HTMLInputElement>(null);
  const id = useId();
  const words = texts.writing;
  return (
    <>
      <div class={`composer-options ${options ? "composer-options-open" : ""}`} id={id}>
        <Option
          icon="important"
          on={important}
          words={words.important}
          onChange={(on) => onEdit({ important: on })}
        />
        <Option
          icon="no-reply"
          on={noReply}
          words={words.noReply}
          onChange={(on) => onEdit({ noReply: on })}
        />
        <Option
          icon="draft"
          usual
          on={markdown}
          words={words.markdown}
          onChange={(on) => {
            setWritesMarkdown(on);
            onPreview(false);
            onEdit({ markdown: on });
          }}
        />
      </div>
      <div class="composer-bar">
        <button type="submit" class="button primary composer-send" title={words.sendKeys}>
          <Icon name="send" />
          {words.send}
        </button>
        <BarButton
          icon="attach"
          label={words.attach}
          title={`${words.attach}. ${words.limit(sizeWords(mostBytes()))}`}
          class="composer-attach"
          onClick={() => files.current?.click()}
        />
        <input
          ref={files}
          type="file"
          multiple
          hidden
          onChange={({ currentTarget }) => {
            attach(writing, [...currentTarget.files ?? []]);
            // The same file can be chosen again.
            currentTarget.value = "";
          }}
        />
        <button
          type="button"
          class="button plain icon-only composer-more"
          aria-label={words.options}
          title={words.options}
          aria-expanded={options}
          aria-controls={id}
          onClick={() => setOptions(!options)}
        >
          <Icon name="more" />
        </button>
        {markdown && (
          <button
            type="button"
            class="button plain composer-preview-button"
            title={words.preview}
            aria-pressed={preview}
            onClick={() => onPreview(!preview)}
          >
            <Icon name="preview" />
            <span class="composer-preview-word">{words.preview}</span>
          </button>
        )}
        <span class="composer-space" />
        <BarButton
          icon="trash"
          label={words.discard}
          title={words.discard}
          class="composer-discard"
          onClick={() => setDiscarding(true)}
        />
      </div>
      {discarding && (
        <Dialog title={words.discardTitle} onClose={() => setDiscarding(false)}>
          <p>{words.discardSure}</p>
          <div class="draft-sure">
            <button type="button" class="button" onClick={() => setDiscarding(false)}>
              {texts.lists.keep}
            </button>
            <button
              type="button"
              class="button danger"
              onClick={() => {
                setDiscarding(false);
                void action(() => discard(writing)).then((done) => done && onGone());
              }}
            >
              {words.discard}
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}

function Option(
  { icon, usual = false, on, words, onChange }: {
    readonly icon: IconName;
    /** Being on is nothing that has to be seen. */
    readonly usual?: boolean;
    readonly on: boolean;
    readonly words: string;
    readonly onChange: (on: boolean) => void;
  },
): JSX.Element {
  return (
    <label
      class={`composer-option ${on ? "composer-option-on" : ""} ${
        usual ? "composer-option-usual" : ""
      }`}
    >
      <input
        type="checkbox"
        class="hidden-text"
        checked={on}
        onChange={({ currentTarget }) => onChange(currentTarget.checked)}
      />
      <Icon name={on ? "check" : icon} />
      {words}
    </label>
  );
}

function BarButton(
  { icon, label, title, class: name, onClick }: {
    readonly icon: IconName;
    readonly label: string;
    readonly title: string;
    readonly class: string;
    readonly onClick: () => void;
  },
): JSX.Element {
  return (
    <button
      type="button"
      class={`button plain icon-only ${name}`}
      aria-label={label}
      title={title}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}

/** Only what somebody has to know is read out, from a status that is always there. */
export function DraftStateLine({ writing }: { readonly writing: Writing }): JSX.Element {
  const state = writing.draft.state.value;
  const isProblem = state.kind === "refused" || state.kind === "offline";
  const words = stateWords(state);
  return (
    <>
      <p
        class={`composer-state small ${isProblem ? "tone-waiting" : "quiet"}`}
        aria-hidden={isProblem}
        title={words}
      >
        {words}
      </p>
      <p class="hidden-text" role="status">{isProblem ? words : ""}</p>
    </>
  );
}

function stateWords(state: DraftState): string {
  const { states } = texts.writing;
  return state.kind === "refused" ? states.refused(state.reason) : states[state.kind];
}
