// The page's core in Chromium: from a sign-in link to a conversation, live, offline and back, and signed out.

import assert from "node:assert/strict";
import { World } from "../../support/world.ts";
import { Browser, originOf } from "./browser.ts";

const HOSTILE = [
  "# Heading <img src=x onerror=alert(1)>",
  "<script>document.title='ran'</script>",
  "[run](javascript:alert(1)) [bank.example](https://evil.example/) ![pixel](https://evil.example/p.png)",
  "<svg onload=alert(1)><a xlink:href=javascript:alert(1)>x</a></svg>",
  "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe> <style>*{display:none}</style>",
].join("\n\n");

Deno.test("the page: by the link to the inbox, a conversation that does nothing, live, offline and back", async (t) => {
  await using world = await World.make();
  const host = await world.host({ api: { tls: true }, users: ["alice", "bob"] });
  const [alice, bob] = [`@alice@${host.domain}`, `@bob@${host.domain}`];
  const { id } = await host.send({
    from: bob,
    to: [alice],
    topic: "Hello",
    type: "text/markdown",
    body: HOSTILE,
  });
  await using browser = await Browser.open([host]);
  const visitor = await browser.visitor();
  const { page, context, faults } = visitor;
  const { token } = tokenIn(await host.json(["user", "link", alice]));
  const origin = originOf(host);

  await t.step("the link signs in, and its token is in no address afterwards", async () => {
    await page.goto(`${origin}/#sign-in=${token}`);
    await page.getByText("Connected").waitFor();
    assert.equal(page.url(), `${origin}/`);
    assert.equal(
      await page.evaluate(
        "history.length <= 2 && !JSON.stringify(localStorage).includes('sign-in')",
      ),
      true,
    );
  });

  await t.step("a hostile message is shown, runs nothing and loads nothing", async () => {
    await page.getByRole("button", { name: /Hello/ }).click();
    await page.getByText("bank.example").waitFor();
    assert.equal(page.url(), `${origin}/?thread=${id}`);
    const html = await page.locator("article > div").innerHTML();
    assert.doesNotMatch(
      html,
      /<(?:img|script|svg|iframe|style)|href="javascript|on(?:error|load)=(?!alert\(1\)&gt;)/,
    );
    assert.match(
      html,
      /bank\.example<\/a><bdi class="link-host" title="[^"]*"> \(evil\.example\)<\/bdi>/,
    );
    assert.match(html, /rel="noopener noreferrer"/);
    assert.equal(await page.title(), "fmsg");
  });

  await t.step("what comes is there at once, and is read when it was opened", async () => {
    await page.getByRole("button", { name: "Inbox" }).click();
    await host.send({ from: bob, to: [alice], topic: "Second", body: "It is here" });
    await page.getByRole("button", { name: /Second.*1 unread message/ }).waitFor();
    assert.doesNotMatch(await page.getByRole("button", { name: /Hello/ }).innerText(), /unread/);
  });

  await t.step("10 MB of one line are shown in part, and soon", async () => {
    await host.send({ from: bob, to: [alice], topic: "Long", body: "x".repeat(9_000_000) });
    await page.getByRole("button", { name: /Long/ }).click();
    await page.locator("article .text-piece").first().waitFor();
    assert.equal(
      await page.locator("article > div").evaluate((node) => node.textContent?.length),
      1024 * 1024,
    );
    await page.getByRole("button", { name: "Inbox" }).click();
  });

  await t.step(
    "offline what was opened is read, also after loading the page again; back it is live",
    async () => {
      await page.evaluate("navigator.serviceWorker.ready");
      await page.reload();
      await page.getByText("Connected").waitFor();
      await page.getByRole("button", { name: /Hello/ }).click();
      await page.getByText("bank.example").waitFor();
      await context.setOffline(true);
      await page.getByText(/Offline/).waitFor();
      await page.reload();
      await page.getByText("bank.example").waitFor();
      await page.getByText(/Offline/).waitFor();
      await context.setOffline(false);
      await page.getByText("Connected").waitFor();
    },
  );

  await t.step("a session that ended leads to the sign-in, and nothing of it stays", async () => {
    await page.evaluate("fetch('/session', { method: 'DELETE' })");
    await page.reload();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    assert.equal(await page.evaluate("caches.has('fmsg-seen')"), false);
  });

  // Being offline is no fault; all else is.
  assert.deepEqual(
    faults.filter((fault) => !/ERR_INTERNET_DISCONNECTED|ERR_FAILED/.test(fault)),
    [],
  );
});

function tokenIn(printed: unknown): { token: string } {
  const token = /#sign-in=([\w-]+)/.exec(JSON.stringify(printed))?.[1];
  assert.ok(token !== undefined);
  return { token };
}
