// The files of a draft: on their way, there, or failed.

import type { JSX } from "preact";
import type { DraftFile } from "../draft_files.ts";
import { Refused } from "../errors.ts";
import { action } from "../state.ts";
import { texts } from "../texts.ts";
import { sizeWords } from "../words.ts";
import type { Writing } from "../writing.ts";
import { Icon } from "./icons.tsx";

/** The status is always there, also without files: screen readers tell only what changes in one that they know. */
export function DraftFilesView({ writing }: { readonly writing: Writing }): JSX.Element {
  const { draft, fileNotes } = writing;
  const files = draft.files.files.value;
  const notes = fileNotes.value;
  const waits = files.some(({ state }) => state.kind === "waiting") &&
    draft.content.value.to.length === 0;
  return (
    <div class={files.length > 0 || notes.length > 0 ? "draft-files" : ""}>
      {files.length > 0 && (
        <ul class="draft-files-list" aria-label={texts.message.attachments(files.length)}>
          {files.map((file) => <File key={file.name} file={file} writing={writing} />)}
        </ul>
      )}
      <div role="status">
        {waits && <p class="small quiet">{texts.writing.needsRecipient}</p>}
        {notes.map((note) => <p key={note} class="small quiet">{note}</p>)}
        {files.map(({ name, state }) =>
          state.kind === "failed" && (
            <p key={name} class="hidden-text">{`${name}: ${failure(state.error)}`}</p>
          )
        )}
      </div>
    </div>
  );
}

function File(
  { file, writing }: { readonly file: DraftFile; readonly writing: Writing },
): JSX.Element {
  const { name, size, type, state } = file;
  const { files } = writing.draft;
  const moving = state.kind === "uploading";
  const percent = moving && size > 0 ? Math.min(100, Math.floor(state.sent / size * 100)) : 0;
  const label = moving ? texts.writing.cancelFile(name) : texts.writing.remove(name);
  return (
    <li class={`draft-file draft-file-${state.kind}`} tabIndex={-1}>
      <Icon name={type.startsWith("image/") ? "image" : "file"} />
      <span class="draft-file-words">
        <bdi class="draft-file-name" title={name}>{name}</bdi>
        <span class={`small ${state.kind === "failed" ? "tone-failed" : "quiet"}`}>
          {state.kind === "failed"
            ? failure(state.error)
            : moving
            ? texts.writing.percent(percent, sizeWords(size))
            : sizeWords(size)}
        </span>
      </span>
      {state.kind === "failed" && (
        <button
          type="button"
          class="button"
          onClick={({ currentTarget }) => {
            // The button goes.
            currentTarget.closest("li")?.focus({ preventScroll: true });
            files.tryAgain(name);
          }}
        >
          {texts.writing.tryAgain}
        </button>
      )}
      <button
        type="button"
        class="button plain icon-only"
        aria-label={label}
        title={label}
        onClick={() => {
          focusAfter();
          void action(() => files.remove(name));
        }}
      >
        <Icon name="close" />
      </button>
      {moving && (
        <progress
          class="draft-file-progress"
          max={100}
          value={percent}
          aria-label={texts.writing.uploading(name, percent)}
        />
      )}
    </li>
  );
}

/** The button that was pressed goes with its file. */
function focusAfter(): void {
  const form = document.activeElement?.closest("form");
  form?.querySelector<HTMLElement>(".composer-attach")?.focus();
}

function failure(error: unknown): string {
  return error instanceof Refused ? error.message : texts.writing.uploadFailed;
}
