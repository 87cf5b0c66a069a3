// Messages for the wire, right ones and wrong ones. The bytes are laid out here and not by src/wire, so that tests
// have a second reading of "Message" and can say what no valid header says.

import { Buffer } from "node:buffer";
import { deflateSync } from "node:zlib";
import {
  Address,
  asMessageHash,
  type AttachmentHeader,
  type Bytes,
  concat,
  type DecodedHeader,
  type Header,
  type HeaderHash,
  headerHash,
  mediaType,
  type MessageHash,
  MessageHasher,
} from "../../src/wire/mod.ts";

/** A text of the header; bytes where it is not to be UTF-8 or no valid text. */
export type Text = string | Uint8Array;

/** The data, or one attachment. What is left out follows from `body`; what is given may be a lie. */
export interface PartFields {
  /** The content, decompressed. Default: empty. */
  readonly body?: Text;
  /** A number is a common type as one byte. Default: text/plain;charset=UTF-8. */
  readonly type?: string | number | Uint8Array;
  readonly compress?: boolean;
  /** What is transmitted in place of `body` or its compressed form. */
  readonly wire?: Uint8Array;
  readonly size?: number;
  /** null leaves the field out, whatever the flag says. */
  readonly expandedSize?: number | null;
  /** Changes the flags that follow from the other fields. */
  readonly flags?: (flags: number) => number;
}

export interface AttachmentFields extends PartFields {
  readonly filename: Text;
}

export interface Fields extends PartFields {
  readonly from: Text;
  readonly to: readonly Text[];
  readonly addTo?: { readonly from: Text; readonly to: readonly Text[] } | undefined;
  readonly pid?: Uint8Array | null;
  /** Default: "" where there is no pid. null leaves the field out. */
  readonly topic?: Text | null;
  /** POSIX seconds, or the 8 bytes. Default: now, and later than any before. */
  readonly time?: number | Uint8Array;
  readonly important?: boolean;
  readonly noReply?: boolean;
  readonly attachments?: readonly AttachmentFields[];
  readonly version?: number;
  /** Counts that differ from the lists. */
  readonly counts?: {
    readonly to?: number;
    readonly addTo?: number;
    readonly attachments?: number;
  };
}

export interface Message {
  readonly fields: Fields;
  readonly header: Bytes;
  /** Data and attachments as transmitted. */
  readonly payload: Bytes;
  /** Data and attachments decompressed, part by part: what the message hash is made of. */
  readonly content: readonly Bytes[];
  readonly headerHash: HeaderHash;
  readonly hash: MessageHash;
}

export function draft(fields: Fields): Message {
  const whole: Fields = { time: stamp(), ...fields };
  const all = [whole, ...whole.attachments ?? []];
  return message(whole, layOut(whole), concat(all.map(wireOf)), all.map(bodyOf));
}

/** A reply; by default to the parent's sender. */
export function replyTo(
  parent: Pick<Message, "fields" | "hash">,
  fields: Omit<Fields, "to" | "pid" | "topic"> & { readonly to?: readonly Text[] },
): Message {
  return draft({ to: [parent.fields.from], ...fields, pid: parent.hash });
}

/** The message that adds recipients to `original`: its duplicate but for these fields, the pid and the time. */
export function addTo(
  original: Pick<Message, "fields" | "hash">,
  batch: { readonly from: Text; readonly to: readonly Text[] },
  changes: Partial<Fields> = {},
): Message {
  const { time: _, topic: __, ...rest } = original.fields;
  return draft({ ...rest, pid: original.hash, addTo: batch, ...changes });
}

/** A message that came from elsewhere, with its exact header. `content` is decompressed, part by part. */
export function asMessage(
  { header, bytes }: DecodedHeader,
  payload: Bytes,
  content: readonly Bytes[],
): Message {
  let at = 0;
  const part = (part: Header | AttachmentHeader, i: number): PartFields => ({
    body: content[i] ?? new Uint8Array(),
    type: part.type.kind === "common" ? part.type.number : bytesOf(part.type.text),
    flags: (flags) => flags | part.reservedBits,
    wire: payload.slice(at, at += part.size),
    size: part.size,
    compress: part.expandedSize !== null,
    expandedSize: part.expandedSize,
  });
  const { from, to, addTo, pid, topic, time, important, noReply } = header;
  const fields: Fields = {
    from: from.text,
    to: to.map(({ text }) => text),
    addTo: addTo === null
      ? undefined
      : { from: addTo.from.text, to: addTo.to.map(({ text }) => text) },
    pid,
    topic,
    time,
    important,
    noReply,
    ...part(header, 0),
    attachments: header.attachments.map((attachment, i) => ({
      filename: attachment.filename,
      ...part(attachment, i + 1),
    })),
  };
  return message(fields, bytes, payload, content);
}

