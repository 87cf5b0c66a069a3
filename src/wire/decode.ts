// Bytes to a header: a pull parser that is fed chunks and does no I/O.

import { Address } from "./address.ts";
import type { Bytes } from "./bytes.ts";
import { ATTACHMENT_FLAG, FLAG } from "./encode.ts";
import { asMessageHash, HASH_LENGTH } from "./hash.ts";
import { type AttachmentHeader, type Header, VERSION } from "./header.ts";
import type { MediaType } from "./media_type.ts";

/**
 * The largest header that the format allows: all lists and strings at 255. What a decoder holds in memory never
 * passes this and the last chunk, whatever a peer claims.
 */
export const MAX_HEADER_SIZE = 2 + HASH_LENGTH + // version, flags, pid
  256 + (1 + 255 * 256) + 256 + (1 + 255 * 256) + // from, to, add to from, add to
  8 + 256 + 256 + 8 + // time, topic, type, sizes
  1 + 255 * (1 + 256 + 256 + 8); // attachment headers

export interface DecodedHeader {
  readonly header: Header;
  /** The exact bytes of the header: what its hashes are made of, and what is stored. */
  readonly bytes: Bytes;
}

/** What became of the bytes fed so far. */
export type Decoding =
  | { readonly kind: "more" }
  | { readonly kind: "header"; readonly decoded: DecodedHeader; readonly rest: Uint8Array }
  | { readonly kind: "malformed"; readonly reason: string };

/**
 * Decodes one header from chunks of any size. After "header" or "malformed" a push is an Error.
 *
 * Malformed is what "cannot be decoded" (1.4): bad UTF-8, text that is no address, a media type that is not US-ASCII.
 * What decodes and is still wrong (an unmapped type, a bad filename) is for the judge to reject with a code.
 */
export class HeaderDecoder {
  readonly #input = new Input();
  readonly #parser = parseHeader(this.#input);
  #ended = false;

