// The topic and the text of a message that is being written.

import type { JSX } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { DraftContent } from "../draft_steps.ts";
import { utf8Length } from "../../wire/name.ts";
import { texts } from "../texts.ts";

/** Bytes; counted down from when few are left. */
const MOST = 255;
const NEAR = 55;

export function TopicField(
  { value, describedBy, onChange }: {
    readonly value: string;
    readonly describedBy: string | undefined;
    readonly onChange: (topic: string) => void;
  },
): JSX.Element {
  const id = useId();
  const left = MOST - utf8Length(value);
  return (
    <div class="composer-row">
      <label class="composer-label quiet" for={id}>{texts.writing.topic}</label>
      <input
        id={id}
        class="composer-topic"
        type="text"
        enterkeyhint="next"
        autocomplete="off"
        value={value}
        aria-invalid={left < 0}
        aria-describedby={describedBy === undefined ? `${id}-left` : `${describedBy} ${id}-left`}
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.isComposing || event.ctrlKey || event.metaKey) return;
          event.preventDefault();
          const form = event.currentTarget.form;
          form?.querySelector<HTMLElement>(".composer-text")?.focus();
        }}
      />
      <span
        id={`${id}-left`}
        class={`composer-left small ${left < 0 ? "tone-failed" : "quiet"}`}
        role="status"
      >
        {left < NEAR ? texts.writing.topicLeft(left) : ""}
      </span>
    </div>
  );
}

export function TextField(
  { content, preview, describedBy, onChange }: {
    readonly content: DraftContent;
    readonly preview: boolean;
    readonly describedBy: string | undefined;
    readonly onChange: (text: string) => void;
  },
): JSX.Element {
  const area = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => grow(area.current), [content.text, preview]);
  if (preview && content.markdown) return <Preview text={content.text} />;
  return (
    <textarea
      ref={area}
      class="composer-text"
      aria-label={texts.writing.text}
      placeholder={texts.writing.textHint}
      aria-describedby={describedBy}
      aria-invalid={describedBy !== undefined}
      rows={1}
      dir="auto"
      autocapitalize="sentences"
      value={content.text}
      onInput={({ currentTarget }) => onChange(currentTarget.value)}
    />
  );
}

/** As it will be read; what shows it is loaded when it is first wanted. */
function Preview({ text }: { readonly text: string }): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let left = false;
    import("../markdown.ts").then(({ textFragment }) => {
      if (!left) place.current?.replaceChildren(textFragment(text, "text/markdown"));
    }, () => left || setFailed(true));
    return () => {
      left = true;
    };
  }, [text]);
  if (failed) return <p class="composer-preview" role="alert">{texts.page.partFailed}</p>;
  return (
    <section
      class="composer-preview"
      aria-label={texts.writing.preview}
      onClick={(event) => {
        // A link that is followed would leave what is being written.
        if (event.target instanceof Element && event.target.closest("a") !== null) {
          event.preventDefault();
        }
      }}
    >
      {text.trim() === ""
        ? <p class="quiet">{texts.message.empty}</p>
        : <div class="message-text" ref={place} />}
    </section>
  );
}

/** Browsers that do not grow it by themselves (`field-sizing`). */
function grow(area: HTMLTextAreaElement | null): void {
  if (area === null || CSS.supports("field-sizing", "content")) return;
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight}px`;
}
