// The service worker and what a browser keeps, in Chromium: notifications, and whose is what when people change.

import assert from "node:assert/strict";
import type { CDPSession, Worker } from "playwright-core";
import { notificationOf } from "../../../src/api/push/notification.ts";
import { texts } from "../../../src/web/texts.ts";
import { waitFor } from "../../support/wait.ts";
import { World } from "../../support/world.ts";
import { item } from "../../web/items.ts";
import { Browser, originOf, tokenIn } from "./browser.ts";

Deno.test("the browser keeps what is whose: notifications open threads, what was written outlives a session, and nobody sees another's", async (t) => {
  await using world = await World.make();
  const host = await world.host({ api: { tls: true }, users: ["alice", "bob", "carol"] });
  const [alice, bob] = [host.address("alice"), host.address("bob")];
  const carol = host.address("carol");
  const { id } = await host.send({
    from: carol,
    to: [alice],
    topic: "Hello",
    body: "For alice only",
  });
  await using browser = await Browser.open([host]);
  const visitor = await browser.visitor({ permissions: ["notifications"] });
  const { page, context } = visitor;
  const origin = originOf(host);
  const linkOf = async (address: string): Promise<string> =>
    `${origin}/#sign-in=${tokenIn(await host.json(["user", "link", address]))}`;
  await page.goto(await linkOf(alice));
  await visitor.isLive();
  await page.evaluate("navigator.serviceWorker.ready");
  const worker = context.serviceWorkers()[0] ?? await context.waitForEvent("serviceworker");
  const pushes = await Pushes.of(await context.newCDPSession(page), origin);
  await worker.evaluate(COUNT_SHOWN);

  await t.step("a push is shown with its words, also one that is not understood", async () => {
    await page.goto("about:blank");
    await waitFor(async () => await worker.evaluate(TABS) === 0, { what: "the page to be closed" });
    const told = item(id, { from: carol, short_text: "For alice only" });
    await pushes.deliver(JSON.stringify(notificationOf(told, id).payload));
    assert.deepEqual(await shown(worker, 1), [[carol, "For alice only", `thread-${id}`]]);
    await pushes.deliver("what is this?");
    assert.deepEqual((await shown(worker, 2)).find(([title]) => title === "fmsg"), [
      "fmsg",
      "",
      "",
    ]);
  });

  await t.step("a click on it opens the thread in the tab that there is", async () => {
    await page.goto(origin);
    await visitor.isLive();
    await worker.evaluate(clickOn(`thread-${id}`));
    await page.getByRole("heading", { name: "Hello" }).waitFor();
    assert.equal(page.url(), `${origin}/?thread=${id}`);
    assert.equal((await notifications(worker)).length, 1);
  });

  await t.step(
    "what was being written when the session ended is there for the same address",
    async () => {
      await visitor.turnTo("/?write=new");
      await page.locator(".composer-text").fill("Not sent yet");
      const { id: session } = await page.evaluate("fetch('/session').then((r) => r.json())") as {
        id: string;
      };
      await host.json(["session", "revoke", session]);
      await page.getByRole("heading", { name: texts.signIn.title }).waitFor();
      assert.equal(
        await page.evaluate("document.body.textContent.includes('Not sent yet')"),
        false,
      );
      // Pasted where the page is open already.
      await page.goto(await linkOf(alice));
      await visitor.isLive();
      await visitor.turnTo("/?view=drafts");
      await page.getByText("Not sent yet").waitFor();
    },
  );

  await t.step("a link that was used before signs nobody out", async () => {
    await page.goto(`${origin}/#sign-in=${"x".repeat(43)}`);
    await page.reload();
    await visitor.isLive();
  });

  await t.step("who signs in after her sees nothing of hers, in no tab", async () => {
    const second = await context.newPage();
    await second.goto(await linkOf(bob));
    for (const tab of [second, page]) {
      await tab.getByText(texts.lists.emptyInbox).waitFor();
      await tab.waitForFunction("!document.body.textContent.includes('Not sent yet')");
    }
    const kept = await waitFor(async () => {
      const text = String(await second.evaluate(KEPT));
      return text.includes(alice) ? undefined : text;
    }, { what: "nothing of alice to be kept" });
    assert.ok(!kept.includes("Not sent yet"));
    assert.ok(!kept.includes("fmsg draft"));
  });
});

/** Pushes as the browser's own service would deliver them. */
class Pushes {
  readonly #cdp: CDPSession;
  readonly #at: { readonly origin: string; readonly registrationId: string };

  private constructor(cdp: CDPSession, origin: string, registrationId: string) {
    this.#cdp = cdp;
    this.#at = { origin, registrationId };
  }

  static async of(cdp: CDPSession, origin: string): Promise<Pushes> {
    const { promise, resolve } = Promise.withResolvers<string>();
    cdp.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      for (const { registrationId } of registrations) resolve(registrationId);
    });
    await cdp.send("ServiceWorker.enable");
    return new Pushes(cdp, `${origin}/`, await promise);
  }

  async deliver(data: string): Promise<void> {
    await this.#cdp.send("ServiceWorker.deliverPushMessage", { ...this.#at, data });
  }
}

/**
 * Chromium forgets a notification that is asked for while it is being shown (it is stored, and not on the screen yet): so
 * nobody asks before it is.
 */
const COUNT_SHOWN = `{
  globalThis.shown = 0;
  const show = registration.showNotification.bind(registration);
  registration.showNotification = (...notification) => show(...notification).finally(() => shown++);
}`;

/** The notifications once so many have been shown. */
async function shown(worker: Worker, count: number): Promise<string[][]> {
  await waitFor(async () => await worker.evaluate("shown") === count, {
    what: `${count} notifications`,
  });
  return await notifications(worker);
}

/** Title, body and tag of each. */
async function notifications(worker: Worker): Promise<string[][]> {
  return await worker.evaluate(
    "registration.getNotifications().then((all) => all.map(({title, body, tag}) => [title, body, tag]))",
  ) as string[][];
}

function clickOn(tag: string): string {
  return `registration.getNotifications({ tag: "${tag}" }).then(([notification]) => {
    dispatchEvent(new NotificationEvent("notificationclick", { notification }));
  })`;
}

const TABS = "clients.matchAll({ includeUncontrolled: true }).then((all) => all.length)";

/** All that this browser keeps of messages and drafts, as text. */
const KEPT = `(async () => {
  const seen = await caches.open("fmsg-seen");
  const texts = (await seen.matchAll()).map((response) => response.text());
  return JSON.stringify({ ...localStorage }) + (await Promise.all(texts)).join();
})()`;
