// A header to its bytes, field by field in the order of "Message".

import type { Address } from "./address.ts";
import type { Bytes } from "./bytes.ts";
import { type Header, type Part, VERSION } from "./header.ts";
import type { MediaType } from "./media_type.ts";

/** Message flags by bit ("Flags"). */
export const FLAG = {
  pid: 1,
  addTo: 2,
  commonType: 4,
  important: 8,
  noReply: 16,
  deflate: 32,
  reserved: 0xc0,
} as const;

/** Attachment flags by bit ("Attachment Flags"). */
export const ATTACHMENT_FLAG = { commonType: 1, deflate: 2, reserved: 0xfc } as const;

/**
 * The exact bytes of `header`. Throws a RangeError for what no header can hold: a string of 256 bytes, more than 255
 * addresses or attachments, a size that needs more than 32 bits, a media type that is not US-ASCII.
 */
export function encodeHeader(header: Header): Bytes {
  const out = new Writer();
  out.u8(VERSION);
  out.u8(messageFlags(header));
  if (header.pid !== null) out.bytes(header.pid);
  out.string(header.from.text);
  out.addresses(header.to);
  if (header.addTo !== null) {
    out.string(header.addTo.from.text);
    out.addresses(header.addTo.to);
  }
  out.f64(header.time);
  if (header.pid === null) out.string(header.topic);
  out.type(header.type);
  out.sizes(header);
  out.count(header.attachments.length);
  for (const attachment of header.attachments) {
    const flags = (attachment.type.kind === "common" ? ATTACHMENT_FLAG.commonType : 0) |
      (attachment.expandedSize !== null ? ATTACHMENT_FLAG.deflate : 0);
    out.u8(flags | attachment.reservedBits);
    out.type(attachment.type);
    out.string(attachment.filename);
    out.sizes(attachment);
  }
  return out.finish();
}

function messageFlags(header: Header): number {
  return (header.pid !== null ? FLAG.pid : 0) |
    (header.addTo !== null ? FLAG.addTo : 0) |
    (header.type.kind === "common" ? FLAG.commonType : 0) |
    (header.important ? FLAG.important : 0) |
    (header.noReply ? FLAG.noReply : 0) |
    (header.expandedSize !== null ? FLAG.deflate : 0) |
    header.reservedBits;
}

class Writer {
  #buffer = new Uint8Array(512);
  #view = new DataView(this.#buffer.buffer);
  #at = 0;

  u8(value: number): void {
    this.#room(1);
    this.#view.setUint8(this.#at++, value);
  }

  u32(value: number): void {
    if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
      throw new RangeError(`A size of ${value} bytes does not fit 32 bits`);
    }
    this.#room(4);
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  f64(value: number): void {
    this.#room(8);
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  bytes(value: Uint8Array): void {
    this.#room(value.length);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
  }

  count(value: number): void {
    if (value > 255) throw new RangeError(`A list in a header holds at most 255, not ${value}`);
    this.u8(value);
  }

  string(text: string): void {
    const bytes = new TextEncoder().encode(text);
    if (bytes.length > 255) {
      throw new RangeError(`A text in a header holds at most 255 bytes, not ${bytes.length}`);
    }
    this.u8(bytes.length);
    this.bytes(bytes);
  }

  addresses(list: readonly Address[]): void {
    this.count(list.length);
    for (const address of list) this.string(address.text);
  }

  type(type: MediaType): void {
    if (type.kind === "common") return this.u8(type.number);
    if (/\P{ASCII}/u.test(type.text)) {
      throw new RangeError(`A media type holds US-ASCII only, not "${type.text}"`);
    }
    this.string(type.text);
  }

  sizes(part: Part): void {
    this.u32(part.size);
    if (part.expandedSize !== null) this.u32(part.expandedSize);
  }

  finish(): Bytes {
    return this.#buffer.slice(0, this.#at);
  }

  #room(length: number): void {
    if (this.#at + length <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.max(this.#buffer.length * 2, this.#at + length));
    larger.set(this.#buffer);
    this.#buffer = larger;
    this.#view = new DataView(larger.buffer);
  }
}
