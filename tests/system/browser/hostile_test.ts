// Messages by somebody who means harm, in Chromium: nothing of them runs, nothing is asked of anybody else, and the page keeps
// its form on the narrowest screen.

import assert from "node:assert/strict";
import type { SendChoices } from "../../support/host_commands.ts";
import { World } from "../../support/world.ts";
import { Browser, originOf, tokenIn, type Visitor } from "./browser.ts";
import { assertFits, assertSound, NARROWEST } from "./inspection.ts";

const SCRIPTS = [
  "# Heading <img src=x onerror=alert(1)>",
  "<script>globalThis.ran = 1; document.title = 'ran'</script>",
  "[run](javascript:alert(1)) [bank.example](https://evil.example/) ![pixel](https://evil.example/p.png)",
  "[data](data:text/html,<script>alert(1)</script>) <https://evil.example/auto>",
  "<svg onload=alert(1)><a xlink:href=javascript:alert(1)>x</a></svg>",
  "<iframe srcdoc='<script>parent.ran = 1</script>'></iframe> <style>*{display:none}</style>",
  "<form action=https://evil.example/><input autofocus onfocus=alert(1)></form>",
  '<link rel=stylesheet href=https://evil.example/a.css> <meta http-equiv=refresh content="0;url=https://evil.example/">',
  "<base href=https://evil.example/> <object data=https://evil.example/o></object> <math><mtext></p><img src=x onerror=alert(1)>",
].join("\n\n");

const SVG =
  `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>globalThis.ran = 1</script><image href="https://evil.example/i.png"/></svg>`;
const HTML =
  `<!doctype html><title>ran</title><script>globalThis.ran = 1</script><img src="https://evil.example/i.png">`;

/** U+202E: what stands behind it is shown from right to left. */
const OVERRIDE = "\u202e";

interface Hostile extends Omit<SendChoices, "from" | "to"> {
  readonly topic: string;
  /** What of it is on the page when it is shown. */
  readonly shown: RegExp;
  readonly to?: readonly string[];
}

const MESSAGES: readonly Hostile[] = [
  { topic: "Scripts", type: "text/markdown", body: SCRIPTS, shown: /bank\.example/ },
  {
    topic: "A page",
    type: "text/html",
    body: `${HTML}<p>Log in at the bank</p>`,
    shown: /<p>Log in at the bank<\/p>/,
  },
  { topic: "A drawing as the text", type: "image/svg+xml", body: SVG, shown: /image\/svg\+xml/ },
  {
    topic: "Files",
    body: "Look at these files",
    shown: /Look at these files/,
    attach: [
      { filename: "drawing.svg", body: SVG },
      { filename: "photo.png", body: HTML },
      { filename: "page.html", body: HTML },
      { filename: `${"a".repeat(200)}.pdf`, body: "%PDF" },
    ],
  },
  {
    topic: `Bidirectional ${OVERRIDE}gnp.exe`,
    body: `Pay to ${OVERRIDE}moc.live ⁦⁧⁨ and on`,
    shown: /and on/,
  },
  { topic: "مرحبا بكم", body: `${"سلام ".repeat(300)}\n\nשלום`, shown: /שלום/ },
  {
    topic: `Emoji 👩‍👩‍👧‍👦🏴‍☠️ ${"🎉".repeat(40)}`,
    body: `${"👩🏽‍🚀".repeat(500)} Z${"\u0351\u0363\u034a".repeat(400)}algo end`,
    shown: /end/,
  },
  { topic: `Wide${"W".repeat(240)}`, body: `${"W".repeat(5000)} wide`, shown: /wide/ },
  {
    topic: "Nested",
    type: "text/markdown",
    body: `Nested to the ground\n\n${">".repeat(20_000)} deep\n\n${"- ".repeat(3000)}x`,
    shown: /Nested to the ground/,
  },
  {
    topic: "Brackets",
    type: "text/markdown",
    body: `Brackets without end\n\n${"[".repeat(30_000)}\n\n${"*a_".repeat(20_000)}\n\n${
      "<a ".repeat(10_000)
    }`,
    shown: /Brackets without end/,
  },
  ...[
    `${"*a_b**c __d ".repeat(8)}\n`.repeat(1200),
    "a\n-\n".repeat(28_000),
    "> a\nb\n".repeat(19_000),
  ].map((text, index): Hostile => ({
    topic: `Slow ${index}`,
    type: "text/markdown",
    body: `Slow to read\n\n${text}`,
    shown: /Slow to read/,
  })),
  {
    topic: "Table",
    type: "text/markdown",
    body: `A wide table\n\n|${"a|".repeat(400)}\n|${"-|".repeat(400)}\n|${"b|".repeat(400)}`,
    shown: /A wide table/,
  },
  { topic: "Long line", body: `begin ${"x".repeat(9_000_000)}`, shown: /begin xxx/ },
];

