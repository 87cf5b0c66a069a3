// The inbox in the browser, from the link that the wizard prints to a conversation of three people on two hosts: on a laptop and
// a phone, in the light and in the dark, by keys alone, offline and back. `FMSG_PICTURES=docs/inbox` takes the pictures anew.

import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { texts } from "../../../src/web/texts.ts";
import { waitFor } from "../../support/wait.ts";
import { World } from "../../support/world.ts";
import { Browser, type Visitor } from "./browser.ts";
import { assertSound, inspect, LAPTOP, NARROWEST, PHONE } from "./inspection.ts";
import { ALICE, USERS } from "./letters.ts";
import { setStage, type Stage } from "./stage.ts";
import { add, answer, answerByKeys, answerStranger, recover, write } from "./writing_steps.ts";

/** Of the first view, compressed, with all that it loads. */
const FIRST_VIEW_BYTES = 100_000;
/** The part of the screen, weighed by how far it went, that may move by itself. */
const STILL = 0.01;

Deno.test("the inbox in the browser: from the wizard's link to a conversation of three people on two hosts", async (t) => {
  await using world = await World.make();
  const stage = await setStage(world);
  await using browser = await Browser.open([stage.home, stage.away]);
  const visitor = await browser.visitor({ viewport: LAPTOP, reducedMotion: "reduce" });
  const step = async (name: string, work: () => Promise<void>): Promise<void> => {
    // What comes after a step that failed says nothing.
    if (await t.step(name, work)) return;
    throw new Error(`Not gone on with; ${visitor.page.url()}: ${visitor.faults.join("\n")}`);
  };
  await step(
    "the wizard's link opens the inbox: small, still, without barriers",
    () => firstView(visitor, stage),
  );
  await step("a conversation with its branches, people and files", () => reading(visitor, stage));
  await step("what became of a message, and its exact header", () => delivery(visitor, stage));
  await step("lists: sent, drafts, search", () => lists(visitor));
  await step("settings, and the keys", () => settings(visitor));
  await step("by keys alone through the list and back", () => byKeys(visitor));
  await step("a message to two hosts, with a picture", () => write(visitor));
  await step("somebody who is not there, and the way out", () => recover(visitor, stage));
  await step("an answer from the other host, on a phone", () => answer(visitor, browser, stage));
  await step("somebody is added", () => add(visitor, stage));
  await step(
    "an answer to whom the message answered never went",
    () => answerStranger(visitor, stage),
  );
  await step("by keys alone from the list to an answer", () => answerByKeys(visitor, stage));
  await step("the narrowest screen", () => narrow(visitor, stage));
  await step("offline what was opened is read; back it is live", () => offline(visitor, stage));
  await step("signed out, nothing stays", () => signOut(visitor));
  // Being offline is no fault; all else is.
  assert.deepEqual(
    visitor.faults.filter((fault) => !/ERR_INTERNET_DISCONNECTED|ERR_FAILED/.test(fault)),
    [],
  );
  assert.deepEqual(visitor.elsewhere, []);
});

async function firstView(visitor: Visitor, { link }: Stage): Promise<void> {
  const { page } = visitor;
  await page.goto(link);
  await visitor.isLive();
  await thread(page, "Apple harvest on Saturday").waitFor();
  // The token has done its work, and is nowhere any more.
  assert.equal(page.url(), `${originOfPage(page)}/`);
  assert.equal(await page.evaluate(SIGN_IN_KEPT), false);
  await page.waitForLoadState("networkidle");
  assert.ok(visitor.received < FIRST_VIEW_BYTES, `the first view has ${visitor.received} bytes`);
  assert.ok(visitor.received > 10_000, `${visitor.received} bytes are counted`);
  await assertStill(visitor, "the inbox");
  assert.equal(await page.title(), texts.page.title(4, texts.lists.inbox));
  await inspect(visitor, "01-inbox");
}

async function reading(visitor: Visitor, { ids }: Stage): Promise<void> {
  const { page } = visitor;
  await thread(page, "Apple harvest on Saturday").click();
  const messages = page.getByRole("article");
  await messages.last().getByText("The trailer's light is mended").waitFor();
  assert.equal(await messages.count(), 5);
  await thread(page, /unread.*Apple harvest/).waitFor({ state: "detached" });
  // The plan: a table, and a picture that the page has made sure of.
  await page.getByRole("button", { name: /That makes/, expanded: false }).click();
  await page.getByRole("table").getByText("Upper terrace").waitFor();
  await page.getByRole("button", { name: texts.message.viewImage("orchard-evening.png") })
    .waitFor();
  await inspect(visitor, "02-conversation");
  await page.getByRole("button", { name: texts.message.viewImage("orchard-evening.png") }).click();
  await page.getByRole("dialog").getByRole("img").waitFor();
  await assertSound(visitor, "the picture");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  // Loaded by its address alone, as from a bookmark or a notification.
  await visitor.open(`${originOfPage(page)}/?thread=${ids.get("boat")}`);
  await page.getByText("The larch is here").last().waitFor();
  await assertStill(visitor, "a conversation");
}

