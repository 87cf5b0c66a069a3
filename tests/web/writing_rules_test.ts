// What is decided about a message before it is sent, and about what is typed into its fields.

import assert from "node:assert/strict";
import { wellFormed, withTyped } from "../../src/web/addresses.ts";
import { EMPTY_DRAFT } from "../../src/web/draft_steps.ts";
import { lookupKey, stateOf } from "../../src/web/address_state.ts";
import { answerTo, answerToNow, missing, withRoom } from "../../src/web/writing_rules.ts";
import { item, ME } from "./items.ts";

const BOB = "@bob@b.test";
const EVE = "@eve@e.test";
const WRITTEN = { ...EMPTY_DRAFT, to: [BOB], text: "Hi" };
const FACTS = { recipients: [BOB], files: 0, bytes: 0, limit: 100 };

Deno.test("N4 an answer goes to the sender, or to all but oneself; of one's own message to those it went to", () => {
  const theirs = item(1, { from: BOB, to: [ME, EVE] });
  assert.deepEqual(answerTo(theirs, "sender", ME), [BOB]);
  assert.deepEqual(answerTo(theirs, "all", ME), [BOB, EVE]);
  const own = item(2, { from: ME, to: [BOB, ME] });
  assert.deepEqual(answerTo(own, "sender", ME), [BOB]);
  assert.deepEqual(answerTo(item(3, { from: ME, to: [ME] }), "sender", ME), [ME]);
});

Deno.test("N4 pressing the other answer changes recipients that nobody chose, and no others", () => {
  const theirs = item(1, { from: BOB, to: [ME, EVE] });
  assert.deepEqual(answerToNow([BOB], theirs, "all", ME), [BOB, EVE]);
  assert.deepEqual(answerToNow([EVE, BOB], theirs, "sender", ME), [BOB]);
  assert.deepEqual(answerToNow([], theirs, "sender", ME), [BOB]);
  assert.deepEqual(answerToNow([EVE], theirs, "all", ME), [EVE]);
});

Deno.test("N9 what keeps a message from being sent is the first problem on the page", () => {
  assert.equal(missing(WRITTEN, FACTS), null);
  assert.equal(missing(WRITTEN, { ...FACTS, recipients: [BOB, "b@@"] }), "recipients wrong");
  assert.equal(missing({ ...WRITTEN, to: [] }, { ...FACTS, recipients: [] }), "recipient");
  assert.equal(missing({ ...WRITTEN, topic: "ä".repeat(128) }, FACTS), "topic");
  assert.equal(missing(WRITTEN, { ...FACTS, bytes: 99 }), "size");
  assert.equal(missing({ ...WRITTEN, text: " \n" }, FACTS), "text");
  assert.equal(missing({ ...WRITTEN, text: "" }, { ...FACTS, files: 1 }), null);
  assert.equal(missing({ ...WRITTEN, text: "", topic: "Eggs?" }, FACTS), null);
});

Deno.test("A1 A4 a field takes many addresses at once, each once, and keeps what is no address to be corrected", () => {
  const own = { ownDomain: "a.test" };
  assert.deepEqual(withTyped([BOB], "carol, <x@y.test>;bob@B.test\nwrong@@", own), {
    value: [BOB, "@carol@a.test", "@x@y.test", "wrong@@"],
    refused: "twice",
  });
  assert.deepEqual(withTyped([], "bob@b.test", { ...own, without: ["@Bob@b.test"] }), {
    value: [],
    refused: "already",
  });
  assert.deepEqual(withTyped([BOB], "eve@e.test", { ...own, limit: 1 }), {
    value: [BOB],
    refused: "too many",
  });
  assert.deepEqual(withTyped([BOB], " , ", own), { value: [BOB], refused: null });
  assert.deepEqual(wellFormed([BOB, "wrong@@"]), [BOB]);
});

Deno.test("N12 of another host its domain is looked up once, here each user", () => {
  assert.equal(lookupKey("@Bob@B.test", "a.test"), "b.test");
  assert.equal(lookupKey("@eve@b.test", "a.test"), "b.test");
  assert.notEqual(lookupKey("@me@A.test", "a.test"), lookupKey("@you@a.test", "a.test"));
  assert.equal(lookupKey("wrong@@", "a.test"), null);
  assert.equal(stateOf({ known: false, host: "found" }), "no user");
  assert.equal(stateOf({ known: true, host: "unknown" }), "fine");
  assert.equal(stateOf({ known: null, host: "not found" }), "no host");
  assert.equal(stateOf({ known: null, host: "unknown" }), "not sure");
});

Deno.test("N9 a file that is too large keeps no smaller one out", () => {
  const [big, small, exact] = [{ size: 8 }, { size: 2 }, { size: 3 }];
  assert.deepEqual(withRoom([big, small, exact, { size: 1 }], 5), {
    taken: [small, exact],
    tooLarge: [big, { size: 1 }],
  });
});
