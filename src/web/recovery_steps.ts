// What can be done for those to whom a message could not be delivered. Pure: recovery_work.ts does it.

import type { DeliveryJson, MessageItem } from "../api/message_schema.ts";
import { addressKey } from "./addresses.ts";
import type { DraftContent } from "./draft_steps.ts";
import { latestDeliveries } from "./message_facts.ts";
import { strangersOf } from "./strangers.ts";

/** In what way it failed: those who failed in the same way are helped at once. */
export type Failure = "parent" | "address" | "size" | "other";

export type Way =
  /** Adds `add` to the message that was answered, then sends the same again. */
  | { readonly kind: "add and send"; readonly add: readonly string[] }
  | { readonly kind: "send" }
  /** Opens it for writing, with its files. `pid` null: as a new thread. */
  | { readonly kind: "write"; readonly pid: number | null };

export interface Recovery {
  readonly failure: Failure;
  readonly to: readonly string[];
  /** The best first. */
  readonly ways: readonly Way[];
}

/** null: nothing can be done by sending again, as when a clock is wrong. By the codes of the specification. */
export function failureOf({ state, response_code: code }: DeliveryJson): Failure | null {
  if (state !== "failed") return null;
  switch (code) {
    case 6:
      return "parent";
    case 100:
      return "address";
    case 4:
      return "size";
    case null:
    case 3:
    case 5:
    case 7:
    case 101:
    case 102:
    case 105:
      return "other";
    default:
      return null;
  }
}

/**
 * What is offered beside this delivery; null: nothing, or it is offered beside another that failed in the same way.
 * `parent` null: the message answered is not here. `sentAgain`: keys of those who got it since.
 */
export function recoveryOf(
  { item, delivery, parent, me, done }: {
    readonly item: MessageItem;
    readonly delivery: DeliveryJson;
    readonly parent: MessageItem | null;
    readonly me: string;
    readonly done: ReadonlySet<string>;
  },
): Recovery | null {
  // What others wrote is not sent again as one's own: whom one added to it can be written to.
  if (addressKey(item.from) !== me || !isText(item)) return null;
  const failure = failureOf(delivery);
  if (failure === null) return null;
  // Whom it reached after they were added needs nothing more.
  const first = new Set(item.to.map(addressKey));
  const group = latestDeliveries(item).filter((other) => {
    const key = addressKey(other.addr);
    return first.has(key) && failureOf(other) === failure && !done.has(key);
  });
  if (group[0]?.addr !== delivery.addr) return null;
  const to = group.map(({ addr }) => addr);
  return { failure, to, ways: waysFor(failure, to, { item, parent, me }) };
}

function waysFor(
  failure: Failure,
  to: readonly string[],
  { item, parent, me }: {
    readonly item: MessageItem;
    readonly parent: MessageItem | null;
    readonly me: string;
  },
): Way[] {
  const newThread: Way = { kind: "write", pid: null };
  if (failure === "address" || failure === "size") return [{ kind: "write", pid: item.pid }];
  if (item.pid === null) return [{ kind: "send" }];
  if (parent === null) return [newThread];
  const strangers = strangersOf(to, parent, me);
  if (strangers === null && failure === "other") return [{ kind: "send" }];
  if (failure === "other") {
    const add = strangers?.add ?? null;
    return add === null ? [newThread] : [{ kind: "add and send", add }, newThread];
  }
  // Their host said that it does not have it, whatever is known here, unless it was sent there since.
  const batches = parent.add_to.map(({ to, time }) => ({
    keys: new Set(to.map(addressKey)),
    time,
  }));
  const since = (address: string): boolean =>
    batches.some(({ keys, time }) =>
      keys.has(addressKey(address)) && (time ?? 0) >= (item.time ?? 0)
    );
  const add = to.filter((address) => !since(address));
  if (add.length === 0) return [{ kind: "send" }, newThread];
  const mayBeAdded = [parent.from, ...parent.to].some((address) => addressKey(address) === me) &&
    add.every((address) => !batches.some(({ keys }) => keys.has(addressKey(address))));
  return mayBeAdded ? [{ kind: "add and send", add }, newThread] : [newThread];
}

/** Can it be copied as the text that it is? What is no text can be downloaded, and attached. */
export function isText({ type }: Pick<MessageItem, "type">): boolean {
  return /^text\/(?:markdown|plain)\b/i.test(type);
}

/** The same content for others. `topic`: of a new thread that goes on with an answer. */
export function contentFor(
  item: MessageItem,
  { to, pid, text, topic }: {
    readonly to: readonly string[];
    readonly pid: number | null;
    readonly text: string;
    readonly topic: string;
  },
): DraftContent {
  return {
    to,
    topic: pid === null ? item.topic || topic : "",
    pid,
    text,
    markdown: /^text\/markdown\b/i.test(item.type),
    important: item.important,
    noReply: item.no_reply,
  };
}

/** Bytes of all that would be copied. */
export function bytesOf({ size, attachments }: MessageItem): number {
  return attachments.reduce((sum, file) => sum + file.size, size);
}

/** What was sent later with the same content, to whom it goes now: by the key of the address. */
export function sentAgain(
  all: Iterable<MessageItem>,
  item: MessageItem,
): ReadonlyMap<string, MessageItem> {
  const found = new Map<string, MessageItem>();
  for (const other of all) {
    if (other.time === null || item.time === null || other.time <= item.time) continue;
    if (other.size !== item.size || other.type !== item.type) continue;
    if (other.short_text !== item.short_text || addressKey(other.from) !== addressKey(item.from)) {
      continue;
    }
    if (other.attachments.length !== item.attachments.length) continue;
    // As an answer to the same, or with the same topic.
    if (
      other.pid !== null ? other.pid !== item.pid : item.pid === null && other.topic !== item.topic
    ) {
      continue;
    }
    for (const address of other.to) {
      const key = addressKey(address);
      const before = found.get(key);
      if (before === undefined || (before.time ?? 0) < other.time) found.set(key, other);
    }
  }
  return found;
}

/** How it stands with those who were added just now. */
export function arrivalOf(
  parent: MessageItem,
  addresses: readonly string[],
): "not added" | "on its way" | "there" | "failed" {
  const keys = new Set(addresses.map(addressKey));
  const states = parent.add_to.flatMap(({ to_delivery }) =>
    to_delivery.filter(({ addr }) => keys.has(addressKey(addr))).map(({ state }) => state)
  );
  if (states.length < keys.size) return "not added";
  if (states.includes("pending")) return "on its way";
  return states.every((state) => state === "failed") ? "failed" : "there";
}
