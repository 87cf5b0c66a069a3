// Parameters of paths and queries, and the words for what is wrong with them.

import { deepEqual, equal, throws } from "node:assert/strict";
import * as v from "valibot";
import { pathParameters, queryParameters, valid } from "../../src/api/checking.ts";
import { ApiError } from "../../src/api/error.ts";
import { BY_FILENAME, BY_ID, PAGE } from "../../src/api/parameters.ts";
import { RECIPIENTS } from "../../src/api/schema.ts";

const refused = (status: number, words: RegExp) => (error: unknown): boolean =>
  error instanceof ApiError && error.status === status && words.test(error.message);

const id = (text: string): number => valid(BY_ID, { id: text }, "path").id;

Deno.test("an id is a positive integer in digits; what is beyond JavaScript's integers is no message's", () => {
  equal(id("1"), 1);
  equal(id("9007199254740991"), 9007199254740991);
  equal(id("9007199254740993"), 0);
  equal(id("9223372036854775807"), 0);
  for (
    const text of [
      "0",
      "-1",
      "+1",
      "01",
      "1e3",
      "1.0",
      "",
      " 1",
      "abc",
      "0x10",
      "9223372036854775808",
      "١",
    ]
  ) throws(() => id(text), refused(400, /"id" has to be a positive integer|"id": has to be/), text);
});

Deno.test("a page is 20 from the beginning unless told, and never more than 100", () => {
  const page = (query: string): unknown =>
    valid(PAGE, queryParameters(new URL(`http://h/fmsg${query}`)), "query");
  deepEqual(page(""), { limit: 20, offset: 0 });
  deepEqual(page("?limit=100&offset=7"), { limit: 100, offset: 7 });
  deepEqual(page("?limit=101"), { limit: 100, offset: 0 });
  deepEqual(page("?before=7"), { limit: 20, offset: 0, before: 7 });
  deepEqual(page(`?limit=${"9".repeat(400)}`), { limit: 100, offset: 0 });
  deepEqual(page("?offset=99999999999999999999"), { limit: 20, offset: Number.MAX_SAFE_INTEGER });
  for (
    const query of [
      "limit=0",
      "limit=-1",
      "limit=1.5",
      "limit=abc",
      "limit=",
      "offset=-1",
      "offset=x",
      "before=0",
      "before=-7",
      "before=",
    ]
  ) {
    throws(() => page(`?${query}`), refused(400, /^"(limit|offset|before)": has to be/), query);
  }
});

Deno.test("a path's parameters are decoded once, each one segment", () => {
  const parameters = (path: string): unknown =>
    pathParameters("/fmsg/:id/attach/:filename", new URL(`http://h${path}`));
  deepEqual(parameters("/fmsg/1/attach/a%20b.txt"), { id: "1", filename: "a b.txt" });
  deepEqual(parameters("/fmsg/1/attach/a%2520b"), { id: "1", filename: "a%20b" });
  deepEqual(parameters("/fmsg/1/attach/a%2Fb"), { id: "1", filename: "a/b" });
  throws(() => parameters("/fmsg/1/attach/%FF"), refused(400, /%/));
  throws(() => parameters("/fmsg/1/attach/%zz"), refused(400, /%/));
});

Deno.test("N9 a file name with path parts, control characters or dots alone is refused", () => {
  const filename = (text: string): string =>
    valid(BY_FILENAME, { id: "1", filename: text }, "path").filename;
  equal(filename("Größe 2.pdf"), "Größe 2.pdf");
  equal(filename("Gro\u0308ße.pdf"), "Größe.pdf");
  for (
    const name of [
      "..",
      ".",
      "",
      "a/b",
      "../a",
      "a\\b",
      "a\u0000b",
      "a\nb",
      ".hidden",
      "a..b",
      "x".repeat(256),
    ]
  ) throws(() => filename(name), refused(400, /"filename": is no name/), JSON.stringify(name));
});

Deno.test("what is wrong is named, and no value repeated", () => {
  const schema = v.object({ add_to: RECIPIENTS });
  const body = (value: unknown): unknown => valid(schema, value, "body");
  throws(() => body({}), refused(400, /^"add_to" is missing$/));
  throws(() => body({ add_to: "secret" }), refused(400, /^"add_to" has to be an array$/));
  throws(() => body({ add_to: [] }), refused(400, /^"add_to": has to name at least one address$/));
  throws(() => body({ add_to: ["@a@b.c", 7] }), refused(400, /^"add_to.1" has to be a text$/));
  throws(() => body(null), refused(400, /^The body has to be an object$/));
  throws(() => body([]), refused(400, /./));
});
