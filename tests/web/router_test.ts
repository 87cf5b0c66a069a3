// Addresses of the page, and back.

import assert from "node:assert/strict";
import fc from "fast-check";
import { formatRoute, HOME, parseRoute, type Route, signInToken } from "../../src/web/router.ts";

Deno.test("the addresses of the page are those that notifications and links use", () => {
  assert.equal(formatRoute(HOME), "/");
  assert.equal(formatRoute({ ...HOME, open: { kind: "thread", id: 7 } }), "/?thread=7");
  assert.equal(formatRoute({ ...HOME, list: "search", query: "a&b" }), "/?view=search&q=a%26b");
  assert.equal(formatRoute({ ...HOME, open: { kind: "draft", id: 7 } }), "/?write=7");
  assert.deepEqual(parseRoute("?view=settings").open, { kind: "settings" });
  assert.deepEqual(parseRoute("?write=new&to=@bob@b.test").open, {
    kind: "new",
    to: "@bob@b.test",
  });
});

Deno.test("what is not understood leads to the inbox", () => {
  for (
    const search of [
      "",
      "?",
      "?view=x",
      "?thread=0",
      "?thread=-1",
      "?thread=1e3",
      "?write=x",
      "?thread=99999999999999999999",
      "?%",
    ]
  ) {
    assert.deepEqual(parseRoute(search), HOME, search);
  }
});

/** Otherwise some of what is made has no prototype, which is no difference that matters here. */
const PLAIN = { noNullPrototype: true };
const ID = fc.integer({ min: 1 });
const OPEN: fc.Arbitrary<Route["open"]> = fc.oneof(
  fc.constant(null),
  fc.record({ kind: fc.constant("thread" as const), id: ID }, PLAIN),
  fc.record({ kind: fc.constant("draft" as const), id: ID }, PLAIN),
  fc.record({ kind: fc.constant("new" as const), to: fc.string({ maxLength: 200 }) }, PLAIN),
  fc.record({ kind: fc.constant("new" as const), to: fc.constant(""), local: fc.uuid() }, PLAIN),
);

Deno.test("property: an address gives the route that it was made of", () => {
  fc.assert(fc.property(
    fc.constantFrom("inbox" as const, "sent" as const, "drafts" as const, "search" as const),
    fc.string(),
    OPEN,
    (list, query, open) => {
      const route = { list, query: list === "search" ? query : "", open };
      assert.deepEqual(parseRoute(formatRoute(route).slice(1)), route);
    },
  ));
});

Deno.test("a sign-in link's token is in the fragment, and nothing else is taken for one", () => {
  const token = "A".repeat(43);
  assert.equal(signInToken(`#sign-in=${token}`), token);
  for (const hash of ["", "#", "#sign-in=", "#sign-in=<b>", `#sign-in=${token}&x`]) {
    assert.equal(signInToken(hash), null);
  }
});
