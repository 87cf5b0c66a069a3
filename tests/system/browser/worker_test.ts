// The service worker and what a browser keeps, in Chromium: notifications, and whose is what when people change.

import assert from "node:assert/strict";
import type { CDPSession, Locator, Page, Worker } from "playwright-core";
import { notificationOf } from "../../../src/api/push/notification.ts";
import { texts } from "../../../src/web/texts.ts";
import { waitFor } from "../../support/wait.ts";
import { World } from "../../support/world.ts";
import { item } from "../../web/items.ts";
import { Browser, originOf, tokenIn } from "./browser.ts";
import { assertSound, NARROWEST } from "./inspection.ts";

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
  const step = async (name: string, work: () => Promise<void>): Promise<void> => {
    // What comes after a step that failed says nothing.
    if (await t.step(name, work)) return;
    throw new Error(`Not gone on with; ${page.url()}: ${visitor.faults.join("\n")}`);
  };
  const linkOf = async (address: string): Promise<string> =>
    `${origin}/#sign-in=${tokenIn(await host.json(["user", "link", address]))}`;
  await page.goto(await linkOf(alice));
  await visitor.isLive();
  await page.evaluate("navigator.serviceWorker.ready");
  const worker = context.serviceWorkers()[0] ?? await context.waitForEvent("serviceworker");
  const pushes = await Pushes.of(await context.newCDPSession(page), origin);
  await worker.evaluate(COUNT_SHOWN);

  await step("what a first visit showed is read offline, also after the second one", async () => {
    await waitFor(async () => {
      const paths = await kept(page);
      return ["/session", "/fmsg", "/fmsg/sent"].every((path) => paths.includes(path));
    }, { what: "the beginning of the visit to be kept" });
    await visitor.turnTo(`/?thread=${id}`);
    await page.getByRole("article").getByText("For alice only").waitFor();
    await page.goto(origin);
    await visitor.isLive();
    await context.setOffline(true);
    await page.goto(`${origin}/?thread=${id}`);
    await page.getByRole("article").getByText("For alice only").waitFor();
    await context.setOffline(false);
    await visitor.isLive();
  });

  await step("an old text of a draft is kept no longer than it is the draft's", async () => {
    const path = String(await page.evaluate(saveDraft(alice, "The first text")));
    await waitFor(async () => (await kept(page)).includes(`${path}/data`));
    await page.evaluate(saveDraft(alice, "The second text", path));
    assert.deepEqual((await kept(page)).filter((one) => one.startsWith(path)), []);
    await page.evaluate(`fetch("${path}", { method: "DELETE" })`);
  });

  await step("while the host is started anew, what came last stays to be seen", async () => {
    const line = page.getByRole("link", { name: /Just now/ });
    await host.send({ from: carol, to: [alice], topic: "Just now", body: "Are you there?" });
    await line.waitFor();
    const failed = page.waitForEvent("requestfailed", (one) => one.url().includes("/fmsg?limit="));
    await host.stop();
    await failed;
    assert.ok(await line.isVisible());
    await page.getByText(texts.page.offline, { exact: true }).waitFor();
    await host.start();
    await page.evaluate("dispatchEvent(new Event('online'))");
    await visitor.isLive();
    assert.ok(await line.isVisible());
  });

  await step("a push is shown with its words, also one that is not understood", async () => {
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

  await step("a click on it opens the thread in the tab that there is", async () => {
    await page.goto(origin);
    await visitor.isLive();
    await worker.evaluate(clickOn(`thread-${id}`));
    await page.getByRole("heading", { name: "Hello" }).waitFor();
    assert.equal(page.url(), `${origin}/?thread=${id}`);
    assert.equal((await notifications(worker)).length, 1);
  });

  await step(
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
      // She signs in again in another tab. What was written would go if the link were somebody else's.
      const other = await context.newPage();
      await other.goto(await linkOf(alice));
      await question(other).getByText(alice).waitFor();
      await question(other).getByRole("button", { name: texts.signIn.byLink }).click();
      await other.getByRole("navigation").waitFor();
      await other.close();
      await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
      await visitor.isLive();
      await visitor.turnTo("/?view=drafts");
      await page.getByText("Not sent yet").waitFor();
    },
  );

  await step("a link that was used before signs nobody out", async () => {
    await page.goto(`${origin}/#sign-in=${"x".repeat(43)}`);
    await question(page).getByRole("button", { name: texts.signIn.byLink }).click();
    await page.getByText(texts.signIn.used).waitFor();
    await page.reload();
    await visitor.isLive();
  });

  const another = await linkOf(bob);

  await step("a link of somebody else asks first: who stays has lost nothing", async () => {
    await visitor.turnTo("/?write=new");
    const text = page.locator(".composer-text");
    await text.fill("Still being written");
    await text.focus();
    // Where the page is open already: nothing is loaded anew.
    await page.evaluate(`location.hash = "${new URL(another).hash}"`);
    await question(page).getByText(alice).waitFor();
    assert.equal(page.url().includes("sign-in"), false);
    assert.equal(await focused(page), texts.signIn.ask);
    await assertSound(visitor, "the question");
    const size = page.viewportSize();
    await page.setViewportSize(NARROWEST);
    await assertSound(visitor, "the question at 320 px");
    if (size !== null) await page.setViewportSize(size);
    for (const name of [texts.page.close, texts.signIn.byLink, texts.signIn.stay]) {
      await page.keyboard.press("Tab");
      assert.equal(await focused(page), name);
    }
    await page.keyboard.press("Enter");
    await question(page).waitFor({ state: "detached" });
    await page.locator(".composer-text:focus").waitFor();
    assert.equal(await text.inputValue(), "Still being written");
    assert.equal(
      await page.evaluate("fetch('/session').then((r) => r.json()).then((s) => s.address)"),
      alice,
    );
  });

  await step("who signs in after her sees nothing of hers, in no tab", async () => {
    const second = await context.newPage();
    await second.goto(another);
    await question(second).getByRole("button", { name: texts.signIn.byLink }).click();
    for (const tab of [second, page]) {
      await tab.getByText(texts.lists.emptyInbox).waitFor();
      await tab.waitForFunction("!document.body.textContent.includes('Not sent yet')");
    }
    const all = await waitFor(async () => {
      const text = String(await second.evaluate(KEPT));
      return text.includes(alice) ? undefined : text;
    }, { what: "nothing of alice to be kept" });
    assert.ok(!all.includes("Not sent yet"));
    assert.ok(!all.includes("Still being written"));
    assert.ok(!all.includes("fmsg draft"));
  });
});

