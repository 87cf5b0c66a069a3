// The page's core in Chromium: by a sign-in link to the inbox, live, offline and back, and signed out.

import assert from "node:assert/strict";
import { texts } from "../../../src/web/texts.ts";
import { World } from "../../support/world.ts";
import { Browser, originOf, tokenIn } from "./browser.ts";

Deno.test("the page: by the link to the inbox, live, offline and back, until the session ends", async (t) => {
  await using world = await World.make();
  const host = await world.host({ api: { tls: true }, users: ["alice", "bob"] });
  const [alice, bob] = [host.address("alice"), host.address("bob")];
  const { id } = await host.send({ from: bob, to: [alice], topic: "Hello", body: "To be read" });
  await using browser = await Browser.open([host]);
  const visitor = await browser.visitor();
  const { page, context, faults } = visitor;
  const origin = originOf(host);

  await t.step("the link signs in, and its token is in no address afterwards", async () => {
    await page.goto(`${origin}/#sign-in=${tokenIn(await host.json(["user", "link", alice]))}`);
    await visitor.isLive();
    assert.equal(page.url(), `${origin}/`);
    assert.equal(
      await page.evaluate(
        "history.length <= 2 && !JSON.stringify(localStorage).includes('sign-in')",
      ),
      true,
    );
  });

  await t.step("what comes is there at once, and is read when it was opened", async () => {
    await page.getByRole("link", { name: /Hello/ }).click();
    await page.getByText("To be read").last().waitFor();
    assert.equal(page.url(), `${origin}/?thread=${id}`);
    await host.send({ from: bob, to: [alice], topic: "Second", body: "It is here" });
    await page.getByRole("link", { name: /1 unread message.*Second/ }).waitFor();
    await page.getByRole("link", { name: /unread.*Hello/ }).waitFor({ state: "detached" });
    assert.equal(await page.title(), texts.page.title(1, "Hello"));
  });

  await t.step("offline what was opened is read, also after loading the page again", async () => {
    await page.evaluate("navigator.serviceWorker.ready");
    await page.reload();
    await visitor.isLive();
    await page.getByText("To be read").last().waitFor();
    await context.setOffline(true);
    await page.getByText(texts.page.offline, { exact: true }).waitFor();
    await page.reload();
    await page.getByText("To be read").last().waitFor();
    await page.getByText(texts.page.offline, { exact: true }).waitFor();
  });

  await t.step("back it is live, and has what came in between", async () => {
    await host.send({ from: bob, to: [alice], topic: "Third", body: "While you were away" });
    await context.setOffline(false);
    await visitor.isLive();
    await page.getByRole("link", { name: /1 unread message.*Third/ }).waitFor();
  });

  await t.step("a session that ended leads to the sign-in, and nothing of it stays", async () => {
    const [session] = await sessionsOf(host.json(["session", "list", alice]));
    await host.json(["session", "revoke", session ?? ""]);
    await page.getByRole("heading", { name: texts.signIn.title }).waitFor();
    await page.getByText(texts.signIn.ended).waitFor();
    assert.equal(await page.evaluate("caches.has('fmsg-seen')"), false);
  });

  // Being offline is no fault; all else is.
  assert.deepEqual(
    faults.filter((fault) => !/ERR_INTERNET_DISCONNECTED|ERR_FAILED/.test(fault)),
    [],
  );
  assert.deepEqual(visitor.elsewhere, []);
});

async function sessionsOf(listed: Promise<unknown>): Promise<string[]> {
  return [...JSON.stringify(await listed).matchAll(/"id":"([^"]+)"/g)].map(([, id = ""]) => id);
}
