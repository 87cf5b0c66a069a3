import assert from "node:assert/strict";
import {
  asMessageHash,
  type AttachmentHeader,
  decodeHeader,
  encodeHeader,
  expandedSize,
  type Header,
  HeaderDecoder,
  isParticipant,
  participants,
  parts,
  recipients,
  sender,
  wireSize,
} from "../../src/wire/mod.ts";
import { addressOf, largestHeader } from "../support/arbitraries.ts";

const PID = asMessageHash(Uint8Array.from({ length: 32 }, (_, i) => i));
const PLAIN = {
  important: false,
  noReply: false,
  reservedBits: 0,
  addTo: null,
  expandedSize: null,
  attachments: [],
} as const;

// The bytes below are written by hand from the tables "Message", "Flags" and "Attachment".

const FIRST: Header = {
  ...PLAIN,
  pid: null,
  from: addressOf("@user@example.com"),
  to: [addressOf("@世界@example.com"), addressOf("@chris@example.edu")],
  time: 1654503265.679954,
  topic: "Hello fmsg!",
  type: { kind: "common", number: 56 },
  size: 45,
  attachments: [attachment({ kind: "common", number: 6 }, "doc.pdf", 1024, null)],
};
const FIRST_BYTES = bytes(`
  01                                                           | version 1
  04                                                           | flags: common type
  11 40 75 73 65 72 40 65 78 61 6d 70 6c 65 2e 63 6f 6d        | from: @user@example.com
  02                                                           | to: two addresses
  13 40 e4 b8 96 e7 95 8c 40 65 78 61 6d 70 6c 65 2e 63 6f 6d  |   @世界@example.com
  12 40 63 68 72 69 73 40 65 78 61 6d 70 6c 65 2e 65 64 75     |   @chris@example.edu
  5e 84 6b d8 6d a7 d8 41                                      | time: 1654503265.679954
  0b 48 65 6c 6c 6f 20 66 6d 73 67 21                          | topic: Hello fmsg!
  38                                                           | type: 56, text/plain;charset=UTF-8
  2d 00 00 00                                                  | size: 45
  01                                                           | one attachment
  01                                                           |   flags: common type
  06                                                           |   type: 6, application/pdf
  07 64 6f 63 2e 70 64 66                                      |   filename: doc.pdf
  00 04 00 00                                                  |   size: 1024
`);

const REPLY: Header = {
  ...PLAIN,
  important: true,
  pid: PID,
  topic: null,
  from: addressOf("@Straße@example.com"),
  to: [addressOf("@bob@example.org")],
  time: 1785686400.25,
  type: { kind: "text", text: "text/x-diff" },
  size: 0x01020304,
};
const REPLY_BYTES = bytes(`
  01                                                           | version 1
  09                                                           | flags: pid 1, important 8
  00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f              | pid
  10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f              |
  14 40 53 74 72 61 c3 9f 65 40 65 78 61 6d 70 6c 65 2e 63 6f 6d | from: @Straße@example.com
  01                                                           | to: one address
  10 40 62 6f 62 40 65 78 61 6d 70 6c 65 2e 6f 72 67           |   @bob@example.org
  00 00 10 60 da 9b da 41                                      | time: 1785686400.25
  0b 74 65 78 74 2f 78 2d 64 69 66 66                          | type: text/x-diff
  04 03 02 01                                                  | size: 16909060
  00                                                           | no attachments
`);

const ADD_TO: Header = {
  ...PLAIN,
  pid: PID,
  topic: null,
  from: addressOf("@user@example.com"),
  to: [addressOf("@bob@example.org")],
  addTo: {
    from: addressOf("@bob@example.org"),
    to: [addressOf("@carol@xn--mnchen-3ya.de"), addressOf("@user@example.com")],
  },
  time: 1785686400.25,
  type: { kind: "common", number: 33 },
  size: 0xffffffff,
};
const ADD_TO_BYTES = bytes(`
  01                                                           | version 1
  07                                                           | flags: pid 1, add to 2, common type 4
  00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f              | pid
  10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f              |
  11 40 75 73 65 72 40 65 78 61 6d 70 6c 65 2e 63 6f 6d        | from: @user@example.com
  01                                                           | to: one address
  10 40 62 6f 62 40 65 78 61 6d 70 6c 65 2e 6f 72 67           |   @bob@example.org
  10 40 62 6f 62 40 65 78 61 6d 70 6c 65 2e 6f 72 67           | add to from: @bob@example.org
  02                                                           | add to: two addresses
  18 40 63 61 72 6f 6c 40 78 6e 2d 2d 6d 6e 63 68 65 6e 2d 33 79 61 2e 64 65 | @carol@xn--mnchen-3ya.de
  11 40 75 73 65 72 40 65 78 61 6d 70 6c 65 2e 63 6f 6d        |   @user@example.com
  00 00 10 60 da 9b da 41                                      | time: 1785686400.25
  21                                                           | type: 33, image/avif
  ff ff ff ff                                                  | size: 4294967295
  00                                                           | no attachments
`);