Deno.test("a page of hostile messages: nothing runs, nothing is asked of others, and it fits 320 px", async () => {
  await using world = await World.make();
  const host = await world.host({
    api: { tls: true },
    limits: { max_size: "20MiB" },
    users: ["alice", "mallory"],
  });
  const [alice, mallory] = [host.address("alice"), host.address("mallory")];
  const sent: { id: number; topic: string; shown: RegExp }[] = [];
  for (const { shown, ...message } of MESSAGES) {
    const { id } = await host.send({ from: mallory, to: [alice], ...message });
    sent.push({ id, topic: message.topic, shown });
  }
  const many = [alice, ...Array.from({ length: 254 }, (_, i) => host.address(`unknown${i}`))];
  const { id } = await host.send({ from: mallory, to: many, topic: "Crowd", body: "To you all" });
  sent.push({ id, topic: "Crowd", shown: /To you all/ });

  await using browser = await Browser.open([host]);
  const visitor = await browser.visitor({
    viewport: NARROWEST,
    hasTouch: true,
    isMobile: true,
    reducedMotion: "reduce",
  });
  const { page } = visitor;
  page.on("dialog", (dialog) => {
    visitor.faults.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  const link = `${originOf(host)}/#sign-in=${tokenIn(await host.json(["user", "link", alice]))}`;
  await page.goto(link);
  await visitor.isLive();
  await assertSound(visitor, "the list of hostile messages");

  for (const { id, topic, shown } of sent) {
    await visitor.turnTo(`/?thread=${id}`);
    const article = page.getByRole("article").last();
    await article.getByText(shown).first().waitFor();
    if (topic === "Scripts") await assertCleaned(visitor);
    await assertFits(visitor, topic);
    await assertHarmless(visitor);
    if (topic === "Files") await assertNoPreviews(visitor);
    if (topic === "Long line") {
      const length = await article.evaluate((node) => node.textContent?.length ?? 0);
      assert.ok(length < 1.1 * 1024 * 1024, `${length} characters are on the page`);
    }
  }
  assert.deepEqual(visitor.faults, []);
  assert.deepEqual(visitor.elsewhere, []);
});

/** Nothing has run, and nothing is there that could be. */
async function assertHarmless({ page }: Visitor): Promise<void> {
  assert.equal(await page.evaluate("globalThis.ran"), undefined);
  assert.doesNotMatch(await page.title(), /^ran/);
  const dangerous = await page.getByRole("article").locator(
    "script, iframe, object, embed, style, link, meta, base, form, img:not([src^='blob:']), svg image, [onload], [onerror], [onfocus], a[href^='javascript' i], a[href^='data' i]",
  ).evaluateAll((nodes) => nodes.map((node) => node.outerHTML));
  assert.deepEqual(dangerous, []);
}

/** Where links lead is said, and they tell nobody where they come from. */
async function assertCleaned({ page }: Visitor): Promise<void> {
  const article = page.getByRole("article").last();
  await article.getByRole("link", { name: "bank.example" }).waitFor();
  const html = await article.innerHTML();
  assert.match(html, /bank\.example<\/a><bdi class="link-host[^>]*> \(evil\.example\)<\/bdi>/);
  assert.match(html, /rel="noopener noreferrer"/);
}

/** What is no picture by its bytes is none, and files are downloaded rather than shown. */
async function assertNoPreviews({ page }: Visitor): Promise<void> {
  await page.getByText("drawing.svg").first().waitFor();
  assert.equal(await page.getByRole("article").locator("img").count(), 0);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: /Download page\.html/ }).click(),
  ]);
  assert.equal(download.suggestedFilename(), "page.html");
  await download.delete();
}
