// The page in Chromium, from a running host over TLS.

import assert from "node:assert/strict";
import { World } from "../../support/world.ts";
import { Browser, originOf } from "./browser.ts";

/** Of the first view, compressed, with all that it loads. */
const FIRST_VIEW_BYTES = 100_000;

Deno.test("the page loads in Chromium within 100 KB, keeps to its policy, and may have a service worker", async (t) => {
  await using world = await World.make();
  const host = await world.host({ api: { tls: true } });
  await using browser = await Browser.open([host]);
  const visitor = await browser.visitor();
  const { page, faults } = visitor;

  const answer = await page.goto(originOf(host), { waitUntil: "networkidle" });
  assert.equal(answer?.status(), 200);
  assert.deepEqual(faults, []);
  assert.equal(await page.title(), "fmsg");
  assert.ok(visitor.received > 1000, `${visitor.received} bytes are counted`);
  assert.ok(visitor.received < FIRST_VIEW_BYTES, `the first view has ${visitor.received} bytes`);

  const headers = await answer?.allHeaders() ?? {};
  const {
    "content-encoding": encoding,
    "content-security-policy": policy = "",
    "cross-origin-opener-policy": opener,
    "cross-origin-resource-policy": resource,
    "referrer-policy": referrer,
    "strict-transport-security": transport = "",
    "x-content-type-options": sniffing,
  } = headers;
  assert.deepEqual({ encoding, opener, resource, referrer, sniffing }, {
    encoding: "br",
    opener: "same-origin",
    resource: "same-origin",
    referrer: "no-referrer",
    sniffing: "nosniff",
  });
  assert.match(transport, /^max-age=\d+$/);
  assert.doesNotMatch(policy, /unsafe|sandbox/);

  // A certificate with an error that is looked over would not do for this.
  const scope = await page.evaluate("navigator.serviceWorker.ready.then(({ scope }) => scope)");
  assert.equal(scope, `${originOf(host)}/`);
  assert.deepEqual(faults, []);

  await t.step("what the policy forbids is not run or loaded, and is noticed", async () => {
    const ran = await page.evaluate(`(async () => {
      const script = document.createElement("script");
      let assigned = true;
      try {
        script.textContent = "document.title = 'ran'";
      } catch {
        assigned = false;
      }
      document.body.append(script);
      const image = new Image();
      const loaded = await new Promise((resolve) => {
        image.onload = () => resolve(true);
        image.onerror = () => resolve(false);
        image.src = "data:image/gif;base64,R0lGODlhAQABAAAAACw=";
      });
      return { assigned, loaded, title: document.title };
    })()`);
    assert.deepEqual(ran, { assigned: false, loaded: false, title: "fmsg" });
    assert.ok(faults.some((fault) => /img-src/.test(fault)), faults.join("\n"));
  });
});
