// The list of drafts: all that somebody wrote is in it, wherever it is kept.

import assert from "node:assert/strict";
import { draftEntries } from "../../src/web/draft_entries.ts";
import { EMPTY_DRAFT } from "../../src/web/draft_steps.ts";
import type { LocalDraft } from "../../src/web/local_drafts.ts";
import { item } from "./items.ts";

function local(key: string, id: number | null, text: string): LocalDraft {
  return { key, id, content: { ...EMPTY_DRAFT, text }, bases: [] };
}

Deno.test("what only this browser has is listed first, also of a draft that the host does not list any more", () => {
  const hosts = [item(7, { time: null, short_text: "host" }), item(5, { time: null })];
  const kept = [local("a", null, "here alone"), local("b", 7, "newer"), local("c", 3, "was sent")];
  assert.deepEqual(
    draftEntries(kept, hosts, () => null).map(({ id, local, text }) => [id, local, text]),
    [
      [null, "a", "here alone"],
      [3, "c", "was sent"],
      [7, "b", "newer"],
      [5, null, "hello"],
    ],
  );
});

Deno.test("an answer has the topic of its thread, if that is known", () => {
  const topics = draftEntries(
    [{ ...local("a", null, "x"), content: { ...EMPTY_DRAFT, pid: 1, topic: "left over" } }],
    [item(9, { time: null, pid: 2 })],
    (pid) => pid === 1 ? "Boat" : null,
  ).map(({ topic }) => topic);
  assert.deepEqual(topics, ["Boat", null]);
});
