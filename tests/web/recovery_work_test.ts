// Sending again, while who is signed in changes.

import assert from "node:assert/strict";
import { delivery, item, ME } from "./items.ts";
import { PretendedBrowser } from "./pretended_browser.ts";

const BOB = "@bob@b.test";
const MALLORY = "@mallory@a.test";

let signedIn = ME;
const copying = Promise.withResolvers<Response>();
const browser = new PretendedBrowser(({ what }) => {
  if (what === "GET /session") {
    return Response.json({ address: signedIn, sessions: [], limits: {} });
  }
  if (what === "GET /fmsg/9/data") return copying.promise;
  return Response.json(what === "POST /fmsg" ? { id: 10 } : []);
});
const { recover, workOf } = await import("../../src/web/recovery_work.ts");
const { session, startMail, stopMail } = await import("../../src/web/state.ts");
const { refreshSession } = await import("../../src/web/session.ts");

Deno.test("what is being sent again is not sent as somebody else who signs in meanwhile, in this tab or another", async () => {
  await refreshSession();
  startMail(ME);
  try {
    const failed = delivery(BOB, { state: "failed", response_code: 101 });
    const mine = item(9, { from: ME, to: [BOB], to_delivery: [failed], type: "text/plain" });
    const recovery = { failure: "other", to: [BOB], ways: [{ kind: "send" }] } as const;
    recover(mine, recovery, { kind: "send" });
    const work = workOf(mine, recovery);
    assert.equal(browser.askedOf("GET /fmsg/9/data").length, 1);

    signedIn = MALLORY;
    await refreshSession();
    startMail(MALLORY);
    assert.equal(session.value.kind, "in");
    assert.equal(workOf(mine, recovery), null);
    copying.resolve(new Response("For Bob"));
    await work?.run();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(browser.askedOf("POST /fmsg"), []);
  } finally {
    stopMail();
  }
});
