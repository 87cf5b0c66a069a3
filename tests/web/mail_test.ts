// The mailbox of the page: threads, how far the lists are loaded, and that the order of what comes does not matter.

import assert from "node:assert/strict";
import fc from "fast-check";
import type { MessageItem } from "../../src/api/message_schema.ts";
import { Mailbox } from "../../src/web/mail.ts";
import { delivery, item, ME } from "./items.ts";

const BOB = "@bob@b.test";

function page(
  box: Mailbox,
  list: "received" | "sent",
  items: readonly MessageItem[],
  { before = Infinity, limit = 100, asked = box.clock } = {},
): void {
  box.putPage({ list, before, limit, items, asked });
}

function whole(items: readonly MessageItem[]): Mailbox {
  const box = new Mailbox(ME);
  const down = items.toSorted((a, b) => b.id - a.id);
  page(box, "received", down.filter(({ from }) => from !== ME), { limit: 1000 });
  page(box, "sent", down.filter(({ from }) => from === ME), { limit: 1000 });
  return box;
}

function roots(box: Mailbox, view: "inbox" | "sent" = "inbox"): number[] {
  return [...box.threads(view)].map(({ root }) => root);
}

Deno.test("the inbox: threads by their root, what came last first, with what is told of each", () => {
  const box = whole([
    item(1, { topic: "first" }),
    item(2, { topic: "second", important: true, read: true }),
    item(3, { pid: 1, from: ME, to: [BOB, "@carol@c.test"] }),
    item(4, { pid: 3, from: "@carol@c.test", to: [ME, BOB] }),
    item(5, { pid: 4, from: ME, to: [BOB], time: null }),
    item(6, { from: ME, to: ["@dave@d.test"] }),
  ]);
  const [first, second, ...more] = box.threads("inbox");
  assert.equal(more.length, 0, "what was only sent is in no inbox");
  assert.equal(first?.root, 1);
  assert.equal(first.topic, "first");
  assert.equal(first.last.id, 4);
  assert.deepEqual([first.count, first.unread, first.drafts], [3, 2, [5]]);
  assert.deepEqual(first.people, ["@carol@c.test", BOB]);
  assert.deepEqual([second?.root, second?.important, second?.unread], [2, true, 0]);
  assert.deepEqual(roots(box, "sent"), [6, 1]);
  assert.deepEqual(box.drafts().map(({ id }) => id), [5]);
});

Deno.test("threads are shown down to where both lists are loaded, and no further", () => {
  const box = new Mailbox(ME);
  page(box, "received", [item(90), item(80), item(10)], { limit: 3 });
  assert.deepEqual(
    roots(box),
    [],
    "nothing of what was sent is known: a thread could be newer than it looks",
  );
  page(box, "sent", [item(85, { from: ME, to: [BOB] }), item(60, { from: ME, to: [BOB] })], {
    limit: 2,
  });
  assert.deepEqual(roots(box), [90, 80]);
  assert.deepEqual(box.nextLists("inbox"), ["sent"], "the list that is loaded least far");
  assert.equal(box.nextBefore("sent"), 60);
  page(box, "sent", [], { before: 60, limit: 2 });
  assert.equal(box.nextBefore("sent"), null);
  assert.deepEqual(roots(box), [90, 80, 10]);
  assert.deepEqual(box.nextLists("inbox"), ["received"]);
});

Deno.test("what went since is gone once its page is read again, and nothing else of the list", () => {
  const box = new Mailbox(ME);
  const items = Array.from({ length: 60 }, (_, i) => item(60 - i));
  page(box, "sent", []);
  page(box, "received", items.slice(0, 20), { limit: 20 });
  page(box, "received", items.slice(20, 40), { limit: 20, before: 41 });
  // Of the first page the five newest went meanwhile, of the second one in its middle.
  page(box, "received", items.slice(5, 25), { limit: 20 });
  page(box, "received", items.slice(25, 46).filter(({ id }) => id !== 30), {
    limit: 20,
    before: 36,
  });
  assert.equal(box.nextBefore("received"), 15);
  assert.deepEqual(roots(box).slice(0, 2), [55, 54]);
  assert.equal(box.message(30), null);
  assert.equal(roots(box).length, 40);
});

