// Bounds on the shape of JSON, checked before it is parsed: a few megabytes of "[[[[" would take gigabytes as values.

import { ApiError } from "../error.ts";

/** Bytes outside of strings, their opening quotes included. A request's fields and 1,000 addresses need a few thousand. */
const MAX_STRUCTURE = 64 * 1024;

const MAX_DEPTH = 16;

/** Throws an ApiError for JSON whose values would take much more memory than its text. What is no JSON may pass. */
export function checkShape(json: Uint8Array): void {
  let structure = 0;
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    if (++structure > MAX_STRUCTURE) {
      throw new ApiError(400, "The JSON has too many values: only text may be long");
    }
    switch (json[at]) {
      case QUOTE:
        at = endOfString(json, at);
        break;
      case BRACKET:
      case BRACE:
        if (++depth > MAX_DEPTH) throw new ApiError(400, "The JSON is nested too deeply");
        break;
      case BRACKET_END:
      case BRACE_END:
        depth--;
        break;
    }
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACKET = 0x5b;
const BRACKET_END = 0x5d;
const BRACE = 0x7b;
const BRACE_END = 0x7d;

/** Where the string that begins at `start` ends; long ones are skipped at the speed of memory. */
function endOfString(json: Uint8Array, start: number): number {
  for (let at = start + 1;;) {
    const quote = json.indexOf(QUOTE, at);
    if (quote < 0) return json.length;
    let backslashes = 0;
    while (json[quote - 1 - backslashes] === BACKSLASH && quote - 1 - backslashes > start) {
      backslashes++;
    }
    if (backslashes % 2 === 0) return quote;
    at = quote + 1;
  }
}
