// The words that were searched for, marked in what is shown of a message.

import assert from "node:assert/strict";
import { aroundFound, foundParts, wordsOf } from "../../src/web/found_words.ts";

function marked(text: string, query: string): string {
  return foundParts(text, wordsOf(query)).map(({ text, found }) => found ? `[${text}]` : text)
    .join("");
}

Deno.test("whole words are marked, whatever their case and accents; excluded ones are not", () => {
  assert.equal(marked("A Café, cafés and tea", "cafe -tea"), "A [Café], cafés and tea");
  assert.equal(marked("plan by bob", 'from:bob "the plan"'), "[plan] by [bob]");
  assert.equal(marked("مَرحبا بك", "مرحبا"), "[مَرحبا] بك");
  assert.equal(marked("東京タワー", "東京"), "[東京タワー]");
  assert.equal(marked("<b>bold</b>", "b"), "<[b]>bold</[b]>");
});

Deno.test("nothing of a text is lost or doubled by its marks", () => {
  for (const text of ["", "  ", "a b a", "🙂 a", "\u202e evil", "x".repeat(1000)]) {
    const parts = foundParts(text, wordsOf("a x 🙂"));
    assert.equal(parts.map(({ text }) => text).join(""), text);
  }
});

Deno.test("a text is shown from a little before the first word that is found", () => {
  const long = `${"word ".repeat(50)}harvest at last`;
  const shown = aroundFound(long, wordsOf("harvest"));
  assert.ok(shown.startsWith("… ") && shown.indexOf("harvest") < 60, shown);
  assert.equal(aroundFound(long, wordsOf("nothing")), long);
});
