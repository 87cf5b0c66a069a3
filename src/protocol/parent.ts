// Which hash a reply names as its _pid_: the original's, or that of a batch (row D10). "The hash used to reference a
// parent depends on whether the sender was in the original recipient list, the original sender or was added later."

import {
  type Address,
  type Header,
  isParticipant,
  type MessageHash,
  participants,
} from "../wire/mod.ts";
import { type Problem, refuse } from "./problem.ts";

/** A message or a batch that a reply may name. */
export interface Candidate {
  readonly header: Header;
  readonly hash: MessageHash;
  /** Domains to which this host tried to send it, without success. */
  readonly undelivered: ReadonlySet<string>;
}

/**
 * The parent of a reply from `sender` to `recipients` on the message `original` (null when it is not here, but batches
 * on it are). `batches` come newest first.
 */
export function chooseParent(
  sender: Address,
  recipients: readonly Address[],
  original: Candidate | null,
  batches: readonly Candidate[],
): MessageHash | Problem {
  const domains = domainsOf(recipients);
  if (original !== null && isFromOrTo(original.header, sender)) {
    const later = domainsOf(batches.flatMap((batch) => participants(batch.header)));
    const onlyByBatch = [...domains].some((domain) =>
      !holds(original, domain) && later.has(domain)
    );
    if (!onlyByBatch) return original.hash;
  }
  const mine = batches.filter((batch) => isParticipant(batch.header, sender));
  const held = mine.find((batch) => [...domains].every((domain) => holds(batch, domain)));
  if (held !== undefined) return held.hash;
  if (mine.length === 0 && !(original !== null && isFromOrTo(original.header, sender))) {
    return refuse(
      "not a participant",
      `${sender} is no participant of that message, and only participants can reply`,
    );
  }
  return refuse(
    "cannot be delivered",
    "No one message of this thread is held by the hosts of all these recipients: reply to fewer of them, or add the " +
      "missing ones to the message first, or start a new thread",
  );
}

/**
 * Why a reply from `sender` to `recipients` that names this parent would be refused elsewhere, or null: "the domain was
 * never a recipient of the parent or all concluded parent deliveries to that domain failed" (FMSG-003, "send"; row N4).
 * A domain that another host sent the parent to is taken to hold it.
 */
export function replyProblem(
  sender: Address,
  recipients: readonly Address[],
  parent: Candidate,
): Problem | null {
  const without = [...domainsOf(recipients)].filter((domain) =>
    domain !== sender.domain && !holds(parent, domain)
  );
  return without.length === 0 ? null : refuse(
    "cannot be delivered",
    `${without.join(", ")} ${
      without.length === 1 ? "does" : "do"
    } not have the message that this ` +
      "answers, and would refuse the reply: add these recipients to that message first, or start a new thread",
  );
}

function isFromOrTo(header: Header, address: Address): boolean {
  return [header.from, ...header.to].some((other) => other.key === address.key);
}

function domainsOf(addresses: readonly Address[]): Set<string> {
  return new Set(addresses.map((address) => address.domain));
}

/** A message goes to every participant's domain, so each of them holds it unless it could not be delivered there. */
function holds({ header, undelivered }: Candidate, domain: string): boolean {
  return domainsOf(participants(header)).has(domain) && !undelivered.has(domain);
}
