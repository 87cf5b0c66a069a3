// What a host has to make of the bytes that it was sent, and which answers are then legal.

import { inflateSync } from "node:zlib";
import {
  asMessageHash,
  type Bytes,
  type DecodedHeader,
  decodeHeader,
  type Header,
  HeaderDecoder,
  hex,
  mediaTypeText,
  type MessageHash,
  MessageHasher,
  type Part,
  parts,
  recipients,
  wireSize,
} from "../../src/wire/mod.ts";
import type { Message } from "../support/message.ts";
import { ALICE, BOB, CAROL_REFUSES, FRED_IS_FULL, HOST } from "./scene.ts";

export interface Understanding {
  readonly first: number | null;
  /** Null where no whole header was sent. */
  readonly decoded: DecodedHeader | null;
  /** All bytes of data were sent. */
  readonly whole: boolean;
  /** The message hash, where the data is what the header declares. */
  readonly hash: MessageHash | null;
  /** What a sender who means harm would answer to a challenge: the hash of what the data can be taken for. */
  readonly guess: MessageHash | null;
  /** The hash of a batch on a letter that the host has. */
  readonly batchHash: MessageHash | null;
}

/** `letter` is what the host has and may be added to. */
export function understand(sent: Bytes, letter: Message | null): Understanding {
  const step = sent.length === 0 ? null : new HeaderDecoder().push(sent);
  const first = sent[0] ?? null;
  if (step?.kind !== "header") {
    return { first, decoded: null, whole: false, hash: null, guess: null, batchHash: null };
  }
  const { decoded } = step;
  const { header, bytes } = decoded;
  const data = sent.slice(bytes.length, bytes.length + wireSize(header));
  const whole = data.length === wireSize(header);
  const { content, exact } = expanded(parts(header), data);
  const guess = hashOf(bytes, content);
  const isBatch = letter !== null && header.addTo !== null && header.pid !== null &&
    hex(header.pid) === hex(letter.hash) &&
    shownOf(header) === shownOf(decodeHeader(letter.header));
  return {
    first,
    decoded,
    whole,
    hash: whole && exact ? guess : null,
    guess,
    batchHash: isBatch ? hashOf(bytes, letter.content) : null,
  };
}

/** What is wrong with the codes that the host gave, or null. `cut`: the line may have failed between the codes. */
export function codesProblem(
  codes: readonly number[],
  { first, decoded, whole, hash }: Understanding,
  cut: boolean,
): string | null {
  if (codes.length === 0) return null;
  const said = codes.join();
  const [code = 0, ...rest] = codes;
  if (first === null) return `${said} where nothing was sent`;
  if (first > 128) return `${said} to a challenge`;
  if (first !== 1) return said === "2" ? null : `${said} to version ${first}`;
  if (decoded === null) return `${said} to a header that is not whole`;
  const batch = decoded.header.addTo !== null;
  const single = (code >= 1 && code <= 10 && code !== 2) || (code === 11 && batch);
  if (single) return rest.length === 0 ? null : `${said}: more behind the only code`;
  if (code !== 64 && !(code === 65 && batch)) return `${said}: ${code} is no answer here`;
  if (rest.length === 0) return null;
  if (code === 64 && !whole) return `${said}, and not all of the data was sent`;
  if (code === 64 && hash === null) return `${said}, and the data is not what the header declares`;
  const here = recipientsHere(decoded);
  if (rest.length > here.length || (rest.length < here.length && !cut)) {
    return `${said}: ${here.length} recipients are here`;
  }
  const odd = rest.findIndex((verdict, i) =>
    !(VERDICTS[here[i]?.key ?? ""] ?? UNKNOWN).includes(verdict)
  );
  return odd < 0 ? null : `${said}: ${rest[odd]} for ${here[odd]?.text}`;
}

/** The recipients at the host under test, in the order of their codes. */
export function recipientsHere({ header }: DecodedHeader): { key: string; text: string }[] {
  return recipients(header).filter(({ domain }) => domain === HOST);
}

/** What may be said of each user. */
const VERDICTS: Readonly<Record<string, readonly number[]>> = {
  [ALICE]: [200, 103],
  [BOB]: [200, 103],
  [CAROL_REFUSES]: [102],
  [FRED_IS_FULL]: [101],
};
const UNKNOWN = [100];

/** What a batch has to repeat of its original ("Notes on Adding Recipients"), for comparison. */
function shownOf(header: Header): string {
  const part = ({ type, size, expandedSize }: Part & Pick<Header, "type">) => [
    mediaTypeText(type),
    expandedSize ?? size,
  ];
  return JSON.stringify([
    header.from.key,
    header.to.map(({ key }) => key),
    part(header),
    header.attachments.map((attachment) => [attachment.filename, ...part(attachment)]),
  ]);
}

/** The parts decompressed as far as that goes, and whether they are what is declared. */
function expanded(
  declared: readonly Part[],
  data: Bytes,
): { readonly content: Bytes[]; readonly exact: boolean } {
  let at = 0;
  const pieces = declared.map((part) => expandedPart(part, data.slice(at, at += part.size)));
  return {
    content: pieces.map(({ content }) => content),
    exact: pieces.every(({ exact }) => exact),
  };
}

function expandedPart(
  { expandedSize }: Part,
  wire: Bytes,
): { readonly content: Bytes; readonly exact: boolean } {
  if (expandedSize === null) return { content: wire, exact: true };
  try {
    const { buffer, engine }: Inflated = Object(
      inflateSync(wire, { info: true, maxOutputLength: expandedSize + 1 }),
    );
    const exact = buffer.length === expandedSize && engine.bytesWritten === wire.length;
    return { content: new Uint8Array(buffer), exact };
  } catch {
    return { content: new Uint8Array(), exact: false };
  }
}

/** What zlib gives with `info`. */
interface Inflated {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

function hashOf(header: Bytes, content: readonly Uint8Array[]): MessageHash {
  const hasher = new MessageHasher(header);
  for (const part of content) hasher.update(part);
  return asMessageHash(hasher.digest());
}