Deno.test("a page from further down than what is here is kept, and is not taken for a list without gaps", () => {
  const box = new Mailbox(ME);
  page(box, "sent", []);
  page(box, "received", [item(90), item(80)], { limit: 2 });
  page(box, "received", [item(20), item(10)], { limit: 2, before: 30 });
  assert.equal(box.nextBefore("received"), 80);
  assert.deepEqual(roots(box), [90, 80]);
  box.loseBelow("received", 85);
  assert.deepEqual([box.nextBefore("received"), roots(box)], [85, [90]]);
});

Deno.test("what a list has no more is gone; what came while the page was on its way stays", () => {
  const box = new Mailbox(ME);
  page(box, "sent", []);
  page(box, "received", [item(3), item(2), item(1)]);
  const asked = box.clock;
  box.put(item(4), true);
  page(box, "received", [item(3), item(1)], { asked });
  assert.deepEqual(roots(box), [4, 3, 1]);
});

Deno.test("a draft that was changed while a page was on its way stays as it was changed", () => {
  const draft = item(3, { from: ME, to: [BOB], time: null, topic: "old" });
  const box = whole([draft]);
  const asked = box.clock;
  box.put({ ...draft, topic: "new" });
  page(box, "sent", [draft], { asked });
  assert.equal(box.message(3)?.topic, "new");
});

Deno.test("a thread whose root is not here is one by what is missing, and joins when that comes or is hidden", () => {
  const box = whole([item(20, { pid: 7 }), item(21, { pid: 7 })]);
  const [thread] = box.threads("inbox");
  assert.deepEqual([thread?.root, thread?.missing, thread?.topic, thread?.count], [7, 7, null, 2]);
  box.put(item(7, { pid: 3 }));
  assert.deepEqual([...box.threads("inbox")].map(({ missing }) => missing), [3]);
  assert.equal(box.thread(21)?.root, 3);
  box.remove(3);
  assert.equal(box.thread(21)?.missing, null, "hidden: not asked for again");
  assert.equal(box.thread(21)?.topic, null);
});

Deno.test("somebody who is added to an old message has it on top", () => {
  const box = new Mailbox(ME);
  const sent = [item(90, { from: ME, to: [BOB] })];
  page(box, "received", [item(95), item(91)], { limit: 2 });
  page(box, "sent", sent, { limit: 1 });
  box.put(
    item(5, {
      to: [BOB],
      from: "@carol@a.test",
      add_to: [{
        batch_id: 96,
        add_to_from: "@carol@a.test",
        to: [ME],
        to_delivery: [
          delivery(ME, { state: "local", time_delivered: new Date(2_000_000).toISOString() }),
        ],
        time: 2000,
      }],
    }),
    true,
  );
  assert.deepEqual(roots(box), [5, 95, 91]);
});

Deno.test("a circle of parents, which no honest host makes, does no harm", () => {
  const box = whole([item(1, { pid: 2 }), item(2, { pid: 1 }), item(3, { pid: 3 })]);
  assert.equal(box.threads("inbox").length, 2);
  assert.equal(box.thread(1)?.count, 2);
});

const PENDING = { state: "pending", attempts: 1 } as const;
const DELIVERED = {
  state: "delivered",
  attempts: 2,
  time_delivered: "1970-01-01T01:00:00Z",
} as const;

/** A mailbox of a host: each message answers an earlier one or none, some deliveries have gone on. */
const MAILBOX = fc.array(
  fc.record({
    parent: fc.option(fc.nat(30), { nil: null }),
    own: fc.boolean(),
    read: fc.boolean(),
    delivered: fc.boolean(),
  }),
  { minLength: 1, maxLength: 30 },
).map((messages) =>
  messages.map(({ parent, own, read, delivered }, i): MessageItem => {
    const to = own ? [BOB] : [ME];
    const pid = parent === null || parent >= i ? null : parent + 1;
    return item(i + 1, {
      pid,
      from: own ? ME : BOB,
      to,
      read: read && !own,
      time_read: read && !own ? 5000 : null,
      to_delivery: to.map((addr) => delivery(addr, own ? (delivered ? DELIVERED : PENDING) : {})),
    });
  })
);

/** What is shown is what a walk over all finds: the threads that are certain, and how many of them are unread. */
function areCertain(box: Mailbox): void {
  const threads = new Set([...box.all()].map(({ id }) => box.thread(id)));
  for (const view of ["inbox", "sent"] as const) {
    const expected = [...threads].flatMap((thread) => thread ?? []).filter((thread) =>
      (view === "inbox" ? thread.received : thread.newestSent > 0) &&
      (thread.shown || (view === "inbox" ? thread.newest : thread.newestSent) >= box.frontier(view))
    );
    const told = [...box.threads(view)];
    assert.deepEqual(new Set(told), new Set(expected));
    assert.equal(told.length, expected.length);
    assert.equal(box.unread(view), expected.filter(({ unread }) => unread > 0).length);
  }
}