const COMPRESSED: Header = {
  ...PLAIN,
  pid: null,
  topic: "",
  noReply: true,
  from: addressOf("@user@example.com"),
  to: [addressOf("@bob@example.org")],
  time: 1785686400.25,
  type: { kind: "common", number: 3 },
  size: 19,
  expandedSize: 65536,
  attachments: [
    attachment({ kind: "text", text: "text/x-log" }, "log", 256, 0x12345678),
    attachment({ kind: "common", number: 50 }, "plan 2.txt", 0, 0),
    attachment({ kind: "text", text: "text/x-log" }, "写真.png", 1, null),
    attachment({ kind: "common", number: 38 }, "a.bin", 2, null),
  ],
};
const COMPRESSED_BYTES = bytes(`
  01                                                           | version 1
  34                                                           | flags: type 4, no reply 16, zlib-deflate 32
  11 40 75 73 65 72 40 65 78 61 6d 70 6c 65 2e 63 6f 6d        | from: @user@example.com
  01                                                           | to: one address
  10 40 62 6f 62 40 65 78 61 6d 70 6c 65 2e 6f 72 67           |   @bob@example.org
  00 00 10 60 da 9b da 41                                      | time: 1785686400.25
  00                                                           | topic: empty
  03                                                           | type: 3, application/json
  13 00 00 00                                                  | size: 19
  00 00 01 00                                                  | expanded size: 65536
  04                                                           | four attachments
  02                                                           |   flags: zlib-deflate
  0a 74 65 78 74 2f 78 2d 6c 6f 67                             |   type: text/x-log
  03 6c 6f 67                                                  |   filename: log
  00 01 00 00                                                  |   size: 256
  78 56 34 12                                                  |   expanded size: 305419896
  03                                                           |   flags: common type 1, zlib-deflate 2
  32                                                           |   type: 50, text/csv
  0a 70 6c 61 6e 20 32 2e 74 78 74                             |   filename: plan 2.txt
  00 00 00 00                                                  |   size: 0
  00 00 00 00                                                  |   expanded size: 0
  00                                                           |   flags: none
  0a 74 65 78 74 2f 78 2d 6c 6f 67                             |   type: text/x-log
  0a e5 86 99 e7 9c 9f 2e 70 6e 67                             |   filename: 写真.png
  01 00 00 00                                                  |   size: 1
  01                                                           |   flags: common type
  26                                                           |   type: 38, image/png
  05 61 2e 62 69 6e                                            |   filename: a.bin
  02 00 00 00                                                  |   size: 2
`);

Deno.test("W2 a first message: the example of the specification", () => {
  assertSame(FIRST, FIRST_BYTES);
});

Deno.test("W2 a reply: pid and no topic, and here important", () => {
  assertSame(REPLY, REPLY_BYTES);
});

Deno.test("W2 an add-to: add to from and add to stand between to and time", () => {
  assertSame(ADD_TO, ADD_TO_BYTES);
});

Deno.test("W5 attachments have flags and sizes of their own", () => {
  assertSame(COMPRESSED, COMPRESSED_BYTES);
});

Deno.test("W1 time keeps its bits: signed zeros, subnormals, the largest, a usual one", () => {
  const TIMES: [number, string][] = [
    [1654503265.679954, "5e846bd86da7d841"],
    [0, "0000000000000000"],
    [-0, "0000000000000080"],
    [Number.MIN_VALUE, "0100000000000000"],
    [2.225073858507201e-308, "ffffffffffff0f00"], // the largest subnormal
    [Number.MAX_VALUE, "ffffffffffffef7f"],
    [-Infinity, "000000000000f0ff"],
  ];
  for (const [time, bits] of TIMES) {
    const bytes = assembled({ time: bits });
    const header = decodeHeader(bytes);
    assert.ok(Object.is(header.time, time), `${bits} is ${header.time}, not ${time}`);
    assertSame(header, bytes);
  }
});

Deno.test("W1 a NaN decodes as NaN, and the bytes of the header keep its bits for the hashes", () => {
  for (const bits of ["010000000000f07f", "efcdab896745f8ff"]) {
    const bytes = assembled({ time: bits });
    const result = new HeaderDecoder().push(bytes);
    if (result.kind !== "header") assert.fail(`It is ${result.kind}`);
    assert.ok(Number.isNaN(result.decoded.header.time));
    assert.equal(result.decoded.bytes.toHex(), bytes.toHex());
  }
});

