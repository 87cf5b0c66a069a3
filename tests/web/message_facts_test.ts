// What is read off one message.

import assert from "node:assert/strict";
import { addressKey } from "../../src/web/addresses.ts";
import { arrivedAt, latestDeliveries } from "../../src/web/message_facts.ts";
import { summaryOf } from "../../src/web/thread.ts";
import { summaryWords } from "../../src/web/words.ts";
import { batch, delivery, item, ME } from "./items.ts";

Deno.test("of what came and what was sent within one second, the later stands above", () => {
  const me = addressKey(ME);
  const sent = item(1, { from: ME, to: ["@bob@b.test"], time: 1000.2 });
  const came = item(2, {
    time: 1000.7,
    to_delivery: [delivery(ME, { time_delivered: "1970-01-01T00:16:40Z" })],
  });
  assert.equal(arrivedAt(came, me), 1000.7);
  assert.ok(arrivedAt(came, me) > arrivedAt(sent, me));
  // Delivered a while after it was sent: then.
  const late = item(3, {
    time: 900.5,
    to_delivery: [delivery(ME, { time_delivered: "1970-01-01T00:16:40Z" })],
  });
  assert.equal(arrivedAt(late, me), 1000);
});

const BOB = "@bob@b.test";
const CAROL = "@carol@c.test";

Deno.test("N7 somebody whom it reached after they were added again counts as reached, everywhere", () => {
  const again = (state: "delivered" | "failed") =>
    item(1, {
      from: ME,
      to: [BOB, CAROL],
      to_delivery: [
        delivery(BOB, { state: "failed", response_code: 101 }),
        delivery(CAROL, { state: "delivered" }),
      ],
      add_to: [batch(ME, [delivery("@Bob@b.test", { state, response_code: 102 })])],
    });
  const failures = (message: ReturnType<typeof again>) =>
    summaryOf(1, [message], {
      me: addressKey(ME),
      isShown: () => true,
      isReceived: () => false,
      isHidden: false,
    })?.failed;
  const reached = again("delivered");
  assert.deepEqual(latestDeliveries(reached).map(({ state }) => state), ["delivered", "delivered"]);
  assert.equal(summaryWords(reached)?.tone, "done");
  assert.equal(failures(reached), 0);

  // Failed twice is one failure: the latest.
  const failed = again("failed");
  assert.deepEqual(
    latestDeliveries(failed).map(({ addr, response_code }) => [addr, response_code]),
    [
      ["@Bob@b.test", 102],
      [CAROL, null],
    ],
  );
  assert.equal(summaryWords(failed)?.text, "Not delivered to 1 recipient");
  assert.equal(failures(failed), 1);
});

Deno.test("whoever has the message has it, whatever becomes of a later batch", () => {
  const message = item(1, {
    from: ME,
    to: [BOB],
    to_delivery: [delivery(BOB, { state: "delivered" })],
    add_to: [batch(CAROL, [delivery(BOB, { state: "failed", response_code: 10 })])],
  });
  assert.deepEqual(latestDeliveries(message).map(({ state }) => state), ["delivered"]);
});