  push(chunk: Uint8Array): Decoding {
    if (this.#ended) throw new Error("A header decoder that has answered takes no more bytes");
    this.#input.append(chunk);
    if (this.#input.short()) return { kind: "more" };
    try {
      const step = this.#parser.next();
      if (step.done !== true) return { kind: "more" };
      this.#ended = true;
      const { bytes, rest } = this.#input.split();
      return { kind: "header", decoded: { header: step.value, bytes }, rest };
    } catch (error) {
      this.#ended = true;
      if (error instanceof Malformed) return { kind: "malformed", reason: error.message };
      throw error;
    }
  }
}

/** Decodes a header that is whole, such as one from the store; throws an Error when `bytes` are anything else. */
export function decodeHeader(bytes: Uint8Array): Header {
  const result = new HeaderDecoder().push(bytes);
  if (result.kind === "header" && result.rest.length === 0) return result.decoded.header;
  const why = result.kind === "malformed" ? result.reason : "its length is wrong";
  throw new Error(`These ${bytes.length} bytes are no message header: ${why}`);
}

class Malformed extends Error {}

/** The bytes fed so far, and how far they are parsed. */
class Input {
  #buffer: Bytes = new Uint8Array(1024);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;
  #at = 0;
  #wanted = 0;

  append(chunk: Uint8Array): void {
    const length = this.#length + chunk.length;
    if (length > this.#buffer.length) {
      const doubled = Math.min(this.#buffer.length * 2, MAX_HEADER_SIZE);
      const larger = new Uint8Array(Math.max(length, doubled));
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#buffer.set(chunk, this.#length);
    this.#length = length;
  }

  /** Is the parser still waiting for bytes that have not come? */
  short(): boolean {
    return this.#length < this.#wanted;
  }

  /** The position of the next `length` bytes, once they are here. */
  *take(length: number): Generator<void, number> {
    this.#wanted = this.#at + length;
    if (this.short()) yield;
    const at = this.#at;
    this.#at = this.#wanted;
    return at;
  }

  // `take` comes first in each: while it waits, `append` may replace the buffer and its view.
  *u8(): Generator<void, number> {
    const at = yield* this.take(1);
    return this.#view.getUint8(at);
  }

  *u32(): Generator<void, number> {
    const at = yield* this.take(4);
    return this.#view.getUint32(at, true);
  }

  *f64(): Generator<void, number> {
    const at = yield* this.take(8);
    return this.#view.getFloat64(at, true);
  }

  *bytes(length: number): Generator<void, Uint8Array> {
    const at = yield* this.take(length);
    return this.#buffer.subarray(at, at + length);
  }

  split(): { bytes: Bytes; rest: Uint8Array } {
    return {
      bytes: this.#buffer.slice(0, this.#at),
      rest: this.#buffer.subarray(this.#at, this.#length),
    };
  }
}

type Parsing<Value> = Generator<void, Value>;

function* parseHeader(input: Input): Parsing<Header> {
  const version = yield* input.u8();
  if (version !== VERSION) throw new Malformed(`version ${version} is not supported`);
  const flags = yield* input.u8();
  const pid = flags & FLAG.pid ? asMessageHash(yield* input.bytes(HASH_LENGTH)) : null;
  const from = yield* parseAddress(input, "from");
  const to = yield* parseAddresses(input, "to");
  const addTo = flags & FLAG.addTo
    ? {
      from: yield* parseAddress(input, "add to from"),
      to: yield* parseAddresses(input, "add to"),
    }
    : null;
  const time = yield* input.f64();
  const start = pid === null
    ? { pid, topic: yield* parseText(input, "topic") }
    : { pid, topic: null };
  const type = yield* parseType(input, (flags & FLAG.commonType) !== 0);
  const size = yield* input.u32();
  const expandedSize = flags & FLAG.deflate ? yield* input.u32() : null;
  const count = yield* input.u8();
  const attachments: AttachmentHeader[] = [];
  for (let i = 0; i < count; i++) attachments.push(yield* parseAttachment(input));
  return {
    ...start,
    important: (flags & FLAG.important) !== 0,
    noReply: (flags & FLAG.noReply) !== 0,
    reservedBits: flags & FLAG.reserved,
    from,
    to,
    addTo,
    time,
    type,
    size,
    expandedSize,
    attachments,
  };
}

function* parseAttachment(input: Input): Parsing<AttachmentHeader> {
  const flags = yield* input.u8();
  const type = yield* parseType(input, (flags & ATTACHMENT_FLAG.commonType) !== 0);
  const filename = yield* parseText(input, "filename");
  const size = yield* input.u32();
  const expandedSize = flags & ATTACHMENT_FLAG.deflate ? yield* input.u32() : null;
  return { type, filename, size, expandedSize, reservedBits: flags & ATTACHMENT_FLAG.reserved };
}

function* parseAddresses(input: Input, field: string): Parsing<Address[]> {
  const count = yield* input.u8();
  const addresses: Address[] = [];
  for (let i = 0; i < count; i++) addresses.push(yield* parseAddress(input, field));
  return addresses;
}

function* parseAddress(input: Input, field: string): Parsing<Address> {
  const address = Address.parse(yield* parseText(input, field));
  if (address === null) throw new Malformed(`${field} holds no address`);
  return address;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function* parseText(input: Input, field: string): Parsing<string> {
  const bytes = yield* input.bytes(yield* input.u8());
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Malformed(`${field} is not UTF-8`);
  }
}

function* parseType(input: Input, common: boolean): Parsing<MediaType> {
  if (common) return { kind: "common", number: yield* input.u8() };
  const bytes = yield* input.bytes(yield* input.u8());
  if (bytes.some((byte) => byte > 0x7f)) throw new Malformed("type is not US-ASCII");
  return { kind: "text", text: utf8.decode(bytes) };
}
