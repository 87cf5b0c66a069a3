// A message header as values ("Message", "Attachment"), and what follows from its fields alone.

import type { Address } from "./address.ts";
import type { MessageHash } from "./hash.ts";
import type { MediaType } from "./media_type.ts";

/** The one protocol version that this host speaks, and the first byte of its messages. */
export const VERSION = 1;

/** The first byte of a challenge for version 1: 256 minus the version. */
export const CHALLENGE_VERSION = 256 - VERSION;

/** A piece of content: the data, or one attachment. Sizes in bytes. */
export interface Part {
  /** As transmitted, after compression. */
  readonly size: number;
  /** After decompression; null when the part is not compressed (its _zlib-deflate_ flag is unset). */
  readonly expandedSize: number | null;
}

export interface AttachmentHeader extends Part {
  readonly type: MediaType;
  /** UTF-8 as transmitted; whether it follows the filename grammar is for the judge. */
  readonly filename: string;
  /** Flag bits 2-7, "reserved for future use": kept, so that the header encodes to the same bytes. */
  readonly reservedBits: number;
}

/** The fields of a message that adds recipients to another ("Notes on Adding Recipients"). */
export interface AddTo {
  readonly from: Address;
  readonly to: readonly Address[];
}

interface Fields extends Part {
  readonly important: boolean;
  readonly noReply: boolean;
  /** Flag bits 6 and 7, as on an attachment. */
  readonly reservedBits: number;
  readonly from: Address;
  readonly to: readonly Address[];
  readonly addTo: AddTo | null;
  /** POSIX seconds, an IEEE-754 double with its exact bits. */
  readonly time: number;
  readonly type: MediaType;
  readonly attachments: readonly AttachmentHeader[];
}

/** A message has a _topic_ exactly when it has no _pid_. */
export type Header =
  & Fields
  & (
    | { readonly pid: null; readonly topic: string }
    | { readonly pid: MessageHash; readonly topic: null }
  );

/** The data and then each attachment, in the order of their bytes. */
export function parts(header: Header): readonly Part[] {
  return [header, ...header.attachments];
}

/** Bytes of content on the wire. At most 256 parts of 32 bits, so a double holds the sum exactly. */
export function wireSize(header: Header): number {
  return header.attachments.reduce((sum, part) => sum + part.size, header.size);
}

/** Bytes of content after decompression (1.4.4). */
export function expandedSize(header: Header): number {
  return parts(header).reduce((sum, part) => sum + (part.expandedSize ?? part.size), 0);
}

/** The address that sends: _add to from_ when there is one, else _from_ ("Terms"). */
export function sender(header: Header): Address {
  return header.addTo?.from ?? header.from;
}

/** _to_, then _add to_: the order of the codes for recipients. */
export function recipients(header: Header): readonly Address[] {
  return header.addTo === null ? header.to : [...header.to, ...header.addTo.to];
}

/** All recipients, _from_, and _add to from_ where there is one ("Terms"). */
export function participants(header: Header): readonly Address[] {
  const { from, to, addTo } = header;
  return addTo === null ? [from, ...to] : [from, ...to, addTo.from, ...addTo.to];
}

export function isParticipant(header: Header, address: Address): boolean {
  return participants(header).some((participant) => participant.key === address.key);
}
