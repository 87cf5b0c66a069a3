// What is offered after a delivery that failed for good, by its code and by what is known of the message answered.

import { deepEqual, equal } from "node:assert/strict";
import type { DeliveryJson, MessageItem } from "../../src/api/message_schema.ts";
import {
  arrivalOf,
  contentFor,
  failureOf,
  recoveryOf,
  sentAgain,
} from "../../src/web/recovery_steps.ts";
import { batch, delivery, item, ME } from "./items.ts";

const BOB = "@bob@b.test";
const CAROL = "@carol@c.test";
const NOBODY: ReadonlySet<string> = new Set();

const failed = (addr: string, code: number | null): DeliveryJson =>
  delivery(addr, { state: "failed", response_code: code });

function mine(deliveries: readonly DeliveryJson[], fields: Partial<MessageItem> = {}): MessageItem {
  const to = deliveries.map(({ addr }) => addr);
  return item(9, { from: ME, to, to_delivery: [...deliveries], type: "text/markdown", ...fields });
}

function offered(
  message: MessageItem,
  { at = 0, parent = null, done = NOBODY }: {
    readonly at?: number;
    readonly parent?: MessageItem | null;
    readonly done?: ReadonlySet<string>;
  } = {},
): unknown {
  const recovery = recoveryOf({
    item: message,
    delivery: message.to_delivery[at] ?? failed("@none@x.test", null),
    parent,
    me: ME,
    done,
  });
  return recovery?.ways.map((way) =>
    way.kind === "add and send" ? `add ${way.add.join(" ")}` : way.kind
  ) ?? null;
}

Deno.test("N7 recovery: each final code has its way, and clocks and versions have none", () => {
  deepEqual([6, 100, 4].map((code) => failureOf(failed(BOB, code))), ["parent", "address", "size"]);
  for (const code of [null, 3, 5, 7, 101, 102, 105]) equal(failureOf(failed(BOB, code)), "other");
  for (const code of [1, 2, 8, 9, 10]) equal(failureOf(failed(BOB, code)), null);
  equal(failureOf(delivery(BOB, { state: "pending", response_code: 101 })), null);
  deepEqual(offered(mine([failed(BOB, 101)])), ["send"]);
  deepEqual(offered(mine([failed(BOB, 100)])), ["write"]);
});

Deno.test("D6 recovery: after a 6 they are added to the message answered, or get a new thread", () => {
  const answer = mine([failed(CAROL, 6)], { pid: 1 });
  deepEqual(offered(answer, { parent: item(1, { from: BOB, to: [ME] }) }), [
    `add ${CAROL}`,
    "write",
  ]);
  deepEqual(offered(answer), ["write"], "what is answered is not here");
  const added = item(1, {
    from: BOB,
    to: ["@x@b.test"],
    add_to: [{ batch_id: 2, add_to_from: "@x@b.test", to: [ME], to_delivery: [], time: 1002 }],
  });
  deepEqual(offered(answer, { parent: added }), ["write"], "who was added cannot add");
});

Deno.test("D6 recovery: who was added since the answer just gets it again; who was added before cannot be", () => {
  const answer = mine([failed(CAROL, 6)], { pid: 1, time: 2000 });
  const withBatch = (time: number): MessageItem =>
    item(1, {
      from: BOB,
      to: [ME],
      add_to: [{ batch_id: 2, add_to_from: ME, to: [CAROL], to_delivery: [], time }],
    });
  deepEqual(offered(answer, { parent: withBatch(2100) }), ["send", "write"]);
  deepEqual(offered(answer, { parent: withBatch(1900) }), ["write"]);
});

Deno.test("D6 recovery: an answer to a host that the message answered never reached is added there first", () => {
  const parent = mine([failed(BOB, null)], { id: 1 });
  deepEqual(offered(mine([failed(BOB, null)], { pid: 1 }), { parent }), [`add ${BOB}`, "write"]);
});

Deno.test("N7 recovery: offered once for all who failed in the same way, without those who got it since", () => {
  const message = mine([failed(BOB, 101), failed(CAROL, 5), failed("@no@c.test", 100)]);
  deepEqual(offered(message, { at: 0 }), ["send"]);
  equal(offered(message, { at: 1 }), null);
  deepEqual(offered(message, { at: 2 }), ["write"]);
  deepEqual(offered(message, { at: 1, done: new Set([BOB]) }), ["send"]);
});

Deno.test("N7 recovery: nothing is offered for others' messages, or for what is no text", () => {
  equal(offered(mine([failed(BOB, 101)], { from: CAROL })), null);
  equal(offered(mine([failed(BOB, 101)], { type: "application/json" })), null);
});

Deno.test("N7 recovery: what was sent again later is known by its content, and by nothing that came before", () => {
  const first = mine([failed(BOB, 101)], { topic: "boat" });
  const again = item(10, { ...first, id: 10, time: 3000, to: [BOB] });
  deepEqual([...sentAgain([first, again], first)], [[BOB, again]]);
  for (const other of [{ time: 500 }, { size: 6 }, { topic: "car" }, { from: CAROL }, { pid: 3 }]) {
    equal(sentAgain([item(10, { ...again, ...other })], first).size, 0, JSON.stringify(other));
  }
});

Deno.test("N7 recovery: a new thread of an answer takes the topic of its thread", () => {
  const answer = mine([failed(BOB, 6)], { pid: 1, topic: "" });
  const content = { to: [BOB], text: "hi", topic: "boat" };
  const { topic, pid, markdown } = contentFor(answer, { ...content, pid: null });
  deepEqual({ topic, pid, markdown }, { topic: "boat", pid: null, markdown: true });
  equal(contentFor(answer, { ...content, pid: 1 }).topic, "");
});

Deno.test("D6 recovery: the added are there when one of them has it, and failed when none has", () => {
  const parent = (...states: DeliveryJson["state"][]): MessageItem =>
    item(1, {
      add_to: states.map((state, i) => ({
        batch_id: i + 2,
        add_to_from: ME,
        to: [`@u${i}@c.test`],
        to_delivery: [delivery(`@u${i}@c.test`, { state })],
        time: 1002,
      })),
    });
  const both = ["@u0@c.test", "@U1@c.test"];
  equal(arrivalOf(parent("delivered"), both), "not added");
  equal(arrivalOf(parent("delivered", "pending"), both), "on its way");
  equal(arrivalOf(parent("failed", "delivered"), both), "there");
  equal(arrivalOf(parent("failed", "failed"), both), "failed");
});

Deno.test("N7 recovery: whom it reached after they were added is not sent it a second time", () => {
  const message = mine([failed(BOB, 101), failed(CAROL, 101)], {
    add_to: [batch(ME, [delivery(BOB, { state: "delivered" })])],
  });
  const recovery = recoveryOf({
    item: message,
    delivery: failed(CAROL, 101),
    parent: null,
    me: ME,
    done: NOBODY,
  });
  deepEqual(recovery?.to, [CAROL]);
});
