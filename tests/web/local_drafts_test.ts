// What was written is kept in the browser, as far as that has room.

import assert from "node:assert/strict";
import { EMPTY_DRAFT } from "../../src/web/draft_steps.ts";
import { PretendedBrowser } from "./pretended_browser.ts";

new PretendedBrowser(() => Response.error());
const { keepLocally, localDrafts } = await import("../../src/web/local_drafts.ts");

const written = (text: string) => ({ ...EMPTY_DRAFT, text });
const draft = { key: "k", id: 7, content: written("new"), bases: [written("old")] };

Deno.test("a draft is kept with what the host's copy said", () => {
  assert.equal(keepLocally(draft), true);
  assert.deepEqual(localDrafts(), [draft]);
});

Deno.test("where there is no room for all of it, what was written is kept", () => {
  const { setItem } = localStorage;
  const room = JSON.stringify({ ...draft, bases: [] }).length - 5;
  localStorage.setItem = (name, value) => {
    if (value.length > room) throw new DOMException("No room", "QuotaExceededError");
    setItem.call(localStorage, name, value);
  };
  try {
    assert.equal(keepLocally(draft), true);
    assert.deepEqual(localDrafts(), [{ ...draft, bases: [] }]);
    assert.equal(keepLocally({ ...draft, content: written("much ".repeat(100)) }), false);
    assert.deepEqual(localDrafts(), [], "an older one is not taken for it");
  } finally {
    localStorage.setItem = setItem;
  }
});
