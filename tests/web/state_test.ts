// What the page shows while the host is away, and what becomes of what was read.

import assert from "node:assert/strict";
import type { MessageItem } from "../../src/api/message_schema.ts";
import { Offline } from "../../src/web/errors.ts";
import { item, ME } from "./items.ts";
import { type Answering, PretendedBrowser } from "./pretended_browser.ts";

const browser = new PretendedBrowser(() => Response.json([]));
const state = await import("../../src/web/state.ts");

/** A mailbox with these messages, of which the service worker has kept the list. */
async function begun(items: readonly MessageItem[]): Promise<void> {
  browser.answer = listing(items);
  state.startMail(ME);
  await state.loadMore("inbox");
  await settled();
}

function listing(items: readonly MessageItem[]): Answering {
  return ({ what }) => Response.json(what.startsWith("GET /fmsg?") ? items : []);
}

async function settled(): Promise<void> {
  while (state.loading.value) await new Promise((resolve) => setTimeout(resolve, 1));
}

function topics(): (string | null)[] {
  return [...state.inbox.value].map(({ topic }) => topic);
}

Deno.test("while the host is started anew, what came since the page was opened stays", async () => {
  const before = [item(1, { topic: "before" })];
  await begun(before);
  try {
    state.putMessage(2, item(2, { topic: "just now" }));
    state.putMessage(3, item(3, { from: ME, time: null, topic: "a draft" }));
    const kept = listing(before);
    browser.answer = (asked) => asked.fresh ? Promise.reject(new TypeError("gone")) : kept(asked);
    await assert.rejects(state.catchUp(), Offline);
    assert.deepEqual(topics(), ["just now", "before"]);
    assert.deepEqual(state.drafts.value.map(({ topic }) => topic), ["a draft"]);
    // Back, with what came meanwhile.
    browser.answer = listing([item(4, { topic: "meanwhile" }), item(2), ...before]);
    await state.catchUp();
    assert.equal(topics()[0], "meanwhile");
    assert.deepEqual(state.drafts.value, [], "sent or discarded elsewhere");
  } finally {
    state.stopMail();
  }
});

Deno.test("one message that is gone keeps no other from being told as read", async () => {
  const items = [item(3), item(2), item(1)];
  await begun(items);
  try {
    browser.answer = ({ what }) => {
      const gone = what === "POST /fmsg/3/read";
      return gone
        ? Response.json({ error: "Gone" }, { status: 404 })
        : Response.json({ time_read: 1 });
    };
    await Promise.all(items.map(({ id }) => state.markRead(id)));
    assert.deepEqual(
      browser.asked.map(({ what }) => what).filter((what) => what.endsWith("/read")),
      ["POST /fmsg/3/read", "POST /fmsg/2/read", "POST /fmsg/1/read"],
    );
  } finally {
    state.stopMail();
  }
});