/** As it was before it was read, and delivered. */
function earlier(later: MessageItem): MessageItem {
  return {
    ...later,
    read: false,
    time_read: null,
    to_delivery: later.to_delivery.map(({ addr }) =>
      delivery(addr, later.from === ME ? PENDING : {})
    ),
  };
}

Deno.test("property: pages and events in any order, twice, stale or fresh, give the same threads", () => {
  fc.assert(
    fc.property(
      MAILBOX,
      fc.integer({ min: 1, max: 7 }),
      fc.infiniteStream(fc.nat()),
      (items, limit, random) => {
        const expected = [...whole(items).threads("inbox")];
        const box = new Mailbox(ME);
        const lists = {
          received: items.filter(({ from }) => from !== ME),
          sent: items.filter(({ from }) => from === ME),
        };
        const number = (below: number): number => (random.next().value ?? 0) % below;
        for (let steps = 0; box.nextLists("inbox").length > 0; steps++) {
          assert.ok(steps < 500, "the lists come to their end");
          const event = items[number(items.length)];
          const chance = number(3);
          if (chance === 0 && event !== undefined) box.put(event, number(2) === 0);
          if (chance === 1 && event !== undefined) box.put(earlier(event));
          const list = number(2) === 0 ? "received" : "sent";
          const before = box.nextBefore(list);
          if (before === null) continue;
          const down = lists[list].filter(({ id }) => id < before).toReversed().slice(0, limit);
          page(box, list, number(2) === 0 ? down : down.map(earlier), { before, limit });
          // More came than was caught up with: the list is loaded again from there.
          if (number(12) === 0) box.loseBelow(list, number(items.length));
          // Read in between, so that what follows changes threads that are in their places already.
          if (number(2) === 0) areCertain(box);
        }
        for (const one of items) box.put(one);
        // What an event brought is shown however far down; in the end that makes no difference.
        const told = [...box.threads("inbox")].map((thread) => ({ ...thread, shown: false }));
        assert.deepEqual(told.map(({ root }) => root), expected.map(({ root }) => root));
        assert.deepEqual(told, expected);
      },
    ),
  );
});

Deno.test("property: whatever goes or comes, each message is in exactly one thread, under its root", () => {
  fc.assert(fc.property(MAILBOX, fc.array(fc.nat(30)), (items, gone) => {
    const box = whole(items);
    assert.ok(box.threads("inbox").length <= items.length);
    for (const id of gone) {
      box.remove(id);
      areCertain(box);
    }
    const left = whole([...box.all()]);
    const told = (view: "inbox" | "sent") => [...box.threads(view)].map((thread) => thread.last.id);
    assert.deepEqual(told("inbox"), [...left.threads("inbox")].map((thread) => thread.last.id));
    assert.deepEqual(told("sent"), [...left.threads("sent")].map((thread) => thread.last.id));
    for (const { id } of box.all()) {
      const thread = box.thread(id);
      assert.ok(thread !== null && box.messagesOf(thread.root).some((one) => one.id === id));
    }
    const counted = new Set([...box.all()].map(({ id }) => box.thread(id)?.root));
    const all = [...counted].reduce(
      (sum: number, root) => sum + (box.thread(root ?? 0)?.count ?? 0),
      0,
    );
    assert.equal(all, box.size);
  }));
});

Deno.test("ten thousand messages are no work, be they threads of their own or one, and an event even less", () => {
  for (const chain of [false, true]) {
    const items = Array.from(
      { length: 10_000 },
      (_, i) => item(i + 1, { pid: chain && i > 0 ? i : null }),
    );
    const box = new Mailbox(ME);
    // Quadratic work would take minutes here.
    for (const one of items.toReversed()) box.put(one);
    page(box, "received", items.toReversed(), { limit: 20_000 });
    page(box, "sent", []);
    assert.equal(box.threads("inbox").length, chain ? 1 : 10_000);
    for (let i = 0; i < 100; i++) {
      box.put(item(20_000 + i));
      if (!chain) box.threads("inbox");
    }
  }
});
