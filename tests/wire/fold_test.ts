import assert from "node:assert/strict";
import fc from "fast-check";
import common from "@unicode/case-folding/Case_Folding/C/symbols.mjs";
import full from "@unicode/case-folding/Case_Folding/F/symbols.mjs";
import { foldTableSource } from "../../scripts/fold_table.ts";
import { fold, same } from "../../src/wire/fold.ts";

// The letters that look alike, or that an editor might normalize, are written as escapes.
const CAPITAL_SHARP_S = "\u{1E9E}";
const KELVIN_SIGN = "\u{212A}";
const CAPITAL_I_WITH_DOT = "\u{130}";
const SMALL_DOTLESS_I = "\u{131}";

Deno.test("A4 every code point folds as the C and F entries of the Unicode file say, or stays", () => {
  assert.deepEqual([common.size, full.size], [1481, 104], "the counts of Unicode 17.0.0");
  for (const character of everyCharacter()) {
    const expected = full.get(character) ?? common.get(character) ?? character;
    if (fold(character) !== expected) {
      assert.equal(codePoints(fold(character)), codePoints(expected));
    }
  }
});

Deno.test("A4 folding what is folded changes nothing, for every code point", () => {
  for (const character of everyCharacter()) {
    const folded = fold(character);
    if (fold(folded) !== folded) {
      assert.fail(`${codePoints(character)} is not folded after one pass`);
    }
  }
});

Deno.test("A4 a text folds character by character, wherever a character stands", () => {
  const text = fc.string({
    unit: fc.oneof(fc.constantFrom(...common.keys(), ...full.keys()), anyCharacter()),
  });
  fc.assert(fc.property(text, (text) => {
    assert.equal(fold(text), [...text].map(fold).join(""));
    assert.ok(same(text, fold(text)));
  }));
});

Deno.test("A4 Straße is STRASSE, with the capital sharp s too", () => {
  assert.equal(fold("Straße"), "strasse");
  assert.ok(same("Straße", "STRASSE"));
  assert.ok(same(`Stra${CAPITAL_SHARP_S}e`, "straße"));
  assert.ok(same(`STRA${CAPITAL_SHARP_S}E`, "strasse"));
  assert.ok(!same("Straße", "Strase"));
});

Deno.test("A4 final, capital and small sigma are the same letter at any place in a word", () => {
  assert.ok(same("ς", "Σ") && same("Σ", "σ") && same("ς", "σ"));
  assert.equal(fold("ΟΔΥΣΣΕΥΣ"), fold("οδυσσευς"));
  assert.equal(fold("ΟΔΥΣΣΕΥΣ"), "οδυσσευσ");
});

Deno.test("A4 the Kelvin sign is a k, although a text with it is not ASCII", () => {
  assert.equal(fold(KELVIN_SIGN), "k");
  assert.ok(same(`@${KELVIN_SIGN}ate@example.com`, "@KATE@EXAMPLE.COM"));
});

Deno.test("A4 no Turkic rule: I is i, a dotted capital keeps its dot, a dotless i stays apart", () => {
  assert.equal(fold("I"), "i");
  assert.equal(fold(CAPITAL_I_WITH_DOT), "i\u{307}");
  assert.ok(!same(CAPITAL_I_WITH_DOT, "i"));
  assert.equal(fold(SMALL_DOTLESS_I), SMALL_DOTLESS_I);
  assert.ok(!same(SMALL_DOTLESS_I, "I"));
});

Deno.test("A4 Cherokee folds to its capitals, the older letters", () => {
  assert.equal(fold("\u{AB70}"), "\u{13A0}");
  assert.equal(fold("\u{13F8}"), "\u{13F0}");
  assert.equal(fold("\u{13A0}"), "\u{13A0}");
});

Deno.test("A4 letters beyond the 16-bit plane fold: Deseret, Adlam", () => {
  assert.equal(fold("@\u{10400}\u{10427}@example.com"), "@\u{10428}\u{1044F}@example.com");
  assert.ok(same("\u{1E900}", "\u{1E922}"));
});

Deno.test("A4 folding does not normalize: one code point and its decomposed form differ", () => {
  assert.ok(!same("caf\u{E9}", "cafe\u{301}"));
});

Deno.test("A4 ASCII: capitals become small letters, all else stays, small text is returned as it is", () => {
  const ascii = String.fromCharCode(...Array(128).keys());
  const capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const small = "abcdefghijklmnopqrstuvwxyz";
  assert.equal(fold(ascii), ascii.replace(capitals, small));
  assert.equal(fold(`é${ascii}`), `é${ascii.replace(capitals, small)}`, "the same by the table");
  assert.equal(fold("@alice-1_b.c@example.com"), "@alice-1_b.c@example.com");
  assert.equal(fold(""), "");
  assert.ok(same("@Alice@Example.COM", "@alice@example.com"));
  assert.ok(!same("@alice@example.com", "@alice@example.org"));
  assert.ok(!same("[", "{") && !same("@", "`"), "the neighbours of the letters are no letters");
});

Deno.test("A4 a lone surrogate, which UTF-8 cannot carry, passes unchanged", () => {
  assert.equal(fold("A\u{D801}B"), "a\u{D801}b");
});

Deno.test("A4 the committed table is what `deno task fold-table` generates", () => {
  const committed = new URL("../../src/wire/fold_table.ts", import.meta.url);
  assert.equal(Deno.readTextFileSync(committed), foldTableSource());
});

function* everyCharacter(): Generator<string> {
  for (let codePoint = 0; codePoint <= 0x10ffff; codePoint++) {
    const isSurrogate = codePoint >= 0xd800 && codePoint <= 0xdfff;
    if (!isSurrogate) yield String.fromCodePoint(codePoint);
  }
}

function anyCharacter(): fc.Arbitrary<string> {
  return fc.string({ unit: "binary", minLength: 1, maxLength: 1 });
}

function codePoints(text: string): string {
  return [...text].map((character) => `U+${character.codePointAt(0)?.toString(16)}`).join(" ");
}
