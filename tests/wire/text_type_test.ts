// Which media types are text, and in which character set.

import { equal } from "node:assert/strict";
import { charsetOf, decoderFor, isText } from "../../src/wire/mod.ts";

const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

Deno.test("texts and JSON are text, and nothing else is", () => {
  for (const type of ["text/plain", "TEXT/html; charset=x", "application/json;charset=utf-8"]) {
    equal(isText(type), true, type);
  }
  for (const type of ["application/json-seq", "image/png", "application/pdf", "x/text"]) {
    equal(isText(type), false, type);
  }
});

Deno.test("text is read in the character set that its type names, and as UTF-8 where nobody knows that", () => {
  const read = (type: string, bytes: Uint8Array): string => decoderFor(type, bytes).decode(bytes);
  equal(read("text/plain; charset=ISO-8859-1", Uint8Array.of(0xf6)), "ö");
  equal(read('text/plain;charset="iso-8859-1"', Uint8Array.of(0xf6)), "ö");
  equal(read("text/plain; charset=unheard-of", utf8("ö")), "ö");
  equal(read("application/json", utf8("ö")), "ö");
  equal(charsetOf("text/plain;charset=UTF-16"), "utf-16");
  equal(charsetOf("text/plain"), null);
});

Deno.test("UTF-16 is big-endian unless its first bytes say otherwise (RFC 2781 4.3)", () => {
  for (
    const bytes of [[0, 0x68, 0, 0xf6], [0xfe, 0xff, 0, 0x68, 0, 0xf6], [
      0xff,
      0xfe,
      0x68,
      0,
      0xf6,
      0,
    ]]
  ) {
    const text = Uint8Array.from(bytes);
    equal(decoderFor("text/plain;charset=UTF-16", text).decode(text), "hö", bytes.join());
  }
});
