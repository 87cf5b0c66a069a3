import assert from "node:assert/strict";
import { addressKey } from "../../src/web/addresses.ts";
import { arrivedAt } from "../../src/web/message_facts.ts";
import { delivery, item, ME } from "./items.ts";

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
