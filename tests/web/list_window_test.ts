// The lines of a long list that are there: those that are seen, and a few more, however long it is.

import assert from "node:assert/strict";
import { shiftOf, windowOf } from "../../src/web/list_window.ts";

const keyOf = (key: number): number => key;

Deno.test("the window has all that is seen, no more than some lines beyond, and keeps within the list", () => {
  for (const count of [0, 1, 10, 100_000]) {
    for (const top of [0, 1, 83, 84, 5000, count * 84 - 800]) {
      const { first, end } = windowOf({ top, height: 800, line: 84, count });
      assert.ok(first >= 0 && end <= count, `${first} to ${end} of ${count}`);
      assert.ok(end - first <= 36, `${end - first} lines`);
      const seen = [
        Math.max(0, Math.floor(top / 84)),
        Math.min(count, Math.ceil((top + 800) / 84)),
      ];
      if (top >= 0 && top < count * 84) {
        assert.ok(first <= (seen[0] ?? 0) && end >= (seen[1] ?? 0), `${top} of ${count}`);
      }
    }
  }
});

Deno.test("what comes on top moves what is seen; a thread that itself came to the top does not", () => {
  const before = Array.from({ length: 1000 }, (_, i) => i);
  const seen = { keyOf, first: 500, end: 510 };
  assert.equal(shiftOf(before, [-3, -2, -1, ...before], seen), 3);
  assert.equal(shiftOf(before, before.slice(20), seen), -20);
  assert.equal(shiftOf(before, [508, ...before.filter((key) => key !== 508)], seen), 1);
  assert.equal(shiftOf(before, [501, ...before.filter((key) => key !== 501)], seen), 0);
  assert.equal(shiftOf(before, [], seen), 0);
});
