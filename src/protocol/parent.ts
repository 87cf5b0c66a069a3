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

export interface Candidate {
  readonly header: Header;
  readonly hash: MessageHash;
}

export interface Batch extends Candidate {
  /** Domains to which this host tried to send the batch, without success. */
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
  batches: readonly Batch[],
): MessageHash | Problem {
  const domains = new Set(recipients.map((address) => address.domain));
  if (original !== null && isFromOrTo(original.header, sender)) {
    const first = domainsOf([original.header.from, ...original.header.to]);
    const later = domainsOf(batches.flatMap((batch) => batch.header.addTo?.to ?? []));
    const onlyAdded = [...domains].some((domain) => !first.has(domain) && later.has(domain));
    if (!onlyAdded) return original.hash;
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
      "missing ones to the message first",
  );
}

function isFromOrTo(header: Header, address: Address): boolean {
  return [header.from, ...header.to].some((other) => other.key === address.key);
}

function domainsOf(addresses: readonly Address[]): Set<string> {
  return new Set(addresses.map((address) => address.domain));
}

/** A batch goes to every participant's domain, so each of them holds it unless it could not be delivered there. */
function holds(batch: Batch, domain: string): boolean {
  return domainsOf(participants(batch.header)).has(domain) && !batch.undelivered.has(domain);
}
