// What a reader has before them of a thread: what is shown, open, folded, and new.

import assert from "node:assert/strict";
import type { MessageItem } from "../../src/api/message_schema.ts";
import { conversationOf } from "../../src/web/conversation.ts";
import {
  openedAt,
  type ViewFacts,
  withLookedAt,
  withNews,
  withOpen,
  withShown,
} from "../../src/web/conversation_view.ts";
import { blocksOf, STEP } from "../../src/web/conversation_window.ts";
import { item, ME } from "./items.ts";

const facts: ViewFacts = {
  isUnread: ({ item }) => !item.read && item.from !== ME,
  isOwn: ({ item }) => item.from === ME,
};

/** One below the other; those from `unread` on are unread. */
function chain(length: number, unread = Infinity): MessageItem[] {
  return Array.from(
    { length },
    (_, i) => item(i + 1, { pid: i === 0 ? null : i, has_pid: i > 0, read: i + 1 < unread }),
  );
}

function entriesOf(items: readonly MessageItem[]): ReturnType<typeof conversationOf> {
  return conversationOf(items, ME);
}

Deno.test("a thread opens at the first unread; what is unread is open, and the last", () => {
  const view = openedAt(entriesOf(chain(6, 4)), 1, facts);
  assert.equal(view.target, 4);
  assert.deepEqual([...view.open], [4, 5, 6]);
  assert.equal(view.shown.size, 6);
});

Deno.test("a thread that was read opens at its last message, or at the one that was asked for", () => {
  const entries = entriesOf(chain(6));
  assert.equal(openedAt(entries, 1, facts).target, 6);
  assert.equal(openedAt(entries, 3, facts).target, 3);
  assert.deepEqual([...openedAt(entries, 3, facts).open].sort(), [3, 6]);
});

Deno.test("ten thousand messages: few are shown, the others lie in folds that open in steps", () => {
  const entries = entriesOf(chain(10_000));
  let view = openedAt(entries, 1, facts);
  assert.ok(view.shown.size < 60);
  for (let steps = 0; steps < 3; steps++) {
    const folds = blocksOf(entries, view.shown, facts.isUnread)
      .flatMap((block) => block.kind === "folded" ? [block] : []);
    assert.equal(folds.length, 1);
    const [fold] = folds;
    assert.equal(fold?.next.length, STEP);
    // What was read before is gone back to from below.
    assert.equal(fold?.next.at(-1), fold?.ids.at(-1));
    const before = view.shown.size;
    view = withShown(view, fold?.next ?? []);
    assert.equal(view.shown.size, before + STEP);
  }
});

Deno.test("ten thousand unread: a few are open, and the fold below is read on from its top", () => {
  const entries = entriesOf(chain(10_000, 2));
  const view = openedAt(entries, 1, facts);
  assert.equal(view.target, 2);
  assert.ok(view.open.size <= 32);
  const fold = blocksOf(entries, view.shown, facts.isUnread).find(({ kind }) => kind === "folded");
  assert.ok(fold?.kind === "folded");
  assert.equal(fold.unread, fold.ids.length);
  assert.equal(fold.next[0], fold.ids[0]);
});

Deno.test("a fold of three or fewer is not worth one, and blocks hold each message once", () => {
  const entries = entriesOf(chain(60));
  const shown = new Set(entries.map(({ item }) => item.id).filter((id) => id < 20 || id > 22));
  const blocks = blocksOf(entries, shown, facts.isUnread);
  assert.ok(blocks.every(({ kind }) => kind === "message"));
  assert.equal(blocks.length, 60);
});

Deno.test("what comes while it is open is shown, open and told until it is looked at; nothing else moves", () => {
  const before = openedAt(entriesOf(chain(3)), 1, facts);
  const items = [...chain(3), item(9, { pid: 3, has_pid: true, read: false })];
  const view = withNews(before, entriesOf(items), facts);
  assert.deepEqual(view.fresh, [9]);
  assert.ok(view.open.has(9) && view.shown.has(9));
  assert.equal(view.target, before.target);
  assert.equal(withNews(view, entriesOf(items), facts), view);
  assert.deepEqual(withLookedAt(view, [9]).fresh, []);
});

Deno.test("an old message that comes later, as an ancestor does, is no news", () => {
  const view = openedAt(entriesOf([item(5, { pid: 4, has_pid: true })]), 5, facts);
  const after = withNews(
    view,
    entriesOf([item(4, { read: true }), item(5, { pid: 4, has_pid: true })]),
    facts,
  );
  assert.deepEqual(after.fresh, []);
  assert.ok(after.shown.has(4) && !after.open.has(4));
});

Deno.test("a message is folded and opened by hand", () => {
  const view = openedAt(entriesOf(chain(3)), 1, facts);
  assert.ok(!withOpen(view, 3, false).open.has(3));
  assert.ok(withOpen(view, 1, true).open.has(1));
});

Deno.test("the rail: a branch is joined from the side, what goes on from above", () => {
  const joins = entriesOf([
    item(1),
    item(2, { pid: 1 }),
    item(3, { pid: 1 }),
    item(4, { pid: 2 }),
    item(5, { pid: 3 }),
  ]).map(({ item, joins, answered }) => `${item.id} ${joins} ${answered}`);
  assert.deepEqual(joins, ["1 none 2", "2 branch 1", "4 on 0", "3 on 1", "5 on 0"]);
});
