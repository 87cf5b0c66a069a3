// What is to be done with a draft, and how it goes to the host.

import assert from "node:assert/strict";
import { draftBody, EMPTY_DRAFT, nextStep, sendingProblem } from "../../src/web/draft_steps.ts";

const WRITTEN = { ...EMPTY_DRAFT, to: ["@bob@b.test"], text: "Hi" };
const FACTS = { content: WRITTEN, id: null, saved: null, sending: false, uploads: 0 };

Deno.test("N3 a draft is made once it has a recipient and something in it, replaced when changed, sent when saved", () => {
  assert.equal(nextStep({ ...FACTS, content: { ...WRITTEN, to: [] } }), "nothing");
  assert.equal(nextStep({ ...FACTS, content: { ...WRITTEN, text: " " } }), "nothing");
  assert.equal(nextStep({ ...FACTS, content: { ...WRITTEN, text: "" }, sending: true }), "create");
  assert.equal(nextStep(FACTS), "create");
  assert.equal(nextStep({ ...FACTS, id: 7, saved: WRITTEN }), "nothing");
  assert.equal(
    nextStep({ ...FACTS, id: 7, saved: { ...WRITTEN, text: "H" }, sending: true }),
    "replace",
  );
  assert.equal(nextStep({ ...FACTS, id: 7, saved: { ...WRITTEN }, sending: true }), "send");
  assert.equal(nextStep({ ...FACTS, id: 7, saved: WRITTEN, sending: true, uploads: 1 }), "nothing");
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
