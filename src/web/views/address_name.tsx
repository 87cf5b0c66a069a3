// An address in a sentence or a list: whose it is stands out, where it is steps back.

import type { JSX } from "preact";
import { addressKey, addressParts } from "../addresses.ts";
import { me } from "../state.ts";
import { texts } from "../texts.ts";

/**
 * One's own address is "me", unless it is to be shown in `full`. Each part is isolated: letters of right-to-left scripts
 * turn nothing around it.
 */
export function AddressName(
  { address, full = false }: { readonly address: string; readonly full?: boolean },
): JSX.Element {
  if (!full && addressKey(address) === me()?.key) {
    return <bdi class="address address-me">{texts.lists.me}</bdi>;
  }
  const parts = addressParts(address);
  if (parts === null) return <bdi class="address">{address}</bdi>;
  return (
    <bdi class="address" dir="ltr" title={full ? undefined : address}>
      {full && <span class="address-domain">@</span>}
      <bdi class="address-name">{parts.name}</bdi>
      <span class="address-domain">@{parts.domain}</span>
    </bdi>
  );
}
