// The steps of the journey (journey_test.ts) in which people write: a message with a file, a recipient who is none and the way
// out, an answer from a phone, somebody added, and an answer to somebody who does not have what it answers.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Page } from "playwright-core";
import { texts } from "../../../src/web/texts.ts";
import { waitFor } from "../../support/wait.ts";
import { type Browser, originOf, tokenIn, type Visitor } from "./browser.ts";
import { assertSound, inspect, PHONE } from "./inspection.ts";
import { ALICE, BOB, CHRIS, LAYLA } from "./letters.ts";
import { landscape } from "./pictures.ts";
import type { Stage } from "./stage.ts";

const TOPIC = "Cider for the winter";
const { writing, message } = texts;

/** To two who are there and one who is not, with Markdown and a picture. */
export async function write(visitor: Visitor): Promise<void> {
  const { page } = visitor;
  await page.keyboard.press("c");
  const form = page.getByRole("region", { name: writing.title });
  const to = form.getByRole("combobox", { name: writing.to });
  for (const address of [BOB, CHRIS, "@boob@harbour.example"]) {
    await to.fill(address);
    await to.press("Enter");
  }
  await form.getByRole("textbox", { name: writing.topic }).fill(TOPIC);
  await form.getByRole("textbox", { name: writing.text }).fill(
    "The press is ours on Monday. Who still has **bottles**?\n\n1. I have twelve,\n2. the barn has thirty.",
  );
  await form.locator("input[type=file]").setInputFiles({
    name: "barn.png",
    mimeType: "image/png",
    buffer: Buffer.from(landscape(320, 200)),
  });
  await form.getByText(writing.states.saved).waitFor();
  await form.getByRole("button", { name: writing.remove("barn.png") }).waitFor();
  await inspect(visitor, "10-writing");
  await form.getByRole("button", { name: writing.preview }).click();
  await form.getByRole("region", { name: writing.preview }).locator("strong").waitFor();
  await form.getByRole("button", { name: writing.send }).click();
  await form.waitFor({ state: "detached" });
}

/** The one who is not there is told, with the way out, which is taken. */
export async function recover(visitor: Visitor, { home }: Stage): Promise<void> {
  const { page } = visitor;
  await openFrom(page, texts.lists.sent, TOPIC);
  const failed = page.getByRole("list", { name: texts.delivery.title, exact: true });
  await failed.getByText(texts.delivery.codes[100]).first().waitFor();
  await inspect(visitor, "11-no-such-user");
  await failed.getByRole("button", { name: texts.recovery.rightAddress }).click();
  const form = page.getByRole("region", { name: writing.title });
  await form.getByRole("button", { name: new RegExp(writing.edit("@boob@harbour.example")) })
    .click();
  await form.getByRole("combobox", { name: writing.to }).fill(LAYLA);
  await form.getByRole("combobox", { name: writing.to }).press("Enter");
  await form.getByRole("button", { name: writing.remove("barn.png") }).waitFor();
  await form.getByRole("button", { name: writing.send }).click();
  await form.waitFor({ state: "detached" });
  await waitFor(
    async () => {
      const [last] = await home.list(ALICE, { sent: true });
      return last?.to.includes(LAYLA) && last.delivery.every(({ state }) => state === "delivered");
    },
    { what: "the message to reach the right address" },
  );
}

/** Bob, on another host, with a phone: reads, and answers all; it is there at once. */
export async function answer(visitor: Visitor, browser: Browser, { away }: Stage): Promise<void> {
  const bob = await browser.visitor({
    viewport: PHONE,
    hasTouch: true,
    isMobile: true,
    colorScheme: "dark",
    reducedMotion: "reduce",
  });
  const { page } = bob;
  await page.goto(`${originOf(away)}/#sign-in=${tokenIn(await away.json(["user", "link", BOB]))}`);
  await bob.isLive();
  await page.getByRole("link", { name: new RegExp(TOPIC) }).tap();
  await page.getByRole("button", { name: message.viewImage("barn.png") }).waitFor();
  await page.getByRole("button", { name: message.replyAll }).tap();
  const box = page.getByRole("region", { name: writing.answerTo(ALICE) });
  await box.getByRole("textbox", { name: writing.text }).fill("Forty, and a crate for the way.");
  await assertSound(bob, "an answer on a phone");
  await box.getByRole("button", { name: writing.send }).tap();
  await box.waitFor({ state: "detached" });
  await openFrom(visitor.page, texts.lists.inbox, TOPIC);
  await visitor.page.getByText("Forty, and a crate").last().waitFor();
  assert.deepEqual([bob.faults, bob.elsewhere], [[], []]);
  await bob.context.close();
}