/** The same message with other bytes for its header, for what `Fields` cannot say. */
export function withHeader(original: Message, header: Uint8Array): Message {
  return message(original.fields, new Uint8Array(header), original.payload, original.content);
}

/** How many recipients of the message belong to `domain`: so many codes are due. */
export function recipientsAt({ fields }: Pick<Message, "fields">, domain: string): number {
  return [...fields.to, ...fields.addTo?.to ?? []]
    .filter((text) => Address.parse(textOf(text))?.domain === domain.toLowerCase()).length;
}

export function compressed(body: Text): Bytes {
  return new Uint8Array(deflateSync(bytesOf(body)));
}

/** Bytes that compress badly, the same at each call. */
export function noise(length: number): Bytes {
  let state = 0x9e3779b9;
  return Uint8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 255;
  });
}

let last = 0;

/** Now, in POSIX seconds; never the same twice, so that no two messages are duplicates by accident. */
export function stamp(): number {
  return last = Math.max(Date.now() / 1000, last + 0.000_002);
}

function message(
  fields: Fields,
  header: Bytes,
  payload: Bytes,
  content: readonly Bytes[],
): Message {
  const hasher = new MessageHasher(header);
  for (const part of content) hasher.update(part);
  const hash = asMessageHash(hasher.digest());
  return { fields, header, payload, content, headerHash: headerHash(header), hash };
}

function layOut(fields: Fields): Bytes {
  const { pid = null, addTo, time = 0, attachments = [], counts = {} } = fields;
  const topic = fields.topic === undefined && pid === null ? "" : fields.topic ?? null;
  const flags = (pid === null ? 0 : 1) | (addTo === undefined ? 0 : 2) |
    (isCommon(fields) ? 4 : 0) | (fields.important ? 8 : 0) | (fields.noReply ? 16 : 0) |
    (fields.compress ? 32 : 0);
  return concat([
    Uint8Array.of(fields.version ?? 1, (fields.flags ?? same)(flags)),
    pid ?? NOTHING,
    prefixed(fields.from),
    ...list(fields.to, counts.to),
    ...addTo === undefined ? [] : [prefixed(addTo.from), ...list(addTo.to, counts.addTo)],
    typeof time === "number" ? float64(time) : time,
    topic === null ? NOTHING : prefixed(topic),
    typeField(fields),
    sizes(fields),
    Uint8Array.of(counts.attachments ?? attachments.length),
    ...attachments.flatMap((attachment) => [
      Uint8Array.of(
        (attachment.flags ?? same)((isCommon(attachment) ? 1 : 0) | (attachment.compress ? 2 : 0)),
      ),
      typeField(attachment),
      prefixed(attachment.filename),
      sizes(attachment),
    ]),
  ]);
}

const NOTHING = new Uint8Array();
const PLAIN_TEXT = "text/plain;charset=UTF-8";

function list(texts: readonly Text[], count = texts.length): Uint8Array[] {
  return [Uint8Array.of(count), ...texts.map(prefixed)];
}

function typeField(part: PartFields): Uint8Array {
  const type = shortest(part);
  return typeof type === "number" ? Uint8Array.of(type) : prefixed(type);
}

function isCommon(part: PartFields): boolean {
  return typeof shortest(part) === "number";
}

function shortest({ type = PLAIN_TEXT }: PartFields): number | Text {
  if (typeof type !== "string") return type;
  const known = mediaType(type);
  return known.kind === "common" ? known.number : known.text;
}

function sizes(part: PartFields): Uint8Array {
  const size = uint32(part.size ?? wireOf(part).length);
  const expanded = part.expandedSize === undefined
    ? part.compress ? bodyOf(part).length : null
    : part.expandedSize;
  return expanded === null ? size : concat([size, uint32(expanded)]);
}

function wireOf(part: PartFields): Bytes {
  if (part.wire !== undefined) return new Uint8Array(part.wire);
  return part.compress ? compressed(bodyOf(part)) : bodyOf(part);
}

function bodyOf({ body = "" }: PartFields): Bytes {
  return bytesOf(body);
}

function prefixed(text: Text): Bytes {
  const bytes = bytesOf(text);
  return concat([Uint8Array.of(bytes.length), bytes]);
}

function bytesOf(text: Text): Bytes {
  return new Uint8Array(typeof text === "string" ? new TextEncoder().encode(text) : text);
}

function textOf(text: Text): string {
  return typeof text === "string" ? text : new TextDecoder().decode(text);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function float64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

function same(flags: number): number {
  return flags;
}
