// Answers that wait in memory for clients that do not take them.

import assert from "node:assert/strict";
import { jsonResponse } from "../../../src/api/response.ts";
import { AnswerMemory } from "../../../src/api/server/answer_memory.ts";

const MIB = 1024 * 1024;

Deno.test("N9 JSON answers that wait are bounded in their bytes; small ones and streams are let through", () => {
  const memory = new AnswerMemory();
  const page = jsonResponse("a".repeat(10 * MIB));
  const places = [1, 2, 3].map(() => memory.hold(page));
  assert.ok(places.every((place) => place !== null));
  assert.equal(memory.hold(page), null);
  assert.notEqual(memory.hold(jsonResponse({ id: 1 })), null);
  const stream = new Response(null, { headers: { "content-length": String(100 * MIB) } });
  assert.notEqual(memory.hold(stream), null);
  places[0]?.[Symbol.dispose]();
  assert.notEqual(memory.hold(page), null);
});

Deno.test("N9 one answer is let through whatever its size, when none waits", () => {
  assert.notEqual(new AnswerMemory().hold(jsonResponse("a".repeat(40 * MIB))), null);
});
