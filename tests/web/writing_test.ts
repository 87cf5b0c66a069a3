// What is being written, in the page: where it goes when its draft goes its own way elsewhere.

import assert from "node:assert/strict";
import { ALICE, BOB, identityOf, RouteHost } from "../api/routes/route_host.ts";
import { waitFor } from "../support/wait.ts";
import { PretendedBrowser } from "./pretended_browser.ts";

const browser = new PretendedBrowser(() => Response.error());
const { answers, discardKept, openAnswer, openedBy, send, shown, Writing } = await import(
  "../../src/web/writing.ts"
);
const { localDrafts } = await import("../../src/web/local_drafts.ts");
const { notices } = await import("../../src/web/notices.ts");
const { refreshSession, session } = await import("../../src/web/session.ts");
const { drafts, go, mail, route, startMail, stopMail } = await import("../../src/web/state.ts");
const { texts } = await import("../../src/web/texts.ts");

type Opened = Awaited<ReturnType<typeof openedBy>>;

/** Alice's page, on the routes of a host. */
class Page implements AsyncDisposable {
  isOffline = false;
  /** Whose answer is lost, and the network with it. */
  isLost: (what: string) => boolean = () => false;
  readonly #host: RouteHost;

  private constructor(host: RouteHost) {
    this.#host = host;
  }

  static async open(): Promise<Page> {
    const page = new Page(await RouteHost.open());
    localStorage.clear();
    notices.value = [];
    browser.answer = async ({ what, body }) => {
      if (page.isOffline) throw new TypeError("no network");
      if (what === "GET /session") return Response.json({ address: signedIn, limits: {} });
      const answer = await page.ask(what, body);
      if (!page.isLost(what)) return answer;
      page.isOffline = true;
      await answer.body?.cancel();
      throw new TypeError("the connection broke");
    };
    await signIn(ALICE);
    await waitFor(() => mail.value.mailbox?.nextBefore("sent") === null);
    return page;
  }

  async ask(what: string, body = ""): Promise<Response> {
    const [method = "", path = ""] = what.split(" ");
    const request = new Request(new URL(path, "http://127.0.0.1"), {
      method,
      ...body === "" ? {} : { body, headers: { "content-type": "application/json" } },
    });
    return await this.#host.answer(request, "127.0.0.1", () => identityOf(ALICE));
  }

  /** A draft of Alice's; its id. */
  async draft(data: string): Promise<number> {
    const { id } = await (await this.ask("POST /fmsg", bodyOf(data))).json();
    return id;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    session.value = { kind: "out", why: "ended" };
    stopMail();
    await this.#host[Symbol.asyncDispose]();
  }
}

function bodyOf(data: string): string {
  const type = "text/markdown";
  return JSON.stringify({ version: 1, from: ALICE, to: [BOB], type, topic: "T", data });
}

let signedIn = ALICE;

async function signIn(address: string): Promise<void> {
  signedIn = address;
  await refreshSession();
  startMail(address);
}

function writingIn(opened: Opened): InstanceType<typeof Writing> {
  assert.ok(opened instanceof Writing);
  return opened;
}

/** As the page of a draft does it. */
async function opened(id: number): Promise<InstanceType<typeof Writing>> {
  go({ list: "drafts", query: "", open: { kind: "draft", id } });
  return writingIn(await openedBy(route.value.open));
}

Deno.test("the page of a draft that was sent elsewhere goes on with what is written there, and says so", async () => {
  await using page = await Page.open();
  const id = await page.draft("one");
  const writing = await opened(id);
  await page.ask(`POST /fmsg/${id}/send`);
  writing.draft.edit({ text: "one, and more" });
  await writing.draft.save();
  assert.notEqual(writing.draft.id.value, id);
  assert.deepEqual(route.value.open, { kind: "new", to: "", local: writing.key });
  assert.equal(await openedBy(route.value.open), writing);
  assert.deepEqual(notices.value.map(({ text }) => text), [texts.writing.apart.sent]);
  // The message is one, the draft another.
  assert.notEqual(mail.value.mailbox?.message(id)?.time ?? null, null);
  assert.deepEqual(await openedBy({ kind: "draft", id }), { sent: id });
});

