import assert from "node:assert/strict";
import { previewText } from "../../src/web/short_text.ts";

const markdown = (short_text: string): string =>
  previewText({ short_text, type: "text/markdown;charset=UTF-8" });

Deno.test("the beginning of Markdown is told without its signs", () => {
  assert.equal(
    markdown(
      "# Plan\n\nThat makes **six of us**, see [the map](https://a.example/x).\n- `one`\n1. two",
    ),
    "Plan That makes six of us, see the map. one two",
  );
  assert.equal(
    markdown("| Time | Where |\n|---|---|\n| 9:00 | Gate |"),
    "Time · Where 9:00 · Gate",
  );
  assert.equal(
    markdown("*so* _it_ is: 2*3 and snake_case stay"),
    "so it is: 2*3 and snake_case stay",
  );
  assert.equal(markdown("```ts\nlet a = 1;\n```\n> quoted"), "let a = 1; quoted");
});

Deno.test("plain text is told as it is, on one line; without one there is nothing", () => {
  assert.equal(
    previewText({ short_text: "**kept**\n\n  as\tit is", type: "text/plain;charset=UTF-8" }),
    "**kept** as it is",
  );
  assert.equal(previewText({ type: "image/png" }), "");
});

Deno.test("hostile beginnings are no work", () => {
  for (const sign of ["*", "[", "](", "|", "> ", "`", "- ", "|-"]) {
    assert.ok(markdown(sign.repeat(100_000)).length <= 300);
  }
});
