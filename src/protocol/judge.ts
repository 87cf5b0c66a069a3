// What host B makes of a header (1.4), in the order of the specification's steps and with their numbers.

import {
  ACCEPT_ADD_TO,
  type Address,
  CONTINUE,
  DUPLICATE,
  expandedSize,
  fold,
  FUTURE_TIME,
  type Header,
  INSUFFICIENT_RESOURCES,
  INVALID,
  isFilename,
  isMediaType,
  isParticipant,
  type MediaType,
  mediaTypeText,
  type MessageHash,
  PARENT_NOT_FOUND,
  parts,
  recipients,
  type RejectCode,
  sender,
  SKIP_DATA,
  TIME_TRAVEL,
  TOO_BIG,
  TOO_OLD,
  wireSize,
} from "../wire/mod.ts";
import type { TerminateReason } from "./terminate.ts";

export type ChallengeMode = "never" | "always" | "has_not_participated" | "different_domain";

/** The specification's configuration variables; bytes and seconds. */
export interface Limits {
  readonly maxSize: number;
  readonly maxExpandedSize: number;
  readonly maxMessageAge: number;
  readonly maxTimeSkew: number;
}

/** A message that is stored here ("Verifying Message Stored"). */
export interface StoredMessage {
  readonly header: Header;
  /** Some message of the thread up to and with this one is _from_ this domain. */
  readonly participated: boolean;
}

/** What the judgement depends on besides the header. */
export interface JudgeFacts {
  readonly domain: string;
  readonly limits: Limits;
  readonly challenge: ChallengeMode;
  /** POSIX seconds. */
  now(): number;
  /** Is `ip` among the addresses of `fmsg.<domain>`? */
  authorised(domain: string, ip: string): Promise<Authorisation>;
  /** Is there room for a message of this domain now: on the disk, and within what it may send? */
  hasRoom(domain: string): boolean;
  stored(hash: MessageHash): StoredMessage | null;
}

export type Authorisation =
  | { readonly kind: "yes" }
  | { readonly kind: "no" }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "bogus"; readonly reason: string };

export type Judgement =
  | { readonly kind: "terminate"; readonly reason: TerminateReason; readonly detail: string }
  | { readonly kind: "reject"; readonly code: RejectCode }
  | { readonly kind: "proceed"; readonly delivery: Proceeding; readonly challenge: boolean };

/**
 * How the exchange goes on: with the whole message (64), without data because the original is here (65), or with
 * nothing more because nobody here is added (11).
 */
export type Proceeding = typeof CONTINUE | typeof SKIP_DATA | typeof ACCEPT_ADD_TO;

/** Step 1.4 for a header that came from `peer` (an IP address), and whether step 2 is taken. */
export async function judge(header: Header, peer: string, facts: JudgeFacts): Promise<Judgement> {
  if (!isValid(header, facts.domain)) return reject(INVALID); // 1.4.1

  const from = sender(header).domain; // 1.4.2
  const authorisation = await facts.authorised(from, peer);
  if (authorisation.kind !== "yes") return unauthorised(authorisation, from);

  // "Resource Exhaustion via Storage": when critically low, 5 to all incoming messages. "Sender Enumeration": messages of
  // a single domain are rate limited; 5 is the code that asks to come again.
  if (!facts.hasRoom(from)) return reject(INSUFFICIENT_RESOURCES);

  const { limits } = facts;
  if (wireSize(header) > limits.maxSize) return reject(TOO_BIG); // 1.4.3
  if (expandedSize(header) > limits.maxExpandedSize) return reject(TOO_BIG); // 1.4.4

  const delta = facts.now() - header.time; // 1.4.5
  // Written so that NaN, which compares false with everything, does not pass.
  if (!(delta <= limits.maxMessageAge)) return reject(TOO_OLD); // 1.4.5.1
  if (!(delta >= -limits.maxTimeSkew)) return reject(FUTURE_TIME); // 1.4.5.2

  return header.addTo === null ? judgeMessage(header, facts) : judgeBatch(header, facts);
}

/** 1.4.6.1 and 1.4.6.2: a first message or a reply. */
function judgeMessage(header: Header, facts: JudgeFacts): Judgement {
  if (header.pid === null) return proceed(header, facts, CONTINUE, null); // 1.4.6.1
  const parent = facts.stored(header.pid);
  if (parent === null) return reject(PARENT_NOT_FOUND); // 1.4.6.2.1
  if (!isAfter(header, parent.header, facts.limits)) return reject(TIME_TRAVEL); // 1.4.6.2.2
  if (!isParticipant(parent.header, header.from)) return reject(INVALID); // 1.4.6.2.3
  return proceed(header, facts, CONTINUE, parent);
}

/** 1.4.6.3: a batch of added recipients. */
function judgeBatch(header: Header, facts: JudgeFacts): Judgement {
  if (header.pid === null) return reject(INVALID); // 1.4.6.3.1
  const original = facts.stored(header.pid); // 1.4.6.3.2
  if (original === null) { // 1.4.6.3.4
    const recipientHere = recipients(header).some((address) => address.domain === facts.domain);
    return recipientHere ? proceed(header, facts, CONTINUE, null) : reject(PARENT_NOT_FOUND);
  }
  // "Add-to batches do not chain: [...] _pid_ MUST NOT reference another add-to message."
  if (original.header.addTo !== null) return reject(INVALID);
  if (!isAfter(header, original.header, facts.limits)) return reject(TIME_TRAVEL); // 1.4.6.3.3.1
  if (!repeats(header, original.header)) return reject(INVALID);
  const addedHere = header.addTo?.to.some((address) => address.domain === facts.domain) ?? false;
  return proceed(header, facts, addedHere ? SKIP_DATA : ACCEPT_ADD_TO, original); // 3.1.2, 3.1.3
}