async function delivery(visitor: Visitor, { ids }: Stage): Promise<void> {
  const { page } = visitor;
  await visitor.turnTo(`/?thread=${ids.get("trip")}`);
  await page.getByRole("button", { name: /I have looked at the map/, expanded: false }).click();
  const failed = page.getByRole("list", { name: texts.delivery.title, exact: true });
  await failed.getByText(texts.delivery.codes[100]).first().waitFor();
  await failed.getByText(texts.delivery.todo[100]).waitFor();
  await inspect(visitor, "03-delivery");
  await page.getByRole("button", { name: texts.message.details }).first().click();
  const dialog = page.getByRole("dialog", { name: texts.details.title });
  await dialog.getByText(/^[0-9a-f ]{64,}$/).first().waitFor();
  await inspect(visitor, "04-details");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
}

async function lists(visitor: Visitor): Promise<void> {
  const { page } = visitor;
  await place(page, texts.lists.sent).click();
  await thread(page, "Rye for the bakery").waitFor();
  await assertSound(visitor, "what was sent");
  await place(page, texts.lists.drafts).click();
  await page.getByRole("link", { name: /Supper after the harvest/ }).waitFor();
  await inspect(visitor, "05-drafts");
  await place(page, texts.lists.search).click();
  await page.getByRole("searchbox").fill("greenhouse from:chris");
  await page.getByRole("searchbox").press("Enter");
  await page.getByRole("link", { name: /Leak in the greenhouse/ }).waitFor();
  await inspect(visitor, "06-search");
}

async function settings(visitor: Visitor): Promise<void> {
  const { page } = visitor;
  await place(page, texts.lists.settings).click();
  await page.getByText(texts.settings.thisBrowser, { exact: true }).waitFor();
  await inspect(visitor, "07-settings");
  await place(page, texts.lists.inbox).click();
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: texts.shortcuts.title }).waitFor();
  await inspect(visitor, "08-keys");
  await page.keyboard.press("Escape");
}

async function byKeys(visitor: Visitor): Promise<void> {
  const { page } = visitor;
  await page.keyboard.press("g");
  await page.keyboard.press("i");
  await thread(page, "Apple harvest on Saturday").waitFor();
  await page.keyboard.press("j");
  const first = await waitFor(async () => await focused(page) || null);
  await page.keyboard.press("j");
  await waitFor(async () => await focused(page) !== first);
  await page.keyboard.press("k");
  await waitFor(async () => await focused(page) === first);
  await page.keyboard.press("Enter");
  await page.getByRole("article").first().waitFor();
  await page.keyboard.press("Escape");
  await page.getByText(texts.page.nothingOpen).waitFor();
  await waitFor(async () => await focused(page) === first);
}

async function narrow(visitor: Visitor, { ids }: Stage): Promise<void> {
  const { page } = visitor;
  await page.setViewportSize(NARROWEST);
  await assertSound(visitor, "the inbox at 320 px");
  for (const name of ["harvest", "arabic", "minutes", "notice"]) {
    await visitor.turnTo(`/?thread=${ids.get(name)}`);
    await page.getByRole("article").first().waitFor();
    await assertSound(visitor, `${name} at 320 px`);
  }
  await page.setViewportSize(PHONE);
  await page.getByRole("button", { name: texts.page.back, exact: true }).click();
  await page.getByRole("navigation").waitFor();
  await page.setViewportSize(LAPTOP);
}

async function offline(visitor: Visitor, { away, ids }: Stage): Promise<void> {
  const { page, context } = visitor;
  await visitor.turnTo(`/?thread=${ids.get("harvest")}`);
  await page.getByText("The trailer's light is mended").last().waitFor();
  await context.setOffline(true);
  await page.reload();
  await page.getByText("The trailer's light is mended").last().waitFor();
  await page.getByText(texts.page.offline, { exact: true }).waitFor();
  await inspect(visitor, "15-offline");
  const from = USERS.find((user) => user.endsWith(`@${away.domain}`)) ?? "";
  await away.send({ from, to: [ALICE], topic: "Frost tonight", wait: true });
  await context.setOffline(false);
  await visitor.isLive();
  await thread(page, /1 unread message.*Frost tonight/).waitFor();
  await waitFor(async () => /^\(\d+\) /.test(await page.title()) || null);
}

async function signOut(visitor: Visitor): Promise<void> {
  const { page } = visitor;
  await place(page, texts.lists.settings).click();
  await page.getByRole("button", { name: texts.settings.signOut, exact: true }).click();
  await page.getByRole("heading", { name: texts.signIn.title }).waitFor();
  assert.equal(await page.evaluate("caches.has('fmsg-seen')"), false);
  await inspect(visitor, "16-signed-out");
  await page.reload();
  await page.getByRole("heading", { name: texts.signIn.title }).waitFor();
}

const SIGN_IN_KEPT =
  "history.length > 2 || JSON.stringify({ ...localStorage, ...sessionStorage }).includes('sign-in')";

/** The line of a list. */
function thread(page: Page, topic: string | RegExp) {
  return page.getByRole("link", { name: typeof topic === "string" ? new RegExp(topic) : topic });
}

function place(page: Page, name: string) {
  return page.getByRole("navigation", { name: texts.page.navigation })
    .getByRole("link", { name: new RegExp(`^${name}`) });
}

async function focused(page: Page): Promise<string> {
  return String(await page.evaluate("document.activeElement?.getAttribute('href') ?? ''"));
}

function originOfPage(page: Page): string {
  return new URL(page.url()).origin;
}

async function assertStill(visitor: Visitor, what: string): Promise<void> {
  const { part, what: moved } = await visitor.moved();
  assert.ok(part < STILL, `${what}: ${part} of it moved by itself: ${moved}`);
}
