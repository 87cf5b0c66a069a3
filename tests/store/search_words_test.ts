// What the words of a text are, in many scripts.

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { indexText, words } from "../../src/store/search/words.ts";

/** Texts, and their words between spaces. */
const TEXTS: Readonly<Record<string, string>> = {
  "Hello, WORLD! don't": "hello world don t",
  "Straße STRASSE STRAẞE ﬁne": "strasse strasse strasse fine",
  "naïve Ångström e\u0301te\u0301": "naive angstrom ete",
  "ΟΔΟΣ οδός": "οδοσ οδοσ",
  "İstanbul ISI ısı": "istanbul isi isi",
  "Ёлка й": "елка и",
  "Ｆｕｌｌ　ｗｉｄｔｈ １２３": "full width 123",
  "co\u00adoperate": "cooperate",
  "@alice@mail.example.com report_2024-v2.PDF": "alice mail example com report 2024 v2 pdf",
  "東京タワーへ行く": "東 京 タ ワ ー へ 行 く",
  "ｶﾞｷﾞ ガギ 々": "ガ ギ ガ ギ 々",
  "iPhone15を買う": "iphone15 を 買 う",
  "서울에서": "서 울 에 서",
  "สวัสดีที่": "ส วั ส ดี ที่",
  "שָׁלוֹם": "שלום",
  "العَرَبِيَّة ـكتاب": "العربية كتاب",
  "हिन्दी": "हिन्दी",
  "👩‍💻 🇩🇪 ❤️ 1️⃣": "👩 💻 🇩 🇪 ❤ 1",
  "— … &;": "",
  "\ue040\ud800": "",
};

Deno.test("words are folded, and told apart in scripts without spaces", () => {
  for (const [text, expected] of Object.entries(TEXTS)) {
    assert.equal(words(text).join(" "), expected, text);
  }
});

Deno.test("a very long word is a row of pieces", () => {
  assert.deepEqual(words("a".repeat(130)).map(({ length }) => length), [64, 64, 2]);
  assert.deepEqual(words("ö".repeat(70)), ["o".repeat(64), "o".repeat(6)]);
});

Deno.test("a word of words is itself, and has nothing that the index takes for anything but a word", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
      const found = words(text);
      assert.deepEqual(words(found.join(" ")), found);
      for (const word of found) {
        assert.match(word, /^[\p{L}\p{N}\p{M}\p{RI}\p{Extended_Pictographic}]+$/u);
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("marks without end and characters that stand for many are bounded", () => {
  assert.ok(words("a" + "\u0323\u0bcd".repeat(100_000)).join("").length < 100);
  assert.ok(words("\ufdfa".repeat(60_000)).join(" ").length <= 128 * 1024 + 100);
});

Deno.test("search: the index finds the same words in a text that it is given as it is", () => {
  using db = new DatabaseSync(":memory:");
  db.exec(`CREATE VIRTUAL TABLE text USING fts5 (body, tokenize = 'ascii');
    CREATE VIRTUAL TABLE found USING fts5vocab (text, instance)`);
  const insert = db.prepare("INSERT INTO text (rowid, body) VALUES (1, ?)");
  const found = db.prepare("SELECT term FROM found ORDER BY offset");
  const piece = fc.oneof(
    fc.string({ unit: "binary-ascii", maxLength: 20 }),
    fc.stringMatching(/^[a-zA-Z0-9]{60,70}$/),
    fc.constantFrom(" ", "\0", "_", "-", "é", "東京"),
  );
  fc.assert(fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
    const text = pieces.join("");
    insert.run(indexText(text));
    const terms = found.all().map(({ term }) => term);
    db.exec("DELETE FROM text");
    assert.deepEqual(terms, words(text));
  }));
});