Deno.test("W3 pid, topic, add to and expanded size are there exactly as flags 0, 1 and 5 say", () => {
  for (const flags of ["00", "01", "02", "03", "20", "21", "22", "23"]) {
    const [pid, addTo, deflate] = [1, 2, 32].map((flag) => (parseInt(flags, 16) & flag) !== 0);
    const bytes = assembled({ flags });
    const header = decodeHeader(bytes);
    assert.deepEqual(
      [header.pid, header.topic, header.addTo?.to[0]?.text ?? null, header.expandedSize],
      [pid ? PID : null, pid ? null : "hi", addTo ? "@e@f" : null, deflate ? 9 : null],
    );
    assertSame(header, bytes);
  }
});

Deno.test("W4 a type of the table that came spelled out stays so, and one byte stays one byte", () => {
  const spelled = assembled({ type: "09 746578742f68746d6c" });
  const oneByte = assembled({ flags: "04", type: "33" });
  assert.deepEqual(decodeHeader(spelled).type, { kind: "text", text: "text/html" });
  assert.deepEqual(decodeHeader(oneByte).type, { kind: "common", number: 51 });
  for (const bytes of [spelled, oneByte]) assertSame(decodeHeader(bytes), bytes);
});

Deno.test("W6 reserved bits of a message and an attachment decode, are kept and encode back", () => {
  const two = "02 54 00 0161 01000000 ff 06 0162 01000000 02000000";
  const bytes = assembled({ flags: "c0", attachments: two });
  const header = decodeHeader(bytes);
  const [first, second] = header.attachments;
  assert.deepEqual([first?.type.kind, second?.type.kind], ["text", "common"]);
  const reserved = [header, first, second].map((flagged) => flagged?.reservedBits);
  assert.deepEqual(reserved, [0xc0, 0x54, 0xfc]);
  assertSame(header, bytes);
});

Deno.test("W2 malformed: a version other than 1", () => {
  for (const version of ["00", "02", "7f", "80", "ff"]) {
    assertMalformed({ version }, /^version \d+ is not supported$/);
  }
});

Deno.test("W2 malformed: text that is no address, in each field with addresses", () => {
  const empty = "00";
  const noAt = "03 612e62";
  const nul = "06 40 61 00 40 62 63";
  for (const address of [empty, noAt, nul]) {
    assertMalformed({ from: address }, /^from holds no address$/);
    assertMalformed({ to: `02 04 40634064 ${address}` }, /^to holds no address$/);
    assertMalformed({ flags: "02", adder: address }, /^add to from holds no address$/);
    assertMalformed({ flags: "02", added: `01 ${address}` }, /^add to holds no address$/);
  }
});

Deno.test("W2 malformed: text that is not UTF-8, in each field with text", () => {
  const cut = "e4 b8"; // the first two bytes of 世
  const overlong = "c0 80";
  const surrogate = "ed a0 80";
  const tooLarge = "f4 90 80 80"; // U+110000
  const latin1 = "e9";
  const continuation = "80";
  for (const wrong of [cut, overlong, surrogate, tooLarge, latin1, continuation]) {
    const text = lengthPrefixed(wrong);
    const address = lengthPrefixed(`40 ${wrong} 40 62`);
    assertMalformed({ from: address }, /^from is not UTF-8$/);
    assertMalformed({ to: `01 ${address}` }, /^to is not UTF-8$/);
    assertMalformed({ flags: "02", adder: address }, /^add to from is not UTF-8$/);
    assertMalformed({ flags: "02", added: `01 ${address}` }, /^add to is not UTF-8$/);
    assertMalformed({ topic: text }, /^topic is not UTF-8$/);
    assertMalformed({ attachments: `01 01 01 ${text} 01000000` }, /^filename is not UTF-8$/);
  }
});

Deno.test("W2 malformed: a media type that is not US-ASCII, of the message or an attachment", () => {
  for (const type of ["03 61 2f 80", "04 61 2f c3 a9"]) {
    assertMalformed({ type }, /^type is not US-ASCII$/);
    assertMalformed({ attachments: `01 00 ${type} 0161 01000000` }, /^type is not US-ASCII$/);
  }
});

Deno.test("W2 what decodes although a receiver must reject it: that is for the judge, with a code", () => {
  const header = decodeHeader(assembled({
    flags: "06", // add to without pid, common type
    to: "00",
    added: "02 04 40634064 04 40434044", // @c@d and @C@D
    topic: "05 efbbbf 61 00", // a byte order mark, a, NUL
    type: "41", // 65
    attachments: "02 01 00 00 01000000 00 00 03 2e2f2e 01000000", // filenames "" and "./."
  }));
  assert.deepEqual([header.pid, header.to, header.topic], [null, [], "\u{FEFF}a\u{0}"]);
  assert.deepEqual(header.addTo?.to, [addressOf("@c@d"), addressOf("@C@D")]);
  assert.deepEqual(header.type, { kind: "common", number: 65 });
  assert.deepEqual(header.attachments, [
    attachment({ kind: "common", number: 0 }, "", 1, null),
    attachment({ kind: "text", text: "" }, "./.", 1, null),
  ]);
});

