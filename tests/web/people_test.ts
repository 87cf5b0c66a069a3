// People met before, for suggestions.

import assert from "node:assert/strict";
import { peopleMet, suggestions } from "../../src/web/people.ts";
import { item, ME } from "./items.ts";

const PEOPLE = peopleMet([
  item(1, { from: "@carol@c.test" }),
  item(2, { from: "@carol@c.test" }),
  item(3, { from: ME, to: ["@bob@b.test", "@BOBBY@b.test"] }),
  item(4, { from: ME, to: ["@Bob@b.test"] }),
], ME);

Deno.test("those written to come before those who only write; each once, as spelled last, without oneself", () => {
  assert.deepEqual(PEOPLE.map(({ address }) => address), [
    "@Bob@b.test",
    "@BOBBY@b.test",
    "@carol@c.test",
  ]);
});

Deno.test("suggestions: by the beginning of the name or the domain first, then what is inside", () => {
  const told = (typed: string, without: string[] = []) =>
    suggestions(PEOPLE, typed, { without }).map(({ key }) => key);
  assert.deepEqual(told("b"), ["@bob@b.test", "@bobby@b.test"]);
  assert.deepEqual(told("@BOB", ["@bob@B.test"]), ["@bobby@b.test"]);
  assert.deepEqual(told("c.te"), ["@carol@c.test"]);
  assert.deepEqual(told("rol"), ["@carol@c.test"]);
  assert.deepEqual(told("x"), []);
});
