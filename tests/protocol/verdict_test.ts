// Step 3.6.1: the code for one recipient.

import assert from "node:assert/strict";
import { disclosed, judgeRecipient } from "../../src/protocol/mod.ts";
import type { RecipientCode } from "../../src/wire/mod.ts";

Deno.test("P3 the first of 3.6.1.2 to 3.6.1.6 that applies is the code", () => {
  const BOOLEANS = [false, true];
  for (const duplicate of BOOLEANS) {
    assert.equal(judgeRecipient({ duplicate, user: null }), duplicate ? 103 : 100);
    for (const full of BOOLEANS) {
      for (const accepting of BOOLEANS) {
        const expected = duplicate ? 103 : full ? 101 : accepting ? 200 : 102;
        assert.equal(judgeRecipient({ duplicate, user: { full, accepting } }), expected);
      }
    }
  }
});

Deno.test("P3 105 stands for 100, 101 and 102 where users are not disclosed, never for 103 and 200", () => {
  const cases: [RecipientCode, RecipientCode][] = [
    [100, 105],
    [101, 105],
    [102, 105],
    [103, 103],
    [105, 105],
    [200, 200],
  ];
  for (const [code, hidden] of cases) {
    assert.equal(disclosed(code, false), hidden);
    assert.equal(disclosed(code, true), code);
  }
});
