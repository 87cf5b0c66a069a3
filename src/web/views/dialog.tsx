// A dialog above the page. While it is open nothing else can be reached; then focus is back where it was.

import type { ComponentChildren, JSX } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { texts } from "../texts.ts";
import { returnFocus } from "./focus.ts";
import { Icon } from "./icons.tsx";
import { Notices } from "./notices.tsx";

/** `onClose` is asked by Escape and the close button; whoever shows the dialog then shows it no more. */
export function Dialog(
  { title, onClose, children }: {
    readonly title: string;
    readonly onClose: () => void;
    readonly children: ComponentChildren;
  },
): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const label = useId();
  useLayoutEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => returnFocus(before);
  }, []);
  useLayoutEffect(() => {
    // Something else stands in it now, and what had focus may be gone: it is read from its title on.
    const { current } = dialog;
    if (current?.contains(document.activeElement) === true) return;
    current?.querySelector<HTMLElement>(".dialog-title")?.focus();
  }, [title]);
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby={label}
      onCancel={(event) => {
        // A file chooser in the dialog is cancelled by the same event.
        if (event.target !== event.currentTarget) return;
        event.preventDefault();
        onClose();
      }}
    >
      <div class="dialog-head">
        <h2 id={label} class="dialog-title" tabIndex={-1} autofocus>{title}</h2>
        <button
          type="button"
          class="button plain icon-only"
          aria-label={texts.page.close}
          title={texts.page.close}
          onClick={onClose}
        >
          <Icon name="close" />
        </button>
      </div>
      {children}
      <Notices />
    </dialog>
  );
}
