// What is to be done with a draft, and how it goes to the host.

import assert from "node:assert/strict";
import {
  draftBody,
  type DraftFacts,
  EMPTY_DRAFT,
  foundAs,
  nextStep,
  sendingProblem,
} from "../../src/web/draft_steps.ts";

const WRITTEN = { ...EMPTY_DRAFT, to: ["@bob@b.test"], text: "Hi" };
const FACTS: DraftFacts = {
  content: WRITTEN,
  id: null,
  saved: null,
  isSure: false,
  wanted: "saved",
};
/** There is a copy on the host, and it is what was written. */
const SAVED: DraftFacts = { ...FACTS, id: 7, saved: { ...WRITTEN }, isSure: true };
const CHANGED: DraftFacts = { ...SAVED, content: { ...WRITTEN, text: "Hi!" } };
const NOBODY = { ...WRITTEN, to: [] };

Deno.test("N3 a draft is made once it has a recipient and something in it, replaced when changed, sent when saved", () => {
  assert.equal(nextStep({ ...FACTS, content: NOBODY }), "nothing");
  assert.equal(nextStep({ ...FACTS, content: { ...WRITTEN, text: " " } }), "nothing");
  assert.equal(
    nextStep({ ...FACTS, content: { ...WRITTEN, text: "" }, wanted: "sent" }),
    "create",
  );
  assert.equal(nextStep(FACTS), "create");
  assert.equal(nextStep(SAVED), "nothing");
  assert.equal(nextStep(CHANGED), "replace");
  assert.equal(nextStep({ ...CHANGED, wanted: "sent" }), "replace");
  assert.equal(nextStep({ ...SAVED, wanted: "sent" }), "send");
  assert.equal(nextStep({ ...CHANGED, content: NOBODY, wanted: "sent" }), "nothing");
});

Deno.test("a draft is read before it is replaced or sent, unless it is certain that nobody else changed it", () => {
  assert.equal(nextStep({ ...FACTS, id: 7 }), "read");
  assert.equal(nextStep({ ...SAVED, isSure: false }), "nothing");
  assert.equal(nextStep({ ...CHANGED, isSure: false }), "read");
  assert.equal(nextStep({ ...SAVED, isSure: false, wanted: "sent" }), "read");
});

Deno.test("files want a draft that is there and whose files are known, no more", () => {
  const wanted = "made";
  assert.equal(nextStep({ ...FACTS, content: { ...WRITTEN, text: "" }, wanted }), "create");
  assert.equal(nextStep({ ...FACTS, content: NOBODY, wanted }), "nothing");
  assert.equal(nextStep({ ...FACTS, id: 7, wanted }), "read");
  assert.equal(nextStep({ ...CHANGED, isSure: false, wanted }), "nothing");
});

Deno.test("what the host has is gone on from where it is known, and never written over where it is not", () => {
  const base = { ...WRITTEN, text: "H" };
  const here = { content: WRITTEN, bases: [base], isWhole: true };
  const draft = (text: string): Parameters<typeof foundAs>[0] => (
    { content: { ...WRITTEN, text }, isSent: false }
  );
  assert.deepEqual(foundAs(draft("H"), here), { kind: "saved", content: base });
  assert.deepEqual(foundAs(draft("Hi"), here), { kind: "saved", content: WRITTEN });
  assert.deepEqual(foundAs(draft("Ho"), here), { kind: "apart", why: "changed" });
  assert.deepEqual(foundAs(null, here), { kind: "apart", why: "deleted" });
  const old = { ...here, bases: [] };
  assert.deepEqual(foundAs(draft("Hi"), old), { kind: "saved", content: WRITTEN });
  assert.deepEqual(foundAs(draft("H"), old), { kind: "apart", why: "unknown" });
  const sent = (text: string): Parameters<typeof foundAs>[0] => (
    { content: { ...WRITTEN, text }, isSent: true }
  );
  assert.deepEqual(foundAs(sent("Hi"), here), { kind: "sent" });
  assert.deepEqual(foundAs(sent("H"), here), { kind: "apart", why: "sent" });
  // A file that is only here would be missing.
  assert.deepEqual(foundAs(sent("Hi"), { ...here, isWhole: false }), {
    kind: "apart",
    why: "sent",
  });
});

Deno.test("N4 an answer has its parent and no topic, a root its topic and no parent", () => {
  assert.deepEqual(
    draftBody({ ...WRITTEN, pid: 3, topic: "left over", markdown: false }, "@me@a.test"),
    {
      version: 1,
      from: "@me@a.test",
      to: ["@bob@b.test"],
      pid: 3,
      type: "text/plain;charset=UTF-8",
      important: false,
      no_reply: false,
      data: "Hi",
    },
  );
  const { topic, pid, data } = draftBody({ ...WRITTEN, topic: "T", text: "\ud800" }, "@me@a.test");
  assert.deepEqual([topic, pid, data], ["T", undefined, "\ufffd"]);
});

Deno.test("N9 what the host would refuse is known before it is sent", () => {
  const room = { files: 0, limit: 10 };
  assert.equal(sendingProblem(WRITTEN, room), null);
  assert.equal(sendingProblem({ ...WRITTEN, to: [] }, room), "no recipient");
  assert.equal(
    sendingProblem({ ...WRITTEN, to: Array(256).fill("@bob@b.test") }, room),
    "too many",
  );
  assert.equal(sendingProblem({ ...WRITTEN, topic: "ä".repeat(128) }, room), "topic too long");
  assert.equal(sendingProblem({ ...WRITTEN, text: "ä" }, { files: 9, limit: 10 }), "too big");
});
