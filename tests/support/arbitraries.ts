// Arbitrary values of the wire format, from short and plain ones to the largest that fit.

import fc from "fast-check";
import {
  Address,
  asMessageHash,
  type AttachmentHeader,
  concat,
  fold,
  HASH_LENGTH,
  type Header,
  type MediaType,
  type MessageHash,
} from "../../src/wire/mod.ts";

/** The address that `text` spells, where a test knows that it is one. */
export function addressOf(text: string): Address {
  const address = Address.parse(text);
  if (address === null) throw new TypeError(`A test takes "${text}" for an address, it is none`);
  return address;
}

/** Well-formed addresses: many scripts, letters that fold in odd ways, now and then all 255 bytes. */
export function addresses(): fc.Arbitrary<Address> {
  const name = names(fc.constantFrom("-", "_", "."));
  const usual = fc.tuple(name, domains()).map(([name, domain]) => `@${name}@${domain}`);
  const longest = usual.map((text) => {
    const room = 255 - byteLength(text);
    return `@${"a".repeat(room)}${text.slice(1)}`;
  });
  return fc.oneof({ weight: 20, arbitrary: usual }, { weight: 1, arbitrary: longest })
    .map(addressOf);
}

/** Filenames that follow the grammar, now and then of all 255 bytes. */
export function filenames(): fc.Arbitrary<string> {
  const usual = names(fc.constantFrom("-", "_", ".", " "));
  const longest = usual.map((text) => text + "a".repeat(255 - byteLength(text)));
  return fc.oneof({ weight: 20, arbitrary: usual }, { weight: 1, arbitrary: longest });
}

/** Media types that a receiver takes: mapped numbers, types of the table spelled out, others, long ones. */
export function mediaTypes(): fc.Arbitrary<MediaType> {
  const text = fc.oneof(
    fc.constantFrom("text/html", "TEXT/HTML", "text/plain;charset=UTF-8", "image/x-icon"),
    fc.constantFrom("a/b", 'text/plain; charset="utf-8"', "multipart/mixed;boundary=--= 1"),
    fc.stringMatching(/^[a-z0-9][a-z0-9!#$&^_.+-]{0,9}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,9}$/),
    fc.constant(`text/plain;name=${"n".repeat(239)}`),
  );
  return fc.oneof(
    fc.integer({ min: 1, max: 64 }).map((number) => ({ kind: "common", number }) as const),
    text.map((text) => ({ kind: "text", text }) as const),
  );
}

/** Topics: any Unicode text that fits, with control characters and byte order marks. */
export function topics(): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 10, arbitrary: fc.string({ unit: characters(), maxLength: 63 }) },
    { weight: 1, arbitrary: fc.constantFrom("\u{FEFF}", "a\u{0}b", "界".repeat(85)) },
  ).filter((topic) => byteLength(topic) < 256);
}

export function messageHashes(): fc.Arbitrary<MessageHash> {
  return fc.uint8Array({ minLength: HASH_LENGTH, maxLength: HASH_LENGTH }).map(asMessageHash);
}

/** What the fields of a header are drawn from. */
export interface Sources {
  readonly address: fc.Arbitrary<Address>;
  readonly time: fc.Arbitrary<number>;
  readonly size: fc.Arbitrary<number>;
  readonly pid: fc.Arbitrary<MessageHash>;
  /** Of the message and of attachments, before they are shifted to their place. */
  readonly reserved: fc.Arbitrary<number>;
  readonly type: fc.Arbitrary<MediaType>;
  readonly filename: fc.Arbitrary<string>;
}

/**
 * Headers of every shape that a conforming sender makes: first messages, replies and add-to batches, whose lists are
 * neither empty nor hold anything twice. Their `time` is anything finite, and their sizes are up to 32 bits, unless
 * `sources` says otherwise.
 */
