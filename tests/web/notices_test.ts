// What the page tells in passing.

import { deepEqual, equal } from "node:assert/strict";
import { announce, announced, closeNotice, notices, notify } from "../../src/web/notices.ts";

function texts(): string[] {
  return notices.value.map(({ text }) => text);
}

function closeAll(): void {
  for (const { id } of notices.value) closeNotice(id);
}

Deno.test("notices: the same is told once, and of many the last four", () => {
  closeAll();
  for (const text of ["a", "b", "b", "c", "d", "e"]) notify(text);
  deepEqual(texts(), ["b", "c", "d", "e"]);
  closeNotice(notices.value[1]?.id ?? 0);
  deepEqual(texts(), ["b", "d", "e"]);
  closeAll();
});

Deno.test("notices: a problem stays until it is closed, news goes by itself unless it is to stay", () => {
  closeAll();
  notify("problem");
  notify("news", "news");
  notify("a new version", "news", { stays: true });
  deepEqual(notices.value.map(({ stays }) => stays), [true, false, true]);
  closeAll();
});

Deno.test("notices: news with something to do about it stays when it is to stay", () => {
  closeAll();
  let done = 0;
  notify("new", "news", { offer: { label: "Load it", act: () => done++ }, stays: true });
  notices.value[0]?.offer?.act();
  equal(done, 1);
  deepEqual(texts(), ["new"]);
  closeAll();
});

Deno.test("notices: the same words said again are another text, which screen readers read again", () => {
  announce("Sent");
  const first = announced.value;
  announce("Sent");
  equal(announced.value.trim(), first);
  equal(announced.value === first, false);
});
