// Who of an answer's recipients is on a host that does not have the message it answers, and would refuse the answer.

import type { DeliveryJson, MessageItem } from "../api/message_schema.ts";
import { addressKey, addressParts } from "./addresses.ts";
import { mayAdd } from "./message_facts.ts";

export interface Strangers {
  /** Their hosts would answer with code 6. */
  readonly addresses: readonly string[];
  /** Whom to add to the message that is answered, so that the answer is taken; null: it does not help, or `me` may not. */
  readonly add: readonly string[] | null;
}

/**
 * null: all can take the answer. By domain, as the host decides it ("the domain was never a recipient of the parent or all
 * concluded parent deliveries to that domain failed", FMSG-003 "send"): somebody beside a participant is no stranger,
 * and what is on its way is awaited. An answer names the message, or one of the batches added to it (row D10): no two
 * of them at once.
 */
export function strangersOf(
  to: readonly string[],
  parent: MessageItem,
  me: string,
): Strangers | null {
  const own = domainOf(me);
  const others = to.filter((address) => domainOf(address) !== own);
  const first = domainsHolding([parent.from], parent.to, parent.to_delivery);
  const lacking = (held: ReadonlySet<string>): string[] =>
    others.filter((address) => !held.has(domainOf(address)));
  const outside = lacking(first);
  const candidates = mayAdd(parent, me) ? [outside] : [];
  for (const { add_to_from, to, to_delivery } of parent.add_to) {
    const isMine = [parent.from, ...parent.to, add_to_from, ...to].some((address) =>
      addressKey(address) === me
    );
    const batch = domainsHolding([add_to_from], to, to_delivery);
    if (isMine) candidates.push(outside.filter((address) => !batch.has(domainOf(address))));
  }
  const fewest = candidates.toSorted((a, b) => a.length - b.length)[0] ?? outside;
  if (fewest.length === 0) return null;
  return { addresses: fewest, add: canAdd(outside, parent, me) ? outside : null };
}

/** A sender and the sender's part of a batch are there; whoever was added once is refused by the host. */
export function canAdd(addresses: readonly string[], parent: MessageItem, me: string): boolean {
  const earlier = new Set(parent.add_to.flatMap(({ to }) => to.map(addressKey)));
  return mayAdd(parent, me) && addresses.every((address) => !earlier.has(addressKey(address)));
}

/**
 * Who cannot be added, because they are on it. Somebody to whom it could not be delivered may be added, for it to be
 * sent there once more; an earlier batch stays as it is ("An original primary recipient MAY be added again", FMSG-003
 * "add-to").
 */
export function alreadyOn(item: MessageItem): string[] {
  const failed = new Set(
    item.to_delivery.filter(({ state }) => state === "failed").map(({ addr }) => addressKey(addr)),
  );
  const to = item.to.filter((address) => !failed.has(addressKey(address)));
  return [item.from, ...to, ...item.add_to.flatMap((batch) => batch.to)];
}

/** What another host delivered is not known here: it is taken for delivered. */
function domainsHolding(
  senders: readonly string[],
  to: readonly string[],
  deliveries: readonly DeliveryJson[],
): ReadonlySet<string> {
  const held = new Set(senders.map(domainOf));
  const failed = new Set<string>();
  for (const { addr, state } of deliveries) {
    if (state === "failed") failed.add(domainOf(addr));
    else held.add(domainOf(addr));
  }
  for (const address of to) if (!failed.has(domainOf(address))) held.add(domainOf(address));
  return held;
}

function domainOf(address: string): string {
  return (addressParts(address)?.domain ?? address).toLowerCase();
}
