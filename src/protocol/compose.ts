// What a user of this host sends, as a header: refused here is whatever a conforming host would answer with 1 or
// TERMINATE (row D1), in words that tell the user what to do.

import {
  Address,
  addressProblem,
  type AddTo,
  expandedSize,
  fold,
  type Header,
  isFilename,
  isMediaType,
  mediaType,
  type MessageHash,
  wireSize,
} from "../wire/mod.ts";
import { type Problem, refuse } from "./problem.ts";

export interface ComposedPart {
  /** The media type in words, with its parameters. */
  readonly type: string;
  /** Bytes as they are stored and sent. */
  readonly size: number;
  /** Bytes after decompression; null when the part is not compressed. */
  readonly expandedSize: number | null;
}

export interface ComposedAttachment extends ComposedPart {
  readonly filename: string;
}

/** A message before it has a time, and so before it has a hash. */
export interface Composition {
  readonly from: Address;
  readonly to: readonly Address[];
  readonly start: { readonly pid: null; readonly topic: string } | {
    readonly pid: MessageHash;
    readonly topic: null;
  };
  readonly body: ComposedPart;
  readonly attachments: readonly ComposedAttachment[];
  readonly important: boolean;
  readonly noReply: boolean;
}

/** The addresses that were typed, or why one of them is none. */
export function readAddresses(texts: readonly string[]): readonly Address[] | Problem {
  const addresses: Address[] = [];
  for (const text of texts) {
    const address = Address.parse(text);
    if (address === null) {
      return refuse("bad address", `${quoted(text)} is no address: ${addressProblem(text)}`);
    }
    addresses.push(address);
  }
  return addresses;
}

/** The header of a new message that is sent at `time`. */
export function composeMessage(
  composition: Composition,
  time: number,
  limits: { readonly maxSize: number; readonly maxExpandedSize: number },
): Header | Problem {
  const { from, to, start, body, attachments, important, noReply } = composition;
  const problem = recipientsProblem(to, "to") ?? topicProblem(start.topic) ??
    typeProblem(body.type) ?? attachmentsProblem(attachments);
  if (problem !== null) return problem;
  const header: Header = {
    ...start,
    from,
    to,
    addTo: null,
    important,
    noReply,
    reservedBits: 0,
    time,
    type: mediaType(body.type),
    size: body.size,
    expandedSize: body.expandedSize,
    attachments: attachments.map((attachment) => ({
      type: mediaType(attachment.type),
      filename: attachment.filename,
      size: attachment.size,
      expandedSize: attachment.expandedSize,
      reservedBits: 0,
    })),
  };
  return sizeProblem("as sent", wireSize(header), "limits.max_size", limits.maxSize) ??
    sizeProblem(
      "uncompressed",
      expandedSize(header),
      "limits.max_expanded_size",
      limits.maxExpandedSize,
    ) ??
    header;
}

export type BatchHeader = Header & { readonly addTo: AddTo };

/** The header of a batch that adds recipients to a message ("Notes on Adding Recipients"). */
export function composeBatch(
  original: Header,
  pid: MessageHash,
  adder: Address,
  added: readonly Address[],
  time: number,
): BatchHeader | Problem {
  if (original.addTo !== null) {
    return refuse(
      "cannot be delivered",
      "The original of this message is not here, so nobody can be added to it",
    );
  }
  if (![original.from, ...original.to].some((address) => address.key === adder.key)) {
    return refuse(
      "not a participant",
      `${adder} is neither the sender nor in "to", and so cannot add recipients`,
    );
  }
  const problem = recipientsProblem(added, "add to");
  if (problem !== null) return problem;
  return { ...original, pid, topic: null, addTo: { from: adder, to: added }, time };
}

function recipientsProblem(addresses: readonly Address[], field: string): Problem | null {
  if (addresses.length === 0) {
    return refuse("bad recipients", "There is no recipient: name at least one");
  }
  if (addresses.length > 255) {
    return refuse(
      "bad recipients",
      `There are ${addresses.length} recipients in "${field}", more than 255`,
    );
  }
  const seen = new Map<string, Address>();
  for (const address of addresses) {
    const earlier = seen.get(address.key);
    if (earlier !== undefined) {
      return refuse(
        "bad recipients",
        `${earlier} and ${address} are the same address: name it once`,
      );
    }
    seen.set(address.key, address);
  }
  return null;
}

/** Half a surrogate pair has no UTF-8; it would be sent, hashed and shown as U+FFFD. */
function topicProblem(topic: string | null): Problem | null {
  if (topic === null) return null;
  if (!topic.isWellFormed()) {
    return refuse("bad content", "The topic holds half a character (a lone surrogate): remove it");
  }
  return new TextEncoder().encode(topic).length > 255
    ? refuse("bad content", "The topic is longer than 255 bytes: shorten it")
    : null;
}

function sizeProblem(form: string, size: number, key: string, limit: number): Problem | null {
  return size <= limit ? null : refuse(
    "too big",
    `The message holds ${size} bytes ${form}, more than this host takes: ${key} is ${limit}`,
  );
}

function typeProblem(type: string): Problem | null {
  return isMediaType(type) ? null : refuse(
    "bad content",
    `${quoted(type)} is no media type of up to 255 bytes: write it as in text/plain or image/png`,
  );
}

function attachmentsProblem(attachments: readonly ComposedAttachment[]): Problem | null {
  if (attachments.length > 255) {
    return refuse("bad content", `There are ${attachments.length} attachments, more than 255`);
  }
  const seen = new Set<string>();
  for (const { filename, type } of attachments) {
    if (!isFilename(filename)) {
      return refuse(
        "bad content",
        `${quoted(filename)} is no file name for an attachment: letters and numbers, with single ` +
          '"-", "_", ".", " " between them, up to 255 bytes; rename the file',
      );
    }
    const key = fold(filename);
    if (seen.has(key)) {
      return refuse("bad content", `Two attachments are named ${quoted(filename)}: rename one`);
    }
    seen.add(key);
    const problem = typeProblem(type);
    if (problem !== null) return problem;
  }
  return null;
}

/** In quotes and on one line, whatever was typed. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
