// Bounds on the shape of JSON, checked before it is parsed: a few megabytes of "[[[[" would take gigabytes as values.

import { ApiError } from "../error.ts";

/** Bytes outside of strings, their opening quotes included. A request's fields and 1,000 addresses need a few thousand. */
const MAX_STRUCTURE = 64 * 1024;

const MAX_DEPTH = 16;

/** Follows JSON as it comes in, in pieces that may be cut anywhere. What is no JSON may pass. */
export class JsonShape {
  #structure = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;

  /** Throws an ApiError when the values would take much more memory than their text. */
  add(piece: Uint8Array): void {
    let at = this.#inString && piece.length > 0 ? this.#endOfString(piece, 0) + 1 : 0;
    for (; at < piece.length; at++) {
      this.#outside(piece[at] ?? 0);
      if (this.#inString) at = this.#endOfString(piece, at + 1);
    }
  }

  /** Where the string ends that goes on at `start`, or the piece does; long ones are skipped at the speed of memory. */
  #endOfString(piece: Uint8Array, start: number): number {
    let at = start;
    if (this.#escaped && at < piece.length) {
      this.#escaped = false;
      at++;
    }
    for (;;) {
      const quote = piece.indexOf(QUOTE, at);
      const end = quote < 0 ? piece.length : quote;
      let backslashes = 0;
      while (end - 1 - backslashes >= at && piece[end - 1 - backslashes] === BACKSLASH) {
        backslashes++;
      }
      const isEscaped = backslashes % 2 === 1;
      if (quote < 0) {
        if (at < piece.length) this.#escaped = isEscaped;
        return end;
      }
      if (!isEscaped) {
        this.#inString = false;
        return end;
      }
      at = quote + 1;
    }
  }

  #outside(byte: number): void {
    if (++this.#structure > MAX_STRUCTURE) {
      throw new ApiError(400, "The JSON has too many values: only text may be long");
    }
    switch (byte) {
      case QUOTE:
        this.#inString = true;
        break;
      case BRACKET:
      case BRACE:
        if (++this.#depth > MAX_DEPTH) throw new ApiError(400, "The JSON is nested too deeply");
        break;
      case BRACKET_END:
      case BRACE_END:
        this.#depth--;
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
