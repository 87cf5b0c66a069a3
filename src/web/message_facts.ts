// What can be read off one message: who is on it, when it came, and which of two states of it is the later.

import type { BatchJson, DeliveryJson, MessageItem } from "../api/message_schema.ts";
import { addressKey } from "./addresses.ts";

/** All addresses of a message but `from`, in the order of `to`, then of the batches; each once, as first spelled. */
export function recipientsOf(item: MessageItem): string[] {
  const found = new Map<string, string>();
  const take = (address: string): void => {
    const key = addressKey(address);
    if (!found.has(key)) found.set(key, address);
  };
  item.to.forEach(take);
  for (const batch of item.add_to) batch.to.forEach(take);
  return [...found.values()];
}

/** Whom an answer to everybody goes to: sender, recipients and added ones, but not `me`. `me` alone: just me. */
export function everybodyBut(item: MessageItem, me: string): string[] {
  const found = new Map<string, string>();
  for (const address of [item.from, ...recipientsOf(item)]) {
    const key = addressKey(address);
    if (key !== me && !found.has(key)) found.set(key, address);
  }
  return found.size === 0 ? [item.from] : [...found.values()];
}

/** May `me` add people to it? The sender and those in `to` may, somebody who was added may not. */
export function mayAdd(item: MessageItem, me: string): boolean {
  return [item.from, ...item.to].some((address) => addressKey(address) === me);
}

/** Is `me` a recipient, from the start or added? */
export function isAmong(item: MessageItem, me: string): boolean {
  return item.to.some((address) => addressKey(address) === me) ||
    item.add_to.some(({ to }) => to.some((address) => addressKey(address) === me));
}

/**
 * POSIX seconds at which it came into the mailbox of `me`: when it was delivered there, also by being added later; for
 * the sender, and where the host does not say, when it was sent. 0: a draft.
 */
export function arrivedAt(item: MessageItem, me: string): number {
  let latest = 0;
  for (const { addr, time_delivered } of deliveriesOf(item)) {
    if (time_delivered === null || addressKey(addr) !== me) continue;
    const second = Date.parse(time_delivered) / 1000;
    // The host tells whole seconds: what was sent within this one did not come before it was sent.
    const at = item.time !== null && Math.floor(item.time) === second ? item.time : second;
    if (at > latest) latest = at;
  }
  if (addressKey(item.from) === me) return Math.max(latest, item.time ?? 0);
  return latest > 0 ? latest : item.time ?? 0;
}

/**
 * How it stands with each address, once: somebody to whom it could not be delivered may be added, and then it was sent
 * there once more. In the order of `to`, then of the batches.
 */
export function latestDeliveries(
  item: Pick<MessageItem, "to_delivery" | "add_to">,
): DeliveryJson[] {
  if (item.add_to.length === 0) return item.to_delivery;
  const found = new Map<string, DeliveryJson>();
  for (const delivery of deliveriesOf(item)) {
    const key = addressKey(delivery.addr);
    const before = found.get(key);
    if (before === undefined || !isThere(before)) found.set(key, delivery);
  }
  return [...found.values()];
}

function isThere({ state }: DeliveryJson): boolean {
  return state === "delivered" || state === "local";
}

/** All deliveries, of `to` and of the batches. */
function deliveriesOf(
  { to_delivery, add_to }: Pick<MessageItem, "to_delivery" | "add_to">,
): DeliveryJson[] {
  if (add_to.length === 0) return to_delivery;
  return [...to_delivery, ...add_to.flatMap((batch) => batch.to_delivery)];
}

/**
 * One message from two states of it, however they were overtaken on their way: what was read stays read, what was
 * delivered stays delivered, no batch is lost. Of a draft the second.
 */
export function joined(first: MessageItem, second: MessageItem): MessageItem {
  if (second.time === null) return first.time === null ? second : first;
  if (first.time === null) return second;
  return {
    ...second,
    pid: second.pid ?? first.pid,
    has_pid: second.has_pid || first.has_pid,
    read: first.read || second.read,
    time_read: earliest(first.time_read, second.time_read),
    to_delivery: joinedDeliveries(first.to_delivery, second.to_delivery),
    add_to: joinedBatches(first.add_to, second.add_to),
    has_add_to: first.has_add_to || second.has_add_to,
  };
}

function earliest(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b);
}

function joinedBatches(a: readonly BatchJson[], b: readonly BatchJson[]): BatchJson[] {
  const byId = new Map(a.map((batch) => [batch.batch_id, batch]));
  for (const batch of b) {
    const held = byId.get(batch.batch_id);
    byId.set(
      batch.batch_id,
      held === undefined
        ? batch
        : { ...batch, to_delivery: joinedDeliveries(held.to_delivery, batch.to_delivery) },
    );
  }
  return [...byId.values()].sort((x, y) => x.batch_id - y.batch_id);
}

/** They have the same places: a message's recipients never change. */
function joinedDeliveries(a: readonly DeliveryJson[], b: readonly DeliveryJson[]): DeliveryJson[] {
  if (a.length !== b.length) return [...(a.length > b.length ? a : b)];
  return b.map((delivery, i) => later(a[i] ?? delivery, delivery));
}

function later(a: DeliveryJson, b: DeliveryJson): DeliveryJson {
  return compare(a, b) > 0 ? a : b;
}

/** More attempts are later; of as many, what is more certain; then whatever, but always the same. */
function compare(a: DeliveryJson, b: DeliveryJson): number {
  return arrival(a) - arrival(b) || a.attempts - b.attempts || certainty(a) - certainty(b) ||
    order(key(a), key(b));
}

/** Nothing comes after an arrival. */
function arrival({ time_delivered }: DeliveryJson): number {
  return time_delivered === null ? 0 : 1;
}

function certainty({ state }: DeliveryJson): number {
  switch (state) {
    case "unknown":
      return 0;
    case "pending":
      return 1;
    case "failed":
      return 2;
    case "delivered":
    case "local":
      return 3;
  }
}

function key({ response_code, reason, next_attempt, time_delivered }: DeliveryJson): string {
  return `${next_attempt ?? ""} ${response_code ?? ""} ${reason ?? ""} ${time_delivered ?? ""}`;
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
