// Who is on a host that cannot take an answer: the same as the host decides (row N4), before somebody presses "Send".

import { deepEqual, equal } from "node:assert/strict";
import type { MessageItem } from "../../src/api/message_schema.ts";
import { alreadyOn, strangersOf } from "../../src/web/strangers.ts";
import { delivery, item, ME } from "./items.ts";

const BOB = "@bob@b.test";
const CAROL = "@carol@c.test";
const DAVE = "@dave@d.test";

const mine = (fields: Partial<MessageItem> = {}): MessageItem =>
  item(1, { from: ME, to: [BOB], ...fields });
const batch = (id: number, to: string[], by = ME): MessageItem["add_to"][number] => ({
  batch_id: id,
  add_to_from: by,
  to,
  to_delivery: to.map((addr) => delivery(addr, { state: "delivered" })),
  time: 1000 + id,
});

Deno.test("N4 strangers: whose domain has the message answered is none, wherever it stands in it", () => {
  equal(strangersOf([BOB, "@other@B.test", "@x@a.test"], mine(), ME), null);
  equal(strangersOf([CAROL], mine({ from: CAROL, to: [ME] }), ME), null);
  equal(strangersOf([CAROL, BOB], mine({ add_to: [batch(2, [CAROL])] }), ME), null);
});

Deno.test("N4 strangers: whose domain never had it is one, and can be added by its sender", () => {
  deepEqual(strangersOf([BOB, CAROL, DAVE], mine(), ME), {
    addresses: [CAROL, DAVE],
    add: [CAROL, DAVE],
  });
});

Deno.test("N4 strangers: a domain where all failed does not have it; what waits is awaited", () => {
  const parent = (...states: ("failed" | "pending" | "delivered")[]): MessageItem => {
    const to = states.map((_, i) => `@u${i}@b.test`);
    return mine({
      to,
      to_delivery: to.map((addr, i) => delivery(addr, { state: states[i] ?? "pending" })),
    });
  };
  deepEqual(strangersOf([BOB], parent("failed", "failed"), ME)?.addresses, [BOB]);
  equal(strangersOf([BOB], parent("failed", "pending"), ME), null);
  equal(strangersOf([BOB], parent("failed", "delivered"), ME), null);
});

Deno.test("D10 strangers: an answer names one batch, so two batches' hosts are not reached at once", () => {
  const parent = mine({ add_to: [batch(2, [CAROL]), batch(3, [DAVE])] });
  equal(strangersOf([BOB, DAVE], parent, ME), null);
  const both = strangersOf([CAROL, DAVE], parent, ME);
  equal(both?.addresses.length, 1);
  equal(both?.add, null, "who was added once is not added again");
  // Somebody else of these domains can be: one more batch has both.
  deepEqual(strangersOf(["@other@c.test", "@other@d.test"], parent, ME)?.add, [
    "@other@c.test",
    "@other@d.test",
  ]);
});

Deno.test("N4 strangers: whoever was added has no right to add, and answers by their own batch", () => {
  const parent = item(1, { from: BOB, to: [CAROL], add_to: [batch(2, [ME], CAROL)] });
  equal(strangersOf([BOB, CAROL], parent, ME), null);
  deepEqual(strangersOf([DAVE], parent, ME), { addresses: [DAVE], add: null });
});

Deno.test("N4 adding: those on it are refused, but a recipient to whom it could not be delivered may be added", () => {
  const parent = mine({
    to: [BOB, DAVE],
    to_delivery: [delivery(BOB, { state: "delivered" }), delivery(DAVE, { state: "failed" })],
    add_to: [batch(2, [CAROL])],
  });
  deepEqual(alreadyOn(parent), [ME, BOB, CAROL]);
});
