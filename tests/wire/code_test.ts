import assert from "node:assert/strict";
import * as wire from "../../src/wire/mod.ts";
import { codeMeaning, codeName, isRecipientCode, isRejectCode } from "../../src/wire/mod.ts";

/** "Reject or Accept Response", copied from the specification. */
const TABLE: readonly (readonly [number, string])[] = [
  [1, "invalid"],
  [2, "unsupported version"],
  [3, "undisclosed"],
  [4, "too big"],
  [5, "insufficient resources"],
  [6, "parent not found"],
  [7, "too old"],
  [8, "future time"],
  [9, "time travel"],
  [10, "duplicate"],
  [11, "accept add to"],
  [64, "continue"],
  [65, "skip data"],
  [100, "user unknown"],
  [101, "user full"],
  [102, "user not accepting"],
  [103, "user duplicate"],
  [105, "user undisclosed"],
  [200, "accept"],
];
const NAMES = new Map(TABLE);
const EVERY_BYTE = [...Array(256).keys()];

Deno.test("every code of the specification has its name, and a constant of that name", () => {
  const constants = new Map<string, unknown>(Object.entries(wire));
  for (const [code, name] of TABLE) {
    assert.equal(codeName(code), name);
    assert.equal(constants.get(name.toUpperCase().replaceAll(" ", "_")), code);
  }
});

Deno.test("a byte that is no code is named by its number, and said to be none", () => {
  for (const code of EVERY_BYTE.filter((code) => !NAMES.has(code))) {
    assert.equal(codeName(code), `code ${code}`);
    assert.match(codeMeaning(code), /does not name this code/);
  }
});

Deno.test("every code says in words of its own what it means", () => {
  const meanings = TABLE.map(([code]) => codeMeaning(code));
  assert.equal(new Set(meanings).size, TABLE.length);
  for (const meaning of meanings) assert.doesNotMatch(meaning, /does not name/);
});

Deno.test("1 to 10 reject the message; 100 to 103, 105 and 200 are for one recipient; nothing is both", () => {
  assert.deepEqual(EVERY_BYTE.filter(isRejectCode), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.deepEqual(EVERY_BYTE.filter(isRecipientCode), [100, 101, 102, 103, 105, 200]);
  for (const value of [-1, 1.5, 256, NaN, Infinity]) {
    assert.ok(!isRejectCode(value) && !isRecipientCode(value), `${value}`);
  }
});
