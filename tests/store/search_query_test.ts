// What people may type into a search, and that nothing they type breaks it.

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { QueryError } from "../../src/store/mod.ts";
import { matchExpression } from "../../src/store/search/query.ts";

/** Queries, and what they come to for one whose word is W. */
const QUERIES: Readonly<Record<string, string>> = {
  "Lunch": '"W" AND "lunch"',
  "lunch  at\tnoon": '"W" AND "lunch" AND "at" AND "noon"',
  '"at noon" lunch': '"W" AND "at noon" AND "lunch"',
  "“at noon”": '"W" AND "at noon"',
  '"at noon': '"W" AND "at noon"',
  "東京　大阪": '"W" AND "東 京" AND "大 阪"',
  "@bob@b.example": '"W" AND "bob b example"',
  "lunch -soup": '("W" AND "lunch") NOT ("soup")',
  '-soup -"cold cuts"': '("W") NOT ("soup" OR "cold cuts")',
  "well-known": '"W" AND "well known"',
  "from:bob To:alice": '"W" AND sender : "bob" AND recipients : "alice"',
  'topic:"at noon" file:menu.pdf': '"W" AND topic : "at noon" AND names : "menu pdf"',
  "-from:bob": '("W") NOT (sender : "bob")',
  "from: bob": '"W" AND "from" AND "bob"',
  "https://x.example": '"W" AND "https x example"',
  "a OR b NEAR(c) AND": '"W" AND "a" AND "or" AND "b" AND "near c" AND "and"',
  "body : {who} ^x + y": '"W" AND "body" AND "who" AND "x" AND "y"',
  "3 * 5": '"W" AND "3" AND "5"',
};

Deno.test("a query is words, phrases, exclusions and fields; operators of the index are words", () => {
  for (const [query, expected] of Object.entries(QUERIES)) {
    assert.equal(matchExpression("W", query), expected, query);
  }
});

Deno.test("a query that says nothing, or too much, says what to do", () => {
  const problems: readonly (readonly [string, RegExp])[] = [
    ["", /no word to search for/],
    [' "" - … from: :'.replace("from:", ""), /no word to search for/],
    ["inv*", /Words are found whole: leave out the "\*" of "inv\*"/],
    ["a ".repeat(33), /has 33 words: leave some out, so that there are at most 32/],
    ["東".repeat(33), /at most 32/],
    ["a".repeat(1001), /too long: 1000 characters at most/],
  ];
  for (const [query, message] of problems) {
    assert.throws(
      () => matchExpression("W", query),
      (error: unknown) => error instanceof QueryError && message.test(error.message),
      query,
    );
  }
});

Deno.test("whatever is typed, the index understands it or a QueryError says why not", () => {
  using db = new DatabaseSync(":memory:");
  db.exec(
    "CREATE VIRTUAL TABLE search USING fts5 (who, sender, recipients, topic, names, body, tokenize = 'ascii')",
  );
  const statement = db.prepare("SELECT rowid FROM search WHERE search MATCH ?");
  const special = fc.constantFrom(
    ..."\"'*^+-():{}[]“”«»\0\ud800\ue040",
    " ",
    "AND ",
    "OR ",
    "NOT ",
    "NEAR(",
    "from:",
    "who:",
    "東",
    "a",
    "é",
    "👩‍💻",
  );
  const typed = fc.oneof(
    fc.array(special, { maxLength: 30 }).map((pieces) => pieces.join("")),
    fc.string({ unit: "binary", maxLength: 100 }),
  );
  let understood = 0;
  fc.assert(
    fc.property(typed, (query) => {
      let match: string;
      try {
        match = matchExpression("W", query);
      } catch (error) {
        assert.ok(error instanceof QueryError);
        return;
      }
      assert.deepEqual(statement.all(match), []);
      understood++;
    }),
    { numRuns: 800 },
  );
  assert.ok(understood > 80);
});