/** 1.4.1 and what the Definition demands of fields that decode: a header that fails is rejected with 1. */
export function isValid(header: Header, domain: string): boolean {
  const { from, to, addTo, type, attachments } = header;
  if (to.length === 0) return false; // 1.4.1.1
  if (!distinct(to)) return false; // 1.4.1.2
  if (addTo !== null) { // 1.4.1.3
    if (![from, ...to].some((address) => address.key === addTo.from.key)) return false; // 1.4.1.3.1
    if (addTo.to.length === 0 || !distinct(addTo.to)) return false; // 1.4.1.3.2
  }
  const concerned = addTo === null ? to : [from, ...to, addTo.from, ...addTo.to];
  if (!concerned.some((address) => address.domain === domain)) return false; // 1.4.1.4
  if (!isKnownType(type)) return false; // 1.4.1.5
  if (!attachments.every((attachment) => isKnownType(attachment.type))) return false; // 1.4.1.6
  // 1.4.1.7 and 1.4.1.8 hold by the way a header is decoded: the flag says whether the field is there.

  // "Reserved for future use" (own decision, as the reference host's): a host that does not know the use refuses.
  if (header.reservedBits !== 0) return false;
  if (attachments.some((attachment) => attachment.reservedBits !== 0)) return false;
  const names = attachments.map((attachment) => attachment.filename);
  return names.every(isFilename) && new Set(names.map(fold)).size === names.length;
}

function isKnownType(type: MediaType): boolean {
  const text = mediaTypeText(type);
  return text !== null && isMediaType(text);
}

function distinct(addresses: readonly Address[]): boolean {
  return new Set(addresses.map((address) => address.key)).size === addresses.length;
}

/** The parent's time minus MAX_TIME_SKEW lies before this message's. */
export function isAfter(header: Header, parent: Header, limits: Limits): boolean {
  return parent.time - limits.maxTimeSkew < header.time;
}

/**
 * "An exact duplicate of the message to which recipients are being added, except [...]". Compared is what a reader
 * sees; the adder is in the original's _from_ or _to_ because these are equal. Without this check a forged batch
 * would open a stranger's message to whomever it names. Another compression is no difference, the content is the same.
 */
export function repeats(batch: Header, original: Header): boolean {
  return batch.from.key === original.from.key &&
    sameList(batch.to, original.to, (a, b) => a.key === b.key) &&
    sameType(batch.type, original.type) &&
    sameList(
      parts(batch),
      parts(original),
      (a, b) => (a.expandedSize ?? a.size) === (b.expandedSize ?? b.size),
    ) &&
    sameList(
      batch.attachments,
      original.attachments,
      (a, b) => a.filename === b.filename && sameType(a.type, b.type),
    );
}

function sameList<Item>(
  a: readonly Item[],
  b: readonly Item[],
  same: (a: Item, b: Item) => boolean,
): boolean {
  return a.length === b.length && a.every((item, i) => {
    const other = b[i];
    return other !== undefined && same(item, other);
  });
}

function sameType(a: MediaType, b: MediaType): boolean {
  return mediaTypeText(a) === mediaTypeText(b);
}

/** Step 2: whether to challenge, by the mode. `thread` is the parent or original, null when there is none here. */
function proceed(
  header: Header,
  facts: JudgeFacts,
  delivery: Proceeding,
  thread: StoredMessage | null,
): Judgement {
  return { kind: "proceed", delivery, challenge: wantsChallenge(header, facts, thread) };
}

function wantsChallenge(header: Header, facts: JudgeFacts, thread: StoredMessage | null): boolean {
  switch (facts.challenge) {
    case "never":
      return false;
    case "always":
      return true;
    case "has_not_participated":
      return thread === null || !thread.participated;
    case "different_domain":
      return sender(header).domain !== facts.domain;
  }
}

function reject(code: RejectCode): Judgement {
  return { kind: "reject", code };
}

function unauthorised(answer: Exclude<Authorisation, { kind: "yes" }>, domain: string): Judgement {
  switch (answer.kind) {
    case "no":
      return {
        kind: "terminate",
        reason: "sender not authorised",
        detail: `fmsg.${domain} does not list this address`,
      };
    case "failed":
      return { kind: "terminate", reason: "sender look-up failed", detail: answer.reason };
    case "bogus":
      return { kind: "terminate", reason: "dnssec validation failed", detail: answer.reason };
  }
}

/** What the store says of a judged message, for the code after the challenge. */
export interface StoredFacts {
  /** This exact batch is recorded already. */
  readonly batchRecorded: boolean;
  /** The message that the challenge's answer names is held by every recipient here; false without a challenge. */
  readonly heldByAll: boolean;
}

/** Steps 3.1 to 3.3: the one code that follows the challenge. */
export function answerCode(
  delivery: Proceeding,
  facts: StoredFacts,
): Proceeding | typeof DUPLICATE {
  if (delivery !== CONTINUE) return facts.batchRecorded ? DUPLICATE : delivery; // 3.1
  return facts.heldByAll ? DUPLICATE : CONTINUE; // 3.2, 3.3
}
