// One address that somebody writes to, and what is known of it.

import type { JSX } from "preact";
import { addressParts } from "../addresses.ts";
import type { AddressState } from "../address_state.ts";
import { addressState, problemOf } from "../lookups.ts";
import { texts } from "../texts.ts";
import { AddressName } from "./address_name.tsx";
import { Icon } from "./icons.tsx";

/** `describedBy` tells the keys: they are the only way to it without a pointer. `onMove`: to the one before or after. */
export function Chip(
  { address, describedBy, onEdit, onRemove, onMove }: {
    readonly address: string;
    readonly describedBy: string;
    readonly onEdit: () => void;
    readonly onRemove: (focus: "input" | "chip") => void;
    readonly onMove: (step: number) => void;
  },
): JSX.Element {
  const state = addressState(address);
  const words = stateWords(address, state);
  const tone = state === "wrong" || state === "no user"
    ? "wrong"
    : state === "no host"
    ? "doubt"
    : "fine";
  return (
    <li class={`recipient recipient-${tone}`} title={words ?? address}>
      <button
        type="button"
        class="recipient-name"
        tabIndex={-1}
        aria-label={texts.writing.edit(words === null ? address : `${address}, ${words}`)}
        aria-describedby={describedBy}
        onClick={onEdit}
        onKeyDown={(event) => {
          if (event.isComposing) return;
          if (event.key === "ArrowLeft") onMove(-1);
          else if (event.key === "ArrowRight") onMove(1);
          else if (event.key === "Backspace" || event.key === "Delete") onRemove("chip");
          else if (event.key === "Home") onMove(-Infinity);
          else if (event.key === "End" || event.key === "Escape") onMove(Infinity);
          else return;
          event.preventDefault();
          event.stopPropagation();
        }}
      >
        {tone !== "fine" && <Icon name="warning" />}
        <AddressName address={address} />
      </button>
      <button
        type="button"
        class="recipient-remove"
        tabIndex={-1}
        aria-label={texts.writing.remove(address)}
        onPointerDown={(event) => event.preventDefault()}
        onClick={() => onRemove("input")}
      >
        <Icon name="close" />
      </button>
    </li>
  );
}

/** So many are told in full. */
const TOLD = 3;

/** Of those with whom something is wrong, why. */
export function RecipientNotes({ value }: { readonly value: readonly string[] }): JSX.Element {
  const notes = value.flatMap((address) => {
    const state = addressState(address);
    const words = stateWords(address, state);
    return words === null ? [] : [{ address, state, words }];
  });
  return (
    <div role="status">
      {notes.slice(0, TOLD).map(({ address, state, words }) => (
        <p
          key={address}
          class={`recipient-note small ${
            state === "wrong" || state === "no user" ? "tone-failed" : "tone-waiting"
          }`}
        >
          <bdi>{address}</bdi>: {words}
        </p>
      ))}
      {notes.length > TOLD && (
        <p class="recipient-note small quiet">{texts.lists.others(notes.length - TOLD)}</p>
      )}
    </div>
  );
}

function stateWords(address: string, state: AddressState): string | null {
  const domain = addressParts(address)?.domain ?? "";
  switch (state) {
    case "checking":
    case "fine":
      return null;
    case "no host":
      return texts.address.noHost(domain);
    case "not sure":
      return texts.address.notSure(domain);
    case "no user":
      return texts.address.unknown;
    case "wrong":
      return texts.address[problemOf(address) ?? "shape"];
  }
}
