// The order in which a thread is read.

import assert from "node:assert/strict";
import fc from "fast-check";
import { conversationOf } from "../../src/web/conversation.ts";
import { item, ME } from "./items.ts";

function told(messages: Parameters<typeof conversationOf>[0]): string[] {
  return conversationOf(messages, ME).map(({ item, depth, follows }) =>
    `${"  ".repeat(depth)}${item.id}${follows || item.pid === null ? "" : ` answers ${item.pid}`}`
  );
}

Deno.test("one after the other, drafts left out", () => {
  assert.deepEqual(
    told([item(3, { pid: 2 }), item(1), item(2, { pid: 1 }), item(4, { pid: 3, time: null })]),
    ["1", "2", "3"],
  );
});

Deno.test("a side branch stays together, indented; the branch with what came last goes on below", () => {
  assert.deepEqual(
    told([
      item(1),
      item(2, { pid: 1 }),
      item(3, { pid: 1 }),
      item(4, { pid: 2 }),
      item(5, { pid: 3 }),
    ]),
    ["1", "  2", "  4", "3 answers 1", "5"],
  );
});

Deno.test("what answers something that is not here stands in order of time, and says so", () => {
  assert.deepEqual(told([item(9, { pid: 4 }), item(7, { pid: 4 })]), [
    "7 answers 4",
    "9 answers 4",
  ]);
});

Deno.test("property: each is there once, below what it answers, at most three in, and what came last is last", () => {
  fc.assert(fc.property(fc.array(fc.nat(40), { minLength: 1, maxLength: 40 }), (parents) => {
    const items = parents.map((parent, i) => item(i + 1, { pid: i === 0 ? null : parent % i + 1 }));
    const entries = conversationOf(items, ME);
    assert.equal(entries.length, items.length);
    const places = new Map(entries.map(({ item }, place) => [item.id, place]));
    for (const { item, depth } of entries) {
      assert.ok(depth >= 0 && depth <= 3);
      if (item.pid === null) continue;
      assert.ok((places.get(item.pid) ?? Infinity) < (places.get(item.id) ?? -1));
    }
    assert.equal(entries.at(-1)?.item.id, items.length);
    assert.equal(entries.at(-1)?.depth, 0);
  }));
});

Deno.test("a thread of ten thousand, one below the other or all below one, is no work", () => {
  for (const chain of [false, true]) {
    const items = Array.from(
      { length: 10_000 },
      (_, i) => item(i + 1, { pid: i === 0 ? null : chain ? i : 1 }),
    );
    assert.equal(conversationOf(items, ME).at(-1)?.item.id, 10_000);
  }
});