export function validHeaders(sources: Partial<Sources> = {}): fc.Arbitrary<Header> {
  const drawn = {
    address: addresses(),
    time: fc.double({ noNaN: true, noDefaultInfinity: true }),
    size: sizes(),
    pid: messageHashes(),
    reserved: fc.constant(0),
    type: mediaTypes(),
    filename: filenames(),
    ...sources,
  };
  const recipients = fc.uniqueArray(drawn.address, {
    selector: (address) => address.key,
    minLength: 1,
    maxLength: 255,
  });
  const attachments = fc.uniqueArray(attachmentHeaders(drawn), {
    selector: (attachment) => fold(attachment.filename),
    maxLength: 255,
  });
  const batch = fc.record({ adder: fc.nat({ max: 255 }), to: recipients });
  const kind = fc.oneof(
    topics().map((topic) => ({ pid: null, topic, batch: null })),
    drawn.pid.map((pid) => ({ pid, topic: null, batch: null })),
    fc.record({ pid: drawn.pid, topic: fc.constant(null), batch }),
  );
  const fields = messageFields(drawn, recipients, attachments);
  return fc.tuple(fields, kind).map(([fields, { batch, ...start }]) => {
    const candidates = [fields.from, ...fields.to];
    const addTo = batch &&
      { from: candidates[batch.adder % candidates.length] ?? fields.from, to: batch.to };
    return { ...fields, addTo, ...start };
  });
}

/**
 * Every header that can be decoded, also those that a receiver must then reject: empty lists, the same address twice,
 * batches without pid, unmapped types, any text as a filename, reserved bits. Not NaN, whose bits a number need not keep.
 */
export function decodableHeaders(): fc.Arbitrary<Header> {
  const drawn: Sources = {
    address: fc.oneof(addresses(), fc.constantFrom(addressOf("@a@b"), addressOf("@A@B"))),
    time: fc.double({ noNaN: true }),
    size: sizes(),
    pid: messageHashes(),
    reserved: fc.nat({ max: 63 }),
    type: fc.oneof(
      fc.nat({ max: 255 }).map((number) => ({ kind: "common", number }) as const),
      ascii().map((text) => ({ kind: "text", text }) as const),
    ),
    filename: topics(),
  };
  const list = fc.array(drawn.address, { maxLength: 255 });
  const addTo = fc.option(fc.record({ from: drawn.address, to: list }, { noNullPrototype: true }));
  const attachments = fc.array(attachmentHeaders(drawn), { maxLength: 255 });
  const start = fc.oneof(
    topics().map((topic) => ({ pid: null, topic })),
    drawn.pid.map((pid) => ({ pid, topic: null })),
  );
  return fc.tuple(messageFields(drawn, list, attachments), addTo, start)
    .map(([fields, addTo, start]) => ({ ...fields, addTo, ...start }));
}

/**
 * The bytes of decodable headers, put together field by field from the specification's table "Message" without the
 * encoder, so that the decoder is tried on what the encoder might never write.
 */
export function headerBytes(): fc.Arbitrary<Uint8Array> {
  const address = addresses().map((address) => utf8(address.text)).chain(prefixed);
  const text = topics().map(utf8).chain(prefixed);
  const type = (common: boolean) => common ? raw(1) : ascii().map(utf8).chain(prefixed);
  const sizes = (deflate: boolean) => raw(deflate ? 8 : 4);
  const attachment = fc.nat({ max: 255 }).chain((flags) =>
    joined(byte(flags), type((flags & 1) !== 0), text, sizes((flags & 2) !== 0))
  );
  const time = raw(8).filter((bytes) =>
    !Number.isNaN(new DataView(bytes.buffer).getFloat64(0, true))
  );
  return fc.nat({ max: 255 }).chain((flags) =>
    joined(
      byte(1),
      byte(flags),
      flags & 1 ? raw(32) : raw(0),
      address,
      counted(address),
      flags & 2 ? joined(address, counted(address)) : raw(0),
      time,
      flags & 1 ? raw(0) : text,
      type((flags & 4) !== 0),
      sizes((flags & 32) !== 0),
      counted(attachment),
    )
  );
}

/** The largest header that there is: every list, every text and every number at its end. */
export function largestHeader(): Header {
  const address = (domain: string, i: number) =>
    addressOf(`@${`${i}`.padStart(253 - domain.length, "n")}@${domain}`);
  const numbers = [...Array(255).keys()];
  const type = { kind: "text", text: `text/plain;name=${"n".repeat(239)}` } as const;
  const sizes = { size: 0xffff_ffff, expandedSize: 0xffff_ffff };
  return {
    pid: null,
    topic: "\u{754C}".repeat(85),
    important: true,
    noReply: true,
    reservedBits: 0,
    from: address("from.example", 0),
    to: numbers.map((i) => address("to.example", i)),
    addTo: {
      from: address("from.example", 0),
      to: numbers.map((i) => address("added.example", i)),
    },
    time: Number.MAX_VALUE,
    type,
    ...sizes,
    attachments: numbers.map((i) => ({
      type,
      filename: `${i}`.padStart(255, "n"),
      ...sizes,
      reservedBits: 0,
    })),
  };
}