/** Alice adds somebody of the other host to what Bob has answered. */
export async function add(visitor: Visitor, { away }: Stage): Promise<void> {
  const { page } = visitor;
  await page.getByRole("button", { name: message.addPeople }).last().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("combobox", { name: texts.adding.who }).fill(
    "@dora.lindqvist@harbour.example",
  );
  await dialog.getByRole("combobox", { name: texts.adding.who }).press("Enter");
  await inspect(visitor, "12-adding");
  await dialog.getByRole("button", { name: texts.adding.add, exact: true }).click();
  await dialog.getByRole("heading", { name: texts.adding.added(1) }).waitFor();
  await dialog.getByText(/^Delivered/).first().waitFor();
  await dialog.getByRole("button", { name: texts.adding.done }).click();
  await page.getByRole("article").getByText(/dora\.lindqvist/).filter({ visible: true }).first()
    .waitFor();
  await inspect(visitor, "13-three-people");
  await waitFor(
    async () =>
      (await away.list("@dora.lindqvist@harbour.example")).some(({ add_to }) => add_to.length > 0),
    { what: "the added person to have the message" },
  );
}

/** Bob does not have what Chris wrote: the answer that names him is held back until he was added to that. */
export async function answerStranger(visitor: Visitor, { home, away }: Stage): Promise<void> {
  const { page } = visitor;
  await home.send({ from: CHRIS, to: [ALICE], topic: "Bottles", body: "Twenty of mine are left." });
  await openFrom(page, texts.lists.inbox, "Bottles");
  await page.getByRole("button", { name: message.reply, exact: true }).last().click();
  const box = page.getByRole("region", { name: writing.answerTo(CHRIS) });
  await box.getByRole("combobox", { name: writing.to }).fill(BOB);
  await box.getByRole("combobox", { name: writing.to }).press("Enter");
  await box.getByRole("textbox", { name: writing.text }).fill("Bob fetches them on Sunday.");
  const way = box.getByRole("button", { name: texts.recovery.strangers.add(1) });
  await way.waitFor();
  await inspect(visitor, "14-not-on-the-message");
  await way.click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: texts.adding.add, exact: true }).click();
  await dialog.getByRole("button", { name: texts.adding.done }).click();
  await way.waitFor({ state: "detached" });
  await box.getByRole("button", { name: writing.send }).click();
  await box.waitFor({ state: "detached" });
  await waitFor(
    async () =>
      (await away.list(BOB)).some(({ from, pid, size }) =>
        from === ALICE && pid !== null && size === "Bob fetches them on Sunday.".length
      ),
    { what: "Bob to have the answer" },
  );
}

/** By keys alone: from the list to an answer that is sent. */
export async function answerByKeys(visitor: Visitor, { home }: Stage): Promise<void> {
  const { page } = visitor;
  await home.send({ from: CHRIS, to: [ALICE], topic: "Chess", body: "Your move." });
  await page.getByRole("navigation", { name: texts.page.navigation })
    .getByRole("link", { name: new RegExp(`^${texts.lists.inbox}`) }).press("Enter");
  await page.getByRole("link", { name: /unread.*Chess/ }).waitFor();
  const line = page.getByRole("link", { name: /Chess Your move/ });
  // Which line it is depends on what else came meanwhile; going through the list has a step of its own.
  await line.press("Enter");
  await page.getByRole("article").getByText("Your move.").last().waitFor();
  await page.keyboard.press("r");
  const box = page.getByRole("region", { name: writing.answerTo(CHRIS) });
  await waitFor(() =>
    box.getByRole("textbox", { name: writing.text }).evaluate((node) =>
      node === node.ownerDocument.activeElement
    )
  );
  await page.keyboard.type("Knight to f3.");
  await page.keyboard.press("Control+Enter");
  await box.waitFor({ state: "detached" });
  await waitFor(
    async () => (await home.list(CHRIS)).some(({ size }) => size === "Knight to f3.".length),
    { what: "Chris to have the answer" },
  );
}

async function openFrom(page: Page, list: string, topic: string): Promise<void> {
  await page.getByRole("navigation", { name: texts.page.navigation })
    .getByRole("link", { name: new RegExp(`^${list}`) }).click();
  await page.getByRole("region", { name: list }).getByRole("link", { name: new RegExp(topic) })
    .first().click();
  await page.getByRole("article").first().waitFor();
}
