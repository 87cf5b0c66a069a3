// Media types: the 64 common ones that travel as one byte, and the grammar of all others.

/** "Common Media Types": the number is the position, beginning with 1. */
const COMMON = [
  "application/epub+zip",
  "application/gzip",
  "application/json",
  "application/msword",
  "application/octet-stream",
  "application/pdf",
  "application/rtf",
  "application/vnd.amazon.ebook",
  "application/vnd.ms-excel",
  "application/vnd.ms-powerpoint",
  "application/vnd.oasis.opendocument.presentation",
  "application/vnd.oasis.opendocument.spreadsheet",
  "application/vnd.oasis.opendocument.text",
  "application/vnd.openxmlformats-officedocument.presentationml.presentation",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  "application/x-tar",
  "application/xhtml+xml",
  "application/xml",
  "application/zip",
  "audio/aac",
  "audio/midi",
  "audio/mpeg",
  "audio/ogg",
  "audio/opus",
  "audio/vnd.wave",
  "audio/webm",
  "font/otf",
  "font/ttf",
  "font/woff",
  "font/woff2",
  "image/apng",
  "image/avif",
  "image/bmp",
  "image/gif",
  "image/heic",
  "image/jpeg",
  "image/png",
  "image/svg+xml",
  "image/tiff",
  "image/webp",
  "model/3mf",
  "model/gltf-binary",
  "model/obj",
  "model/step",
  "model/stl",
  "model/vnd.usdz+zip",
  "text/calendar",
  "text/css",
  "text/csv",
  "text/html",
  "text/javascript",
  "text/markdown",
  "text/plain;charset=US-ASCII",
  "text/plain;charset=UTF-16",
  "text/plain;charset=UTF-8",
  "text/vcard",
  "video/H264",
  "video/H265",
  "video/H266",
  "video/ogg",
  "video/VP8",
  "video/VP9",
  "video/webm",
] as const;

/**
 * A media type as it stands in a header: a common type's number, or the type spelled out. The two forms give other
 * bytes and so other hashes, which is why a header keeps the one it came with. A number may have no mapping; then the
 * message is invalid (code 1), not undecodable.
 */
export type MediaType =
  | { readonly kind: "common"; readonly number: number }
  | { readonly kind: "text"; readonly text: string };

const NUMBERS: ReadonlyMap<string, number> = new Map(COMMON.map((text, i) => [text, i + 1]));

/** `type/subtype` and parameters of RFC 6838 and RFC 2045, in printable US-ASCII. */
const GRAMMAR = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*(?: *;[ -~]*)?$/i;

/** The whole media type in words, or null for a number without mapping. */
export function mediaTypeText(type: MediaType): string | null {
  return type.kind === "text" ? type.text : COMMON[type.number - 1] ?? null;
}

/** The shortest form of a type: one byte where the table has it, letter for letter. */
export function mediaType(text: string): MediaType {
  const number = NUMBERS.get(text);
  return number === undefined ? { kind: "text", text } : { kind: "common", number };
}

/**
 * A type as it is best sent: the common type that it is another spelling of (case, blanks, quotes), so that it takes one
 * byte and is known by its letters; else as it stands, without blanks around it.
 */
export function mediaTypeSpelling(text: string): string {
  const trimmed = text.trim();
  if (trimmed.length >= 256) return trimmed;
  return COMMON_SPELLINGS.get(plainSpelling(trimmed)) ?? trimmed;
}

const COMMON_SPELLINGS: ReadonlyMap<string, string> = new Map(
  COMMON.map((text) => [plainSpelling(text), text]),
);

function plainSpelling(text: string): string {
  return text.toLowerCase().replace(/ *([;=]) */g, "$1").replace(/="([^"\\]*)"/g, "=$1");
}

/** Is `text` a media type that fits a header? */
export function isMediaType(text: string): boolean {
  return text.length < 256 && GRAMMAR.test(text);
}