function messageFields(
  { address, time, size, reserved, type }: Sources,
  to: fc.Arbitrary<readonly Address[]>,
  attachments: fc.Arbitrary<readonly AttachmentHeader[]>,
) {
  return fc.record({
    important: fc.boolean(),
    noReply: fc.boolean(),
    reservedBits: reserved.map((bits) => (bits << 6) & 0xff),
    from: address,
    to,
    time,
    type,
    size,
    expandedSize: fc.option(size),
    attachments,
  });
}

function attachmentHeaders(sources: Sources): fc.Arbitrary<AttachmentHeader> {
  return fc.record({
    type: sources.type,
    filename: sources.filename,
    size: sources.size,
    expandedSize: fc.option(sources.size),
    reservedBits: sources.reserved.map((bits) => bits << 2),
  }, { noNullPrototype: true });
}

/** Every code point that UTF-8 carries, half of them ASCII; the library's own takes a second to set up. */
function characters(): fc.Arbitrary<string> {
  const beyond = fc.integer({ min: 0x80, max: 0x10ffff - 0x800 });
  return fc.oneof(fc.nat({ max: 0x7f }), beyond.map((n) => n < 0xd800 ? n : n + 0x800))
    .map((codePoint) => String.fromCodePoint(codePoint));
}

/** Small sizes mostly, and the ends of the range. */
function sizes(): fc.Arbitrary<number> {
  return fc.oneof(
    fc.nat({ max: 100_000 }),
    fc.integer({ min: 0, max: 0xffff_ffff }),
    fc.constantFrom(0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff),
  );
}

/** Words of letters and numbers with single separators between them: at most 130 bytes. */
function names(separator: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const word = fc.string({ unit: letters(), minLength: 1, maxLength: 8 });
  return fc.tuple(word, fc.array(fc.tuple(separator, word), { maxLength: 3 }))
    .map(([first, others]) => first + others.flat().join(""));
}

function letters(): fc.Arbitrary<string> {
  const range = (first: number, last: number) =>
    fc.integer({ min: first, max: last }).map((codePoint) => String.fromCodePoint(codePoint));
  return fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(..."abcdefghijklmnopqrstuvwxyzABCXYZ0189") },
    { weight: 1, arbitrary: fc.constantFrom(..."ßẞςΣσİıǅéñøŁжЖשعनข한あア") },
    { weight: 1, arbitrary: fc.constantFrom(..."²½Ⅷⅷ٣५๙〇①") },
    { weight: 1, arbitrary: range(0x4e00, 0x9fff) }, // Han
    { weight: 1, arbitrary: range(0xac00, 0xd7a3) }, // Hangul
    { weight: 1, arbitrary: range(0x10400, 0x1044f) }, // Deseret, which folds beyond 16 bits
    { weight: 1, arbitrary: range(0x20000, 0x2a6df) }, // Han beyond 16 bits
  );
}

/** Domain names of at most 60 bytes, with A-labels and labels of digits, in both cases. */
function domains(): fc.Arbitrary<string> {
  const label = fc.oneof(
    fc.constantFrom("example", "EXAMPLE", "com", "Org", "xn--mnchen-3ya", "3com", "0", "a--b"),
    fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,12}[a-z0-9])?$/),
  );
  return fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
}

function ascii(): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 10, arbitrary: fc.string({ unit: "binary-ascii", maxLength: 40 }) },
    { weight: 1, arbitrary: fc.constant("~".repeat(255)) },
  );
}

function byte(value: number): fc.Arbitrary<Uint8Array> {
  return fc.constant(Uint8Array.of(value));
}

function raw(length: number): fc.Arbitrary<Uint8Array<ArrayBuffer>> {
  return fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => bytes.slice());
}

function joined(...pieces: fc.Arbitrary<Uint8Array>[]): fc.Arbitrary<Uint8Array> {
  return fc.tuple(...pieces).map(concat);
}

function prefixed(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  return fc.constant(concat([Uint8Array.of(bytes.length), bytes]));
}

function counted(item: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc.array(item, { maxLength: 255 })
    .map((items) => concat([Uint8Array.of(items.length), ...items]));
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function byteLength(text: string): number {
  return utf8(text).length;
}
