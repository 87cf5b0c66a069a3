// Who is on a message: one line that opens to all of them, with who added whom and when.

import type { ComponentChildren, JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import type { BatchJson, DeliveryJson, MessageItem } from "../../api/message_schema.ts";
import { addressKey } from "../addresses.ts";
import { me } from "../state.ts";
import { texts } from "../texts.ts";
import { AddressName } from "./address_name.tsx";
import { Time } from "./time.tsx";

const NAMED = 2;
const LISTED = 20;

/** `to me, Bob and 3 others`; pressed, everybody. */
export function Participants({ item }: { readonly item: MessageItem }): JSX.Element {
  return (
    <details class="message-people">
      <summary>
        <span class="message-people-line">
          {texts.message.to<ComponentChildren>(<People addresses={item.to} />)}
        </span>
      </summary>
      <div class="message-people-all">
        <AddressList addresses={item.to} label={texts.message.sentTo} />
      </div>
    </details>
  );
}

/** Who was added later; each batch opens to all of it. */
export function AddedPeople({ item }: { readonly item: MessageItem }): JSX.Element | null {
  if (item.add_to.length === 0) return null;
  return (
    <ul class="message-added">
      {item.add_to.map((batch) => (
        <li key={batch.batch_id}>
          <details class="message-people">
            <summary>
              <AddedLine batch={batch} />
            </summary>
            <div class="message-people-all">
              <AddressList addresses={batch.to} label={texts.message.participants} />
            </div>
          </details>
        </li>
      ))}
    </ul>
  );
}

/** `Anna added Chris and 2 others, yesterday 14:05`. */
export function AddedLine({ batch }: { readonly batch: BatchJson }): JSX.Element {
  return (
    <span>
      {texts.message.added<ComponentChildren>(
        <AddressName address={batch.add_to_from} />,
        <People addresses={batch.to} />,
        batch.time === null ? "" : <Time at={batch.time * 1000} form="words" />,
      )}
    </span>
  );
}

/** The first few by name; oneself first. */
export function People(
  { addresses, named = NAMED }: { readonly addresses: readonly string[]; readonly named?: number },
): JSX.Element {
  const own = me()?.key;
  const sorted = addresses.toSorted((a, b) =>
    Number(addressKey(b) === own) - Number(addressKey(a) === own)
  );
  // "and 1 other" is longer than most names.
  const shown = sorted.length <= named + 1 ? sorted : sorted.slice(0, named);
  const others = sorted.length - shown.length;
  return (
    <>
      {shown.map((address, i) => (
        <span key={address}>
          {i > 0 && (others === 0 && i === shown.length - 1 ? ` ${texts.message.and} ` : ", ")}
          <AddressName address={address} />
        </span>
      ))}
      {others > 0 && ` ${texts.message.andOthers(others)}`}
    </>
  );
}

function AddressList(
  { addresses, label }: { readonly addresses: readonly string[]; readonly label: string },
): JSX.Element {
  const [all, setAll] = useState(false);
  const list = useRef<HTMLUListElement>(null);
  const shown = all ? addresses : addresses.slice(0, LISTED);
  return (
    <>
      <ul class="address-list" aria-label={label} ref={list} tabIndex={-1}>
        {shown.map((address) => (
          <li key={address}>
            <AddressName address={address} full />
          </li>
        ))}
      </ul>
      {shown.length < addresses.length && (
        <button
          type="button"
          class="button"
          onClick={() => {
            list.current?.focus({ preventScroll: true });
            setAll(true);
          }}
        >
          {texts.message.showAll(addresses.length)}
        </button>
      )}
    </>
  );
}

/** The deliveries that this address may follow: of its own messages all, of others' those of whom it added. */
export function followed(item: MessageItem): {
  readonly to: readonly DeliveryJson[];
  readonly batches: readonly BatchJson[];
} {
  const own = me()?.key;
  if (addressKey(item.from) === own) return { to: item.to_delivery, batches: item.add_to };
  return {
    to: [],
    batches: item.add_to.filter(({ add_to_from }) => addressKey(add_to_from) === own),
  };
}
