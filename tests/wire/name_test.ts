import assert from "node:assert/strict";
import fc from "fast-check";
import { isDomainName, isFilename } from "../../src/wire/mod.ts";
import { isRecipientName, utf8Length } from "../../src/wire/name.ts";
import { filenames } from "../support/arbitraries.ts";

Deno.test("A5 a filename is letters and numbers of every script, with single - _ . and spaces between", () => {
  assertFilenames(
    "doc.pdf",
    "plan 2.txt",
    "写真.png",
    "Größe_3-b.tar.gz",
    "7",
    "README",
    "Ⅷ ½.txt",
  );
  assertFilenames("עברית.doc", "한국 사진.jpeg", "\u{10400}.\u{20000}");
});

Deno.test("A5 no separator first, last or next to another", () => {
  for (const first of "-_. ") {
    assertNoFilenames(first, `${first}a`, `a${first}`);
    for (const second of "-_. ") assertNoFilenames(`a${first}${second}b`);
  }
  assertNoFilenames("");
});

Deno.test("A5 no path, no control character, no other space, sign or mark", () => {
  assertNoFilenames("..", "../a", "a/b", "/a", "a\\b", "C:a", "~a", ".bashrc", "a/../b");
  assertNoFilenames("a\u{0}b", "a\nb", "a\n", "a\tb", "a\u{A0}b", "a\u{3000}b", "a\u{200B}b");
  assertNoFilenames("a(1).pdf", "a+b", "a&b", "a'b", 'a"b', "a,b", "a;b", "a@b", "a%20b", "a#b");
  assertNoFilenames("e\u{301}", "\u{1F4CE}.txt", "\u{202E}gpj.exe", "a\u{D800}");
});

Deno.test("A5 a filename takes at most 255 bytes, counted in UTF-8", () => {
  assertFilenames("n".repeat(255), "é".repeat(127), "界".repeat(85), "\u{20000}".repeat(63));
  assertNoFilenames("n".repeat(256), "é".repeat(128), "界".repeat(86), "\u{20000}".repeat(64));
});

Deno.test("A5 a recipient's name is a filename without a space", () => {
  fc.assert(fc.property(filenames(), (name) => {
    assert.ok(isFilename(name));
    assert.equal(isRecipientName(name), !name.includes(" "));
  }));
});

Deno.test("A3 a domain name has at most 253 characters", () => {
  const [shorter, longest] = ["l".repeat(62), "l".repeat(63)];
  assert.ok(isDomainName(`${longest}.${longest}.${shorter}.${shorter}`));
  assert.ok(!isDomainName(`${longest}.${longest}.${longest}.${shorter}`));
});

Deno.test("A1 the length of a text in bytes is that of its UTF-8", () => {
  const text = fc.string({
    unit: fc.constantFrom(..."a\u{7F}\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}"),
  });
  fc.assert(fc.property(text, (text) => {
    assert.equal(utf8Length(text), new TextEncoder().encode(text).length);
  }));
});

function assertFilenames(...names: string[]): void {
  for (const name of names) assert.ok(isFilename(name), `"${name}"`);
}

function assertNoFilenames(...names: string[]): void {
  for (const name of names) assert.ok(!isFilename(name), `"${name}"`);
}
