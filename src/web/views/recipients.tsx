// Addresses as chips, with people met before suggested while one is typed.

import type { JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { withTyped } from "../addresses.ts";
import { lookUpAll, ownDomain } from "../lookups.ts";
import { announce } from "../notices.ts";
import { suggestions } from "../people.ts";
import { people } from "../state.ts";
import { texts } from "../texts.ts";
import { AddressName } from "./address_name.tsx";
import { Avatar } from "./avatar.tsx";
import { Chip, RecipientNotes } from "./recipient_chip.tsx";

export interface RecipientsProps {
  /** Also what is no address: it is shown as such, see `wellFormed`. */
  readonly value: readonly string[];
  readonly onChange: (value: readonly string[]) => void;
  /** Already on it: not suggested, and refused when typed. */
  readonly without?: readonly string[];
  readonly label: string;
  readonly autoFocus?: boolean;
  /** 255 unless told. */
  readonly limit?: number;
  /** What is wrong with all of it, for the reader and for screen readers. */
  readonly problem?: string | null;
}

export function Recipients(props: RecipientsProps): JSX.Element {
  const { value, onChange, without = [], label, autoFocus = false, limit = 255 } = props;
  const [typed, setTyped] = useState("");
  const [refused, setRefused] = useState<string | null>(null);
  /** Of the suggestions: -1, none. */
  const [active, setActive] = useState(-1);
  const [open, setOpen] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const chips = useRef<HTMLUListElement>(null);
  const id = useId();
  const found = open && typed.trim() !== ""
    ? suggestions(people.value, typed, { without: [...value, ...without] })
    : [];
  const chosen = found[active] ?? null;

  useEffect(() => lookUpAll(value), [value]);
  useEffect(() => {
    if (autoFocus) input.current?.focus();
  }, []);

  /** Takes in what is typed, or what comes in its place. */
  function take(text: string): void {
    const after = withTyped(value, text, { ownDomain: ownDomain(), without, limit });
    setTyped("");
    setActive(-1);
    setOpen(false);
    setRefused(after.refused === null ? null : refusalWords(after.refused));
    if (after.value.length > value.length) onChange(after.value);
  }
  function remove(address: string, to: "input" | "chip"): void {
    const at = value.indexOf(address);
    onChange(value.filter((other) => other !== address));
    announce(texts.writing.removed(address));
    if (to === "input" || value.length === 1) input.current?.focus();
    else focusChip(Math.max(0, at - 1));
  }
  function edit(address: string): void {
    if (typed.trim() !== "") return take(typed);
    onChange(value.filter((other) => other !== address));
    setTyped(address);
    setOpen(true);
    input.current?.focus();
  }
  function focusChip(at: number): void {
    const buttons = chips.current?.querySelectorAll<HTMLElement>(".recipient-name") ?? [];
    const wanted = buttons[at];
    if (wanted === undefined) input.current?.focus();
    else wanted.focus();
  }

  function pressed(event: KeyboardEvent): void {
    // While a character is composed its keys are the input method's.
    if (event.isComposing) return;
    const { key, ctrlKey, metaKey } = event;
    const atStart = input.current?.selectionStart === 0 && input.current.selectionEnd === 0;
    if (key === "Enter" && (ctrlKey || metaKey)) {
      if (typed.trim() !== "") take(typed);
      return;
    }
    if (key === "ArrowDown" || key === "ArrowUp") {
      if (found.length === 0) return setOpen(true);
      const step = key === "ArrowDown" ? 1 : -1;
      // Past either end the field itself has its turn.
      setActive((active + 1 + step + found.length + 1) % (found.length + 1) - 1);
    } else if (key === "Escape" && found.length > 0) {
      setOpen(false);
      setActive(-1);
      event.stopPropagation();
    } else if (key === "Enter") take(chosen?.address ?? typed);
    else if (key === "Tab" && chosen !== null) take(chosen.address);
    else if ((key === "," || key === ";" || key === " ") && typed.trim() !== "") take(typed);
    else if (key === "Backspace" && atStart && typed === "") {
      const last = value.at(-1);
      if (last === undefined) return;
      edit(last);
    } else if (key === "ArrowLeft" && atStart && value.length > 0) focusChip(value.length - 1);
    else return;
    event.preventDefault();
  }

  const list = `${id}-list`;
  const notes = `${id}-notes`;
  const keys = `${id}-keys`;
  const problem = props.problem ?? refused;
  return (
    <div class="recipients">
      <div
        class={`recipients-field ${problem === null ? "" : "recipients-wrong"}`}
        onPointerDown={(event) => {
          const { target } = event;
          if (!(target instanceof Element) || target.closest("button, input, li, label") !== null) {
            return;
          }
          event.preventDefault();
          input.current?.focus();
        }}
      >
        <label class="recipients-label quiet" for={id}>{label}</label>
        <div class="recipients-all">
          {value.length > 0 && (
            <ul class="recipients-chips" ref={chips} aria-label={texts.writing.recipients(label)}>
              {value.map((address, at) => (
                <Chip
                  key={address}
                  address={address}
                  describedBy={keys}
                  onEdit={() => edit(address)}
                  onRemove={(to) =>
                    remove(address, to)}
                  onMove={(step) =>
                    focusChip(at + step < 0 ? 0 : at + step)}
                />
              ))}
            </ul>
          )}
          <input
            ref={input}
            id={id}
            class="recipients-input"
            type="text"
            inputMode="email"
            enterkeyhint="next"
            autocapitalize="off"
            autocomplete="off"
            autocorrect="off"
            spellcheck={false}
            role="combobox"
            aria-expanded={found.length > 0}
            aria-autocomplete="list"
            aria-controls={found.length > 0 ? list : undefined}
            aria-activedescendant={chosen === null ? undefined : `${id}-${active}`}
            aria-invalid={problem !== null}
            aria-describedby={notes}
            placeholder={value.length === 0 ? texts.writing.toHint : ""}
            value={typed}
            onInput={({ currentTarget }) => {
              setRefused(null);
              setTyped(currentTarget.value);
              setActive(-1);
              setOpen(true);
            }}
            onKeyDown={pressed}
            onPaste={(event) => {
              const text = event.clipboardData?.getData("text") ?? "";
              // One address is typed text as any other; several are no text to be edited.
              if (!/[\s,;]/.test(text.trim())) return;
              event.preventDefault();
              take(`${typed} ${text}`);
            }}
            onBlur={() => {
              if (typed.trim() !== "") take(typed);
              setOpen(false);
            }}
          />
        </div>
        {found.length > 0 && (
          <ul class="recipients-list" id={list} role="listbox" aria-label={texts.writing.people}>
            {found.map((person, at) => (
              <li
                key={person.key}
                id={`${id}-${at}`}
                role="option"
                class="recipients-option"
                aria-selected={at === active}
                onPointerDown={(event) => event.preventDefault()}
                onClick={() => {
                  take(person.address);
                  input.current?.focus();
                }}
              >
                <Avatar address={person.address} size="small" />
                <AddressName address={person.address} />
              </li>
            ))}
          </ul>
        )}
      </div>
      <p id={keys} hidden>{texts.writing.chipKeys}</p>
      <div id={notes}>
        <div role="alert">
          {problem !== null && <p class="field-problem small">{problem}</p>}
        </div>
        <RecipientNotes value={value} />
      </div>
    </div>
  );
}

function refusalWords(refused: "twice" | "too many" | "already"): string {
  switch (refused) {
    case "twice":
      return texts.address.twice;
    case "too many":
      return texts.address.tooMany;
    case "already":
      return texts.adding.already;
  }
}
