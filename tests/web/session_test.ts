// Signing in: a link asks before it takes a browser from whoever was there, and what goes wrong takes nothing away.

import assert from "node:assert/strict";
import { texts } from "../../src/web/texts.ts";
import { PretendedBrowser } from "./pretended_browser.ts";

const ALICE = "@alice@a.test";
const MALLORY = "@mallory@a.test";
const TOKEN = "abcdefghijklmnopqrstuvwxyz";

/** The host: who is signed in, and whom the next link signs in; a number refuses. */
let signedIn: string | null = null;
let link: string | number = MALLORY;
let isThere = true;

const browser = new PretendedBrowser(({ what }) => {
  if (!isThere) return Promise.reject(new TypeError("gone"));
  if (what === "POST /session") {
    if (typeof link === "number") return Response.json({ error: "No" }, { status: link });
    signedIn = link;
    return Response.json({ address: signedIn });
  }
  if (signedIn === null) return Response.json({ error: "No" }, { status: 401 });
  return Response.json({ address: signedIn, sessions: [] });
});
const { addressIn, askedLink, ended, session, signInBy, startSession } = await import(
  "../../src/web/session.ts"
);
const { keepLocally, localDrafts } = await import("../../src/web/local_drafts.ts");
const { EMPTY_DRAFT } = await import("../../src/web/draft_steps.ts");
const { owner } = await import("../../src/web/owner.ts");
const { notices } = await import("../../src/web/notices.ts");

/** A browser where `who` is signed in, or was never anybody. */
async function here(who: string | null): Promise<void> {
  localStorage.clear();
  [signedIn, link, isThere] = [who, MALLORY, true];
  [askedLink.value, notices.value, session.value] = [null, [], { kind: "starting" }];
  await startSession();
  if (who !== null) {
    keepLocally({ key: "k", id: null, content: { ...EMPTY_DRAFT, text: "mine" }, bases: [] });
  }
  browser.asked.length = 0;
}

async function open(): Promise<void> {
  browser.goTo(`/?view=sent#sign-in=${TOKEN}`);
  await startSession();
}

Deno.test("the first link in a browser signs in at once, and its token is nowhere any more", async () => {
  await here(null);
  await open();
  assert.equal(addressIn(session.value), MALLORY);
  assert.deepEqual([askedLink.value, owner()], [null, MALLORY]);
  assert.equal(location.href, "https://fmsg.a.test/?view=sent");
});

Deno.test("where somebody is signed in, a link asks: nothing is sent, ended or deleted before the answer", async () => {
  await here(ALICE);
  await open();
  assert.equal(askedLink.value, TOKEN);
  assert.equal(location.hash, "");
  assert.deepEqual(browser.askedOf("POST /session"), []);
  assert.equal(addressIn(session.value), ALICE);
  assert.equal(localDrafts().length, 1);
  await signInBy(TOKEN);
  assert.deepEqual(browser.askedOf("POST /session").map(({ body }) => body), [
    JSON.stringify({ token: TOKEN }),
  ]);
  assert.deepEqual([addressIn(session.value), owner()], [MALLORY, MALLORY]);
  assert.deepEqual([askedLink.value, localDrafts().length], [null, 0]);
});

Deno.test("a page that is only being opened asks as well", async () => {
  await here(ALICE);
  session.value = { kind: "starting" };
  await open();
  assert.deepEqual([askedLink.value, addressIn(session.value)], [TOKEN, ALICE]);
  assert.deepEqual(browser.askedOf("POST /session"), []);
});

Deno.test("after a session ended a link asks if something was written that only this browser has, and else signs in", async () => {
  await here(ALICE);
  signedIn = null;
  ended();
  await open();
  assert.deepEqual([askedLink.value, session.value.kind], [TOKEN, "out"]);
  assert.equal(localDrafts().length, 1);

  link = ALICE;
  await signInBy(TOKEN);
  assert.equal(addressIn(session.value), ALICE);
  assert.equal(localDrafts().length, 1, "the same person goes on with it");

  await here(ALICE);
  localStorage.removeItem("fmsg draft k");
  signedIn = null;
  ended();
  await open();
  assert.deepEqual([askedLink.value, addressIn(session.value)], [null, MALLORY]);
});

Deno.test("a link that is refused leaves whoever is signed in where they are, and says so", async () => {
  for (const [status, words] of [[401, texts.signIn.used], [429, texts.signIn.tooOften]] as const) {
    await here(ALICE);
    link = status;
    await signInBy(TOKEN);
    assert.equal(addressIn(session.value), ALICE);
    assert.deepEqual(notices.value.map(({ text }) => text), [words]);
    assert.equal(localDrafts().length, 1);
  }
});

Deno.test("where nobody is signed in, a link that is refused says why", async () => {
  await here(null);
  link = 401;
  await open();
  assert.deepEqual(session.value, { kind: "out", why: "link" });
});

Deno.test("a link that is opened while the host is away takes nothing away", async () => {
  await here(ALICE);
  isThere = false;
  await open();
  assert.deepEqual([askedLink.value, addressIn(session.value)], [TOKEN, ALICE]);
});

Deno.test("where the answer to a link was lost, nobody's mail is shown before it is known whose it is", async () => {
  await here(ALICE);
  isThere = false;
  await signInBy(TOKEN);
  assert.deepEqual(session.value, { kind: "out", why: "offline" });
  assert.equal(localDrafts().length, 1);
  isThere = true;
  await startSession();
  assert.equal(addressIn(session.value), ALICE);
});
