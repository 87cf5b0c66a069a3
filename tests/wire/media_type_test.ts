import assert from "node:assert/strict";
import fc from "fast-check";
import { isMediaType, mediaType, mediaTypeSpelling, mediaTypeText } from "../../src/wire/mod.ts";
import { mediaTypes } from "../support/arbitraries.ts";

/** "Common Media Types", copied from the specification. */
const TABLE: Readonly<Record<number, string>> = {
  1: "application/epub+zip",
  2: "application/gzip",
  3: "application/json",
  4: "application/msword",
  5: "application/octet-stream",
  6: "application/pdf",
  7: "application/rtf",
  8: "application/vnd.amazon.ebook",
  9: "application/vnd.ms-excel",
  10: "application/vnd.ms-powerpoint",
  11: "application/vnd.oasis.opendocument.presentation",
  12: "application/vnd.oasis.opendocument.spreadsheet",
  13: "application/vnd.oasis.opendocument.text",
  14: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
  15: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  16: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  17: "application/x-tar",
  18: "application/xhtml+xml",
  19: "application/xml",
  20: "application/zip",
  21: "audio/aac",
  22: "audio/midi",
  23: "audio/mpeg",
  24: "audio/ogg",
  25: "audio/opus",
  26: "audio/vnd.wave",
  27: "audio/webm",
  28: "font/otf",
  29: "font/ttf",
  30: "font/woff",
  31: "font/woff2",
  32: "image/apng",
  33: "image/avif",
  34: "image/bmp",
  35: "image/gif",
  36: "image/heic",
  37: "image/jpeg",
  38: "image/png",
  39: "image/svg+xml",
  40: "image/tiff",
  41: "image/webp",
  42: "model/3mf",
  43: "model/gltf-binary",
  44: "model/obj",
  45: "model/step",
  46: "model/stl",
  47: "model/vnd.usdz+zip",
  48: "text/calendar",
  49: "text/css",
  50: "text/csv",
  51: "text/html",
  52: "text/javascript",
  53: "text/markdown",
  54: "text/plain;charset=US-ASCII",
  55: "text/plain;charset=UTF-16",
  56: "text/plain;charset=UTF-8",
  57: "text/vcard",
  58: "video/H264",
  59: "video/H265",
  60: "video/H266",
  61: "video/ogg",
  62: "video/VP8",
  63: "video/VP9",
  64: "video/webm",
};

Deno.test("W4 each of the 64 numbers stands for its type, and its type is sent as the number", () => {
  assert.equal(Object.keys(TABLE).length, 64);
  for (const [key, text] of Object.entries(TABLE)) {
    const common = { kind: "common", number: Number(key) } as const;
    assert.equal(mediaTypeText(common), text);
    assert.deepEqual(mediaType(text), common);
  }
});

Deno.test("W4 the other 192 numbers stand for nothing", () => {
  for (let number = 0; number < 256; number++) {
    if (number in TABLE) continue;
    assert.equal(mediaTypeText({ kind: "common", number }), null, `${number}`);
  }
});

Deno.test("W4 a type that is not letter for letter in the table is sent as text", () => {
  const texts = [
    "text/HTML",
    "text/plain",
    "text/plain; charset=UTF-8",
    "video/h264",
    "image/x-icon",
  ];
  for (const text of ["", ...texts]) {
    assert.deepEqual(mediaType(text), { kind: "text", text });
    assert.equal(mediaTypeText({ kind: "text", text }), text);
  }
});

Deno.test("W4 whatever form a type came in, its text is sent in the shortest form and is the same type", () => {
  fc.assert(fc.property(mediaTypes(), (type) => {
    const text = mediaTypeText(type);
    assert.ok(text !== null && isMediaType(text));
    assert.equal(mediaTypeText(mediaType(text)), text);
    assert.equal(mediaType(text).kind === "common", Object.values(TABLE).includes(text));
  }));
});

Deno.test("W4 a media type is type/subtype and parameters in printable US-ASCII, below 256 bytes", () => {
  const types = [
    "a/b",
    "A/B",
    "3/3",
    "application/vnd.oai.openapi+json;version=3.1",
    "x-a/b!#$&^_.+-",
  ];
  for (
    const text of [...types, 'text/plain; charset="utf-8"', "text/plain ;a=b;c=d", padded(255)]
  ) {
    assert.ok(isMediaType(text), text);
  }
  const others = [
    "",
    "text",
    "text/",
    "/plain",
    "text/plain/x",
    "a b/c",
    "a/b c",
    "text plain",
    "*/*",
  ];
  const signs = [
    "a/b\n",
    "a/b;c=\n",
    "a/b;c=\u{0}",
    "a/b;c=é",
    "é/b",
    "a/\u{212A}",
    "-a/b",
    "a/.b",
  ];
  for (const text of [...others, ...signs, " a/b", "a/b ", padded(256)]) {
    assert.ok(!isMediaType(text), text);
  }
});

Deno.test("another spelling of a common type is that type; every other type stays", () => {
  for (const text of Object.values(TABLE)) {
    assert.equal(mediaTypeSpelling(text), text);
    assert.equal(mediaTypeSpelling(text.toUpperCase()), text);
    assert.equal(mediaTypeSpelling(` ${text.replace(/;(.*)=(.*)/, ' ; $1 = "$2"')} `), text);
  }
  for (const text of ["text/plain", "text/markdown; charset=utf-8", "a/b;c=d", "", padded(300)]) {
    assert.equal(mediaTypeSpelling(text), text);
  }
  fc.assert(fc.property(mediaTypes(), (type) => {
    const text = mediaTypeText(type) ?? "";
    assert.equal(mediaTypeSpelling(mediaTypeSpelling(text)), mediaTypeSpelling(text));
    assert.equal(isMediaType(mediaTypeSpelling(text)), true);
  }));
});

function padded(length: number): string {
  return "text/plain;name=".padEnd(length, "n");
}
