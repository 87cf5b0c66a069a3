// A part of a message as an answer: streamed, with ranges (RFC 9110 "Range Requests") and never to be shown in place.

import { type ClientPart, PartGone } from "../store/mod.ts";
import type { Bytes } from "../wire/mod.ts";
import { ApiError } from "./error.ts";
import { Gone } from "./server/web_request.ts";

export interface Download {
  readonly part: ClientPart;
  /** As which it is saved. */
  readonly filename: string;
  /** Of the message in hexadecimal: what has it never changes. null for a draft. */
  readonly hash: string | null;
}

/** Answers with the part, or the range of it that is asked for, reading it as fast as the client takes it. */
export function download({ part, filename, hash }: Download, { headers }: Request): Response {
  const etag = hash === null ? null : `"${hash}"`;
  const common = {
    "accept-ranges": "bytes",
    ...etag === null ? {} : { etag, "cache-control": "private, no-cache" },
  };
  if (etag !== null && namesTag(headers.get("if-none-match"), etag)) {
    return new Response(null, { status: 304, headers: common });
  }
  const range = rangeOf(headers, etag, part.size);
  if (range === "unsatisfiable") {
    throw new ApiError(416, `There are ${part.size} bytes: ask for a range within`, {
      "accept-ranges": "bytes",
      "content-range": `bytes */${part.size}`,
    });
  }
  const { start, end } = range ?? { start: 0, end: part.size };
  return new Response(ReadableStream.from(unlessGone(part.read(start, end))), {
    status: range === null ? 200 : 206,
    headers: {
      ...common,
      "content-type": part.type,
      "content-length": String(end - start),
      "content-disposition": attachmentDisposition(filename),
      ...range === null ? {} : { "content-range": `bytes ${start}-${end - 1}/${part.size}` },
    },
  });
}

/** Nobody is to be told of a part that was deleted meanwhile but the client, who is cut. */
async function* unlessGone(bytes: AsyncIterable<Bytes>): AsyncGenerator<Bytes, void> {
  try {
    yield* bytes;
  } catch (error) {
    throw error instanceof PartGone ? new Gone(error.message, { cause: error }) : error;
  }
}

/** RFC 6266: the name in ASCII, and as it is (RFC 8187) where that differs. */
export function attachmentDisposition(filename: string): string {
  const safe = filename.toWellFormed().replace(UNSAFE, "_").replace(/^\.+/, "_");
  const ascii = safe.replace(/[^ -~]/gu, "_").replace(/%/g, "_");
  const plain = `attachment; filename="${ascii}"`;
  return ascii === safe ? plain : `${plain}; filename*=UTF-8''${extendedValue(safe)}`;
}

/** Control characters, those that turn the direction of writing or break lines, and what has a meaning in paths or quotes. */
const UNSAFE = /[\p{Cc}\p{Bidi_C}\u2028\u2029/\\"]/gu;

/** `attr-char` of RFC 8187 is narrower than what encodeURIComponent leaves. */
function extendedValue(text: string): string {
  return encodeURIComponent(text).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

interface Range {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/** The one range that is asked for. null: all of it, also for several ranges, or units or a syntax that nobody knows. */
function rangeOf(
  headers: Headers,
  etag: string | null,
  size: number,
): Range | "unsatisfiable" | null {
  const asked = /^bytes=(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))$/i.exec(headers.get("range") ?? "");
  if (asked === null) return null;
  const condition = headers.get("if-range");
  if (condition !== null && condition !== etag) return null;
  const [, first, last, suffix] = asked;
  if (first === undefined) {
    const length = Math.min(Number(suffix), size);
    return length === 0 ? "unsatisfiable" : { start: size - length, end: size };
  }
  const start = Number(first);
  const end = last === undefined || last === "" ? size : Math.min(Number(last) + 1, size);
  if (last !== undefined && last !== "" && Number(last) < start) return null;
  return start < size ? { start, end } : "unsatisfiable";
}

/** `If-None-Match` compares weakly. */
function namesTag(header: string | null, etag: string): boolean {
  if (header === null) return false;
  return header.split(",").map((tag) => tag.trim().replace(/^W\//, ""))
    .some((tag) => tag === "*" || tag === etag);
}