Deno.test("the sender of an add-to is who adds; its recipients are to, then add to", () => {
  assert.equal(sender(FIRST).text, "@user@example.com");
  assert.equal(sender(ADD_TO).text, "@bob@example.org");
  const texts = (list: readonly unknown[]) => list.map(String);
  assert.deepEqual(texts(recipients(FIRST)), ["@世界@example.com", "@chris@example.edu"]);
  assert.deepEqual(texts(recipients(ADD_TO)), [
    "@bob@example.org",
    "@carol@xn--mnchen-3ya.de",
    "@user@example.com",
  ]);
  assert.deepEqual(participants(REPLY), [REPLY.from, ...REPLY.to]);
  const forged = decodeHeader(assembled({ flags: "02", adder: "04 40784079" }));
  assert.deepEqual(new Set(texts(participants(forged))), new Set(["@a@b", "@c@d", "@x@y", "@e@f"]));
});

Deno.test("A4 someone is a participant however the address is spelled", () => {
  assert.ok(isParticipant(REPLY, addressOf("@STRASSE@EXAMPLE.COM")));
  assert.ok(isParticipant(ADD_TO, addressOf("@Carol@XN--MNCHEN-3YA.de")));
  assert.ok(!isParticipant(FIRST, addressOf("@carol@xn--mnchen-3ya.de")));
});

Deno.test("sizes count every part: as transmitted, and expanded where compressed, beyond 32 bits", () => {
  assert.deepEqual(parts(COMPRESSED).map((part) => part.size), [19, 256, 0, 1, 2]);
  assert.equal(wireSize(COMPRESSED), 19 + 256 + 0 + 1 + 2);
  assert.equal(expandedSize(COMPRESSED), 65536 + 0x12345678 + 0 + 1 + 2);
  assert.equal(wireSize(largestHeader()), 256 * 0xffff_ffff);
  assert.equal(expandedSize(largestHeader()), 256 * 0xffff_ffff);
});

/** Hexadecimal with a comment after "|" on each line. */
function bytes(lines: string): Uint8Array {
  return Uint8Array.fromHex(lines.replace(/\|.*$/gm, "").replace(/\s+/g, ""));
}

function lengthPrefixed(hex: string): string {
  return `${bytes(hex).length.toString(16).padStart(2, "0")} ${hex}`;
}

/** The fields of a small header as hexadecimal. */
const FIELDS = {
  version: "01",
  flags: "00",
  from: "04 40614062", // @a@b
  to: "01 04 40634064", // @c@d
  adder: "04 40634064", // @c@d
  added: "01 04 40654066", // @e@f
  time: "000000000000f03f",
  topic: "02 6869", // hi
  type: "03 612f62", // a/b
  sizes: "07000000",
  expanded: "09000000",
  attachments: "00",
};

/** A small header with other `fields`, in the order of "Message", with what its flags say. */
function assembled(fields: Partial<typeof FIELDS>): Uint8Array {
  const all = { ...FIELDS, ...fields };
  const flags = parseInt(all.flags, 16);
  return bytes([
    all.version,
    all.flags,
    flags & 1 ? PID.toHex() : "",
    all.from,
    all.to,
    flags & 2 ? all.adder + all.added : "",
    all.time,
    flags & 1 ? "" : all.topic,
    all.type,
    all.sizes,
    flags & 32 ? all.expanded : "",
    all.attachments,
  ].join(" "));
}

/** Do `header` and `bytes` become each other? */
function assertSame(header: Header, bytes: Uint8Array): void {
  assert.deepEqual(decodeHeader(bytes), header);
  assert.equal(encodeHeader(header).toHex(), bytes.toHex());
}

function assertMalformed(fields: Partial<typeof FIELDS>, reason: RegExp): void {
  const bytes = assembled(fields);
  const result = new HeaderDecoder().push(bytes);
  if (result.kind !== "malformed") assert.fail(`${bytes.toHex()} is ${result.kind}`);
  assert.match(result.reason, reason);
  assert.throws(() => decodeHeader(bytes), /are no message header/);
}

function attachment(
  type: AttachmentHeader["type"],
  filename: string,
  size: number,
  expandedSize: number | null,
): AttachmentHeader {
  return { type, filename, size, expandedSize, reservedBits: 0 };
}
