// What a notification says (FMSG-003 "Push Payload", row N12).

import assert from "node:assert/strict";
import fc from "fast-check";
import { MOST_SHOWN, notificationOf } from "../../../src/api/push/notification.ts";
import { item } from "./items.ts";

/** The most that may be encrypted for one record that every push service takes (RFC 8030 7.2, RFC 8188). */
const MOST_BYTES = 4096 - 86 - 17;

function body(changes: Parameters<typeof item>[0]): string {
  return notificationOf(item(changes), 1).payload.body;
}

Deno.test("N12 a notification shows the text, or the topic, or what the message is", () => {
  assert.equal(body({ short_text: "hello\r\n\tworld \u0007" }), "hello world");
  assert.equal(body({ short_text: " \n", topic: "Lunch" }), "Lunch");
  assert.equal(body({ topic: "Lunch", type: "image/png" }), "Lunch");
  assert.equal(body({ type: "image/png", size: 1234 }), "[image/png, 1234 bytes]");
});

Deno.test("N12 whatever a message holds, its notification fits, and is cut between characters", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 768 }), fc.nat(), (text, root) => {
    const { payload } = notificationOf(
      item({ short_text: text, from: `@${"é".repeat(120)}@b` }),
      root,
    );
    const bytes = new TextEncoder().encode(JSON.stringify(payload));
    assert.ok(bytes.length <= MOST_BYTES);
    assert.ok(payload.body.isWellFormed());
    assert.ok([...payload.body].length <= MOST_SHOWN);
    assert.doesNotMatch(payload.body, /\p{Cc}/u);
  }));
  const emoji = "\u{1F600}";
  assert.equal(body({ short_text: emoji.repeat(MOST_SHOWN) }), emoji.repeat(MOST_SHOWN));
  assert.equal(body({ short_text: emoji.repeat(301) }), `${emoji.repeat(MOST_SHOWN - 1)}…`);
});