Deno.test("a message that was sent though its answer was lost is found to be sent, and its page left for the conversation", async () => {
  await using page = await Page.open();
  const id = await page.draft("one");
  const writing = await opened(id);
  page.isLost = (what) => what === `POST /fmsg/${id}/send`;
  await send(writing);
  assert.deepEqual(route.value.open, { kind: "draft", id });
  assert.equal(writing.problem.value, texts.writing.notSentOffline);
  page.isOffline = false;
  await writing.draft.save();
  assert.deepEqual(route.value.open, { kind: "thread", id });
  assert.deepEqual(drafts.value, []);
  assert.ok(notices.value.some(({ text }) => text === texts.writing.states.sent));
});

Deno.test("discarding from the list discards what is open and not saved yet, which does not come back", async () => {
  await using page = await Page.open();
  const id = await page.draft("one");
  const writing = await opened(id);
  const leave = shown(writing);
  writing.draft.edit({ text: "two" });
  await discardKept({ id, local: writing.key });
  leave();
  await writing.draft.save();
  assert.equal((await page.ask(`GET /fmsg/${id}`)).status, 404);
  assert.deepEqual([localDrafts(), await (await page.ask("GET /fmsg/sent")).json()], [[], []]);
});

Deno.test("a copy in this browser of a draft that was sent can be discarded; the message stays", async () => {
  await using page = await Page.open();
  const id = await page.draft("one");
  const writing = await opened(id);
  page.isOffline = true;
  writing.draft.edit({ text: "two" });
  writing.draft.abandon();
  page.isOffline = false;
  await page.ask(`POST /fmsg/${id}/send`);
  const [kept] = localDrafts();
  assert.ok(kept !== undefined);
  // As after a reload.
  session.value = { kind: "starting" };
  await signIn(ALICE);
  await discardKept({ id: kept.id, local: kept.key });
  assert.deepEqual(localDrafts(), []);
  assert.equal((await page.ask(`GET /fmsg/${id}`)).status, 200);
  assert.deepEqual(notices.value.map(({ text }) => text), [texts.writing.sentBefore]);
});

Deno.test("discarding a copy in this browser from the list leaves what another device has written since", async () => {
  await using page = await Page.open();
  const id = await page.draft("one");
  const writing = await opened(id);
  writing.draft.edit({ text: "two" });
  writing.draft.abandon();
  const [kept] = localDrafts();
  assert.ok(kept !== undefined);
  session.value = { kind: "starting" };
  await signIn(ALICE);
  page.isOffline = true;
  await assert.rejects(discardKept({ id, local: kept.key }), { name: "Offline" });
  assert.deepEqual(localDrafts(), [kept]);
  page.isOffline = false;
  await page.ask(`PUT /fmsg/${id}`, bodyOf("written on the phone"));
  await discardKept({ id, local: kept.key });
  assert.deepEqual(localDrafts(), []);
  assert.equal(await (await page.ask(`GET /fmsg/${id}/data`)).text(), "written on the phone");
  assert.deepEqual(notices.value.map(({ text }) => text), [texts.writing.changedBefore]);
});

Deno.test("what could not be sent is shown to nobody who signs in afterwards", async () => {
  await using page = await Page.open();
  const root = await page.draft("root");
  await page.ask(`POST /fmsg/${root}/send`);
  go({ list: "inbox", query: "", open: null });
  openAnswer({ id: await page.draft("mine"), key: null });
  const writing = await waitFor(() => answers.value[0]);
  page.isOffline = true;
  const sending = send(writing);
  session.value = { kind: "starting" };
  page.isOffline = false;
  await signIn(BOB);
  await sending;
  assert.deepEqual([answers.value, notices.value, route.value.open], [[], [], null]);
});