function question(page: Page): Locator {
  return page.getByRole("dialog", { name: texts.signIn.ask });
}

/** What has focus, by its name. */
async function focused(page: Page): Promise<string> {
  const name =
    "document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent";
  return String(await page.evaluate(name));
}

/** The paths of all that the worker has kept. */
async function kept(page: Page): Promise<string[]> {
  const keys = "caches.open('fmsg-seen').then((cache) => cache.keys())";
  return await page.evaluate(
    `${keys}.then((keys) => keys.map(({ url }) => new URL(url).pathname))`,
  ) as string[];
}

/** Saves a draft as the page does, anew or in place of the one at `path`; its path, after it was read once. */
function saveDraft(from: string, data: string, path = ""): string {
  const draft = { version: 1, from, to: [from], topic: "Draft", important: false, no_reply: false };
  const body = JSON.stringify({ ...draft, type: "text/plain", size: data.length, data });
  return `(async () => {
    const init = { headers: { "content-type": "application/json" }, body: ${JSON.stringify(body)} };
    if ("${path}" !== "") return void await fetch("${path}", { ...init, method: "PUT" });
    const { id } = await (await fetch("/fmsg", { ...init, method: "POST" })).json();
    await (await fetch("/fmsg/" + id + "/data")).text();
    return "/fmsg/" + id;
  })()`;
}

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
