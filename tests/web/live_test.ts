// The connection: what a page that was not looked at does when it is seen again.

import assert from "node:assert/strict";
import { PretendedBrowser } from "./pretended_browser.ts";

const browser = new PretendedBrowser(() => Response.json([]));
const { Live } = await import("../../src/web/live.ts");

Deno.test("a page that is seen again after a while, asleep or not, has a new connection", () => {
  const clock = Date.now;
  const live = new Live({
    onEvent: () => {},
    onConnection: () => {},
    catchUp: () => Promise.resolve(),
    onEnded: () => {},
  });
  try {
    browser.sockets[0]?.open();
    const seenAfter = (milliseconds: number): number => {
      const [sockets, hidden] = [browser.sockets.length, clock()];
      Date.now = () => hidden;
      browser.show("hidden");
      Date.now = () => hidden + milliseconds;
      browser.show("visible");
      return browser.sockets.length - sockets;
    };
    assert.equal(seenAfter(1_000), 0, "whoever only looks elsewhere keeps it");
    assert.equal(seenAfter(8 * 3_600_000), 1, "a night");
    assert.equal(seenAfter(-3_600_000), 1, "the clock was set back");
  } finally {
    live.stop();
    Date.now = clock;
  }
});
