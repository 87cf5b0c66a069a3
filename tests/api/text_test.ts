// Bodies as text: what is a preview, and where it is cut.

import { equal } from "node:assert/strict";
import { textOf } from "../../src/api/text.ts";

const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

Deno.test("a preview is cut between two characters, and never within one", () => {
  const text = utf8("aé€😀");
  const whole = (cut: number): string | null =>
    textOf("text/plain", text.slice(0, cut), text.length);
  for (
    const [cut, expected] of [
      [0, ""],
      [1, "a"],
      [2, "a"],
      [3, "aé"],
      [5, "aé"],
      [6, "aé€"],
      [9, "aé€"],
      [10, "aé€😀"],
    ] as const
  ) equal(whole(cut), expected, String(cut));
});

Deno.test("there is no preview of what is no UTF-8, by its bytes or by its type", () => {
  const latin1 = Uint8Array.of(0x47, 0x72, 0xf6, 0xdf, 0x65);
  equal(textOf("text/plain", latin1, 5), null);
  equal(textOf("text/plain; charset=iso-8859-1", utf8("abc"), 3), null);
  equal(textOf("text/plain;charset=UTF-16", utf8("abc"), 3), null);
  equal(textOf("text/plain;charset=US-ASCII", utf8("abc"), 3), "abc");
  equal(textOf('text/plain; charset="utf-8"', utf8("abc"), 3), "abc");
  // What is whole has no unfinished character.
  equal(textOf("text/plain", utf8("é").slice(0, 1), 1), null);
});
