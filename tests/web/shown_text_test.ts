// What a parser of Markdown is given, and what is shown as it was written because it would take seconds.

import assert from "node:assert/strict";
import { fewerMarks, isHtml, isMarkdown, isModest, isShownText } from "../../src/web/shown_text.ts";

Deno.test("ordinary texts are read as Markdown: long ones, tables, nested lists, code that is far in", () => {
  assert.ok(isModest("A paragraph of some length. ".repeat(200)));
  assert.ok(isModest("Short lines\n\n".repeat(5000)));
  assert.ok(isModest(`|a|b|c|\n|-|-|-|\n${"|1|2|3|\n".repeat(1000)}`));
  assert.ok(isModest("- a\n  - b\n    - c\n      1. d"));
  assert.ok(isModest("> > > quoted three times"));
  assert.ok(isModest("- a thing to be done before the end of the week\n".repeat(150)));
  assert.ok(isModest("A *word* that matters, and `another_one`.\r\n\r\n".repeat(2000)));
});

Deno.test("what grows out of all measure is not: depth, cells, names of addresses, lines, paragraphs, length", () => {
  const cases = {
    quotes: "> ".repeat(3000),
    "quotes without a space": ">".repeat(3000),
    lists: "- ".repeat(3000),
    "lists and quotes": "- > ".repeat(1000),
    "lists further and further in": Array.from({ length: 300 }, (_, i) => `${" ".repeat(2 * i)}- a`)
      .join("\n"),
    cells: `|${"a|".repeat(3000)}\n|${"-|".repeat(3000)}\n${"a\n".repeat(3000)}`,
    "an address named often": `[a]: https://a.test/${"x".repeat(4000)}\n\n${"[a] ".repeat(5000)}`,
    "a long line": "*a **b ".repeat(3000),
    "emphasis that never closes": `${"*a_b**c __d ".repeat(8)}\n`.repeat(1200),
    "much emphasis in short paragraphs": `${"*a_b**c __d ".repeat(8)}\n\n`.repeat(1200),
    "lines that would be headings": "a\n-\n".repeat(30_000),
    "quotes that go on without their sign": "> a\nb\n".repeat(20_000),
    "lines that only look blank": "> a\nb\n\u00a0\n".repeat(10_000),
    "lines that end as on old machines": `a\r${"> ".repeat(3000)}`,
    "a long text": "a\n".repeat(100_000),
  };
  for (const [name, text] of Object.entries(cases)) assert.ok(!isModest(text), name);
});

Deno.test("types: what is read as Markdown, shown as text, told to be HTML, or offered for download", () => {
  assert.ok(isMarkdown("text/markdown;charset=UTF-8") && !isMarkdown("text/markdownish"));
  assert.ok(isHtml("Text/HTML; charset=utf-8") && isShownText("text/html"));
  assert.ok(isShownText("text/plain") && isShownText("application/json"));
  assert.ok(!isShownText("image/svg+xml") && !isShownText("application/pdf"));
});

Deno.test("a tower of marks on one letter is made lower; what languages write stays", () => {
  assert.equal(fewerMarks(`a${"\u0301".repeat(1000)}`).length, 13);
  assert.equal(fewerMarks("Việt e\u0323\u0302 שָׁלוֹם"), "Việt e\u0323\u0302 שָׁלוֹם");
});
