// Drafts as the page writes them: what somebody wrote is neither lost nor sent without being seen.

import assert from "node:assert/strict";
import { message } from "../../src/web/client.ts";
import { Draft } from "../../src/web/drafts.ts";
import { Offline, Refused } from "../../src/web/errors.ts";
import { localDrafts } from "../../src/web/local_drafts.ts";
import { texts } from "../../src/web/texts.ts";
import { addTo, draft as received } from "../support/message.ts";
import { PATIENCE, waitFor, within } from "../support/wait.ts";
import {
  ALICE,
  BOB,
  CAROL,
  deadlines,
  DraftStage,
  idOf,
  keeping,
  losing,
  type Network,
  offline,
} from "./draft_stage.ts";

const { apart } = texts.writing;

Deno.test("N3 a draft is saved as it is written, replaced as it changes, and sent as it is shown", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ topic: "Boat", text: "one" });
  assert.equal(draft.state.value.kind, "saved");
  assert.deepEqual(localDrafts(), []);
  draft.edit({ text: "two", to: [CAROL] });
  assert.deepEqual(localDrafts().map(({ id, content }) => [id, content.text]), [[id, "two"]]);
  const sent = await draft.send();
  assert.equal(sent.id, id);
  assert.equal(await stage.text(id), "two");
  assert.deepEqual(stage.items.get(id)?.to, [CAROL]);
  assert.deepEqual([localDrafts(), stage.told], [[], []]);
});

Deno.test("what the host gives back is what was written, whatever it is", async () => {
  await using stage = await DraftStage.open();
  const root = (await stage.begin({ text: "root" }).send()).id;
  const odd = ["\ufeffmark", "a\r\nb\r", "\ud800 half", "", " \u0000 ", "e\u0301 \u{1f600}"];
  for (const text of odd) {
    const { draft } = await stage.saved({ topic: `t ${text}`.slice(0, 20), text: `${text}.` });
    draft.edit({ text: `${text}!` });
    stage.network = losing("PUT");
    await draft.save();
    stage.network = (_, ask) => ask();
    await draft.save();
    assert.equal(draft.state.value.kind, "saved", JSON.stringify(text));
    const answer = stage.begin({ pid: root, topic: "left over", text });
    await answer.send();
  }
  assert.deepEqual(stage.told, []);
});

Deno.test("an old copy in this browser does not replace what another device has saved since: both stay", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ text: "one" });
  draft.edit({ text: "two, written here" });
  draft.abandon();

  const phone = await stage.elsewhere(id);
  phone.edit({ text: "two, written on the phone" });
  await phone.save();

  const opened = stage.again();
  await opened.save();
  assert.equal(await stage.text(id), "two, written on the phone");
  assert.notEqual(idOf(opened), id);
  assert.equal(await stage.text(idOf(opened)), "two, written here");
  assert.deepEqual(stage.told, [apart.changed]);
  assert.deepEqual(localDrafts(), []);
});

Deno.test("an old copy in this browser goes on where the host has nothing newer, also after an answer was lost", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ text: "one" });
  draft.edit({ text: "two" });
  stage.network = losing("PUT");
  await draft.save();
  assert.equal(draft.state.value.kind, "offline");
  draft.edit({ text: "three" });
  draft.abandon();
  stage.network = (_, ask) => ask();

  const opened = stage.again();
  await opened.save();
  assert.deepEqual([idOf(opened), await stage.text(id)], [id, "three"]);
  assert.deepEqual([await stage.drafts(), stage.told], [[id], []]);
});

Deno.test("a draft is never opened, saved or sent by what was kept of it for reading offline", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ text: "old" });
  const worker = keeping();
  stage.network = worker.network;
  const item = await message(id);
  assert.equal(await stage.text(id), "old");
  draft.edit({ text: "newer" });
  await draft.save();

  worker.isOffline = true;
  assert.equal(await stage.text(id), "old", "the worker keeps it");
  await assert.rejects(Draft.open(stage.parts, item), Offline);
  draft.edit({ text: "newest" });
  await draft.save();
  const opened = stage.again();
  await opened.save();
  await assert.rejects(opened.send(), Offline);
  worker.isOffline = false;
  await opened.send();
  assert.deepEqual([idOf(opened), await stage.text(id)], [id, "newest"]);
});

Deno.test("on a slow network what was kept of a draft is not taken for what the host has", async () => {
  await using stage = await DraftStage.open();
  const worker = keeping();
  stage.network = worker.network;
  const { draft, id } = await stage.saved({ text: "one" });
  const phone = await stage.elsewhere(id);
  draft.edit({ text: "two" });
  draft.abandon();
  stage.network = (_, ask) => ask();
  phone.edit({ important: true });
  await phone.save();

  stage.network = worker.network;
  worker.isSlow = true;
  assert.equal((await message(id)).important, false, "the worker keeps it");
  const opened = stage.again();
  await opened.save();
  assert.deepEqual(stage.told, [apart.changed]);
  assert.equal((await message(id, { fresh: true })).important, true);
});

Deno.test("offline a draft goes on, and what another device saved meanwhile is not written over afterwards", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ text: "one" });
  const phone = await stage.elsewhere(id);
  stage.network = offline;
  draft.edit({ text: "here" });
  await draft.save();
  assert.deepEqual([draft.state.value.kind, draft.isSafe], ["offline", true]);

  stage.network = (_, ask) => ask();
  phone.edit({ text: "phone" });
  await phone.save();
  await draft.save();
  assert.deepEqual([await stage.text(id), await stage.text(idOf(draft))], ["phone", "here"]);
});

Deno.test("a draft that was sent elsewhere: what was changed here since is a draft of its own, to be saved, sent or discarded", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ text: "one" });
  const tab = await stage.elsewhere(id);
  await tab.send();

  draft.edit({ text: "one, and more" });
  await draft.save();
  assert.deepEqual([draft.state.value.kind, stage.told], ["saved", [apart.sent]]);
  assert.notEqual(idOf(draft), id);
  assert.deepEqual([await stage.text(id), await stage.text(idOf(draft))], ["one", "one, and more"]);
  await draft.discard();
  assert.deepEqual(await stage.drafts(), []);
});

Deno.test("whoever sends a draft that went its own way elsewhere is told, and nothing goes out twice", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ text: "one" });
  const tab = await stage.elsewhere(id);
  await tab.send();
  draft.edit({ text: "one, and more" });
  await assert.rejects(
    draft.send(),
    (error) => error instanceof Refused && error.message === apart.sent,
  );
  assert.equal((await waitFor(() => draft.id.value)) > id, true);
  assert.equal((await draft.send()).id, draft.id.value);
});

Deno.test("a draft that another tab changed and sent was not sent as it is shown here, and stays", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ text: "mine" });
  const tab = await stage.elsewhere(id);
  tab.edit({ text: "other" });
  await tab.send();
  await assert.rejects(draft.send(), { message: apart.sent });
  await draft.save();
  assert.equal(await stage.text(idOf(draft)), "mine");
});

Deno.test("a message whose answer was lost when it was sent is known as sent, not saved as a draft again", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ text: "one" });
  stage.network = async (request, ask) => {
    if (!request.url.endsWith("/send") && stage.network !== offline) return await ask();
    await (await ask()).body?.cancel();
    stage.network = offline;
    throw new TypeError("the connection broke");
  };
  await assert.rejects(draft.send(), Offline);
  stage.network = (_, ask) => ask();
  assert.equal((await draft.send()).id, id);
  assert.deepEqual([draft.state.value.kind, await stage.drafts()], ["sent", []]);
});

Deno.test("a draft that was sent elsewhere can be discarded here: what was sent stays, and that is told", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ text: "one" });
  await (await stage.elsewhere(id)).send();
  draft.edit({ text: "more" });
  await draft.discard();
  assert.deepEqual([draft.isDiscarded, localDrafts()], [true, []]);
  assert.deepEqual(stage.told, [texts.writing.sentBefore]);
  assert.notEqual(stage.items.get(id)?.time ?? null, null);
});

Deno.test("a draft that was deleted elsewhere while it is written here becomes a new one", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ text: "one" });
  await (await stage.elsewhere(id)).discard();
  draft.edit({ text: "two" });
  await draft.save();
  assert.deepEqual(stage.told, [apart.deleted]);
  assert.deepEqual(await stage.drafts(), [idOf(draft)]);
});

Deno.test("discarding offline fails whole: the draft and the files that wait are still there", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ text: "one" });
  stage.network = offline;
  draft.files.add([new File(["x"], "a.txt")]);
  await assert.rejects(draft.discard(), Offline);
  assert.equal(draft.isDiscarded, false);
  assert.deepEqual(draft.files.files.value.map(({ name }) => name), ["a.txt"]);
  stage.network = (_, ask) => ask();
  await draft.files.settled();
  assert.deepEqual(await stage.files(id), ["a.txt"]);
});

Deno.test("a discarded draft is not made again for the files that waited", async () => {
  await using stage = await DraftStage.open();
  const draft = stage.begin({ text: "one" });
  draft.files.add([new File(["x"], "a.txt")]);
  await draft.discard();
  assert.deepEqual([await stage.drafts(), draft.files.files.value], [[], []]);
});

Deno.test("once nobody writes it any more, nothing more of it is saved", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ text: "one" });
  draft.edit({ text: "two" });
  const asked: string[] = [];
  stage.network = async (request, ask) => {
    asked.push(request.method);
    draft.edit({ text: "three" });
    draft.abandon();
    return await ask();
  };
  await draft.save();
  assert.deepEqual([asked[0], asked.filter((method) => method === "PUT").length], ["PUT", 1]);
  stage.network = (_, ask) => ask();
  assert.equal(await stage.text(id), "two");
});

Deno.test("B7 an answer stays one draft, and is sent, when what it answers gets another id", async () => {
  await using stage = await DraftStage.open();
  const { store } = stage;
  const far = "@carol@far.example";
  const original = received({ from: far, to: [ALICE, "@dora@far.example"] });
  const added = addTo(original, { from: "@dora@far.example", to: [BOB] });
  await store.accept(added);
  const { draft, id } = await stage.saved({ pid: store.idOf(added), to: [far], text: "one" });
  await store.accept(original);
  assert.equal((await message(id)).pid, store.idOf(original));
  for (const text of ["two", "three"]) {
    stage.later();
    draft.edit({ text });
    await draft.save();
  }
  assert.deepEqual([await stage.drafts(), stage.told], [[id], []]);
  stage.later();
  assert.equal((await draft.send()).id, id);
  assert.equal(await stage.text(id), "three");
});

Deno.test("what this browser kept without what the host had before: both stay, and it is said as it is", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ text: "one" });
  draft.edit({ text: "two" });
  draft.abandon();
  const [kept] = localDrafts();
  assert.ok(kept !== undefined);
  const opened = stage.again({ ...kept, bases: [] });
  await opened.save();
  assert.deepEqual(stage.told, [apart.unknown]);
  assert.deepEqual([await stage.text(id), await stage.text(idOf(opened))], ["one", "two"]);
});

Deno.test("a text that stops on its way from the host holds up nothing for ever", async () => {
  await using stage = await DraftStage.open();
  using time = deadlines(60_000);
  const { draft, id } = await stage.saved({ text: "one" });
  using stopped = stopping();
  stage.network = stopped.network;
  stage.later();
  draft.edit({ text: "two" });
  const saving = draft.save();
  await stopped.reached;
  time.pass();
  await within(PATIENCE, "saving", saving);
  assert.deepEqual([draft.state.value.kind, stage.told], ["offline", []]);
  stage.network = (_, ask) => ask();
  assert.equal((await draft.send()).id, id);
  assert.equal(await stage.text(id), "two");
});

Deno.test("discarding an old copy in this browser leaves what another device has written since, and says so", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ text: "one" });
  const phone = await stage.elsewhere(id);
  stage.network = offline;
  draft.edit({ text: "two" });
  await draft.save();
  draft.abandon();
  stage.network = (_, ask) => ask();
  phone.edit({ text: "written on the phone" });
  await phone.save();

  const opened = stage.again();
  await opened.discard();
  assert.deepEqual([opened.isDiscarded, localDrafts()], [true, []]);
  assert.equal(await stage.text(id), "written on the phone");
  assert.deepEqual(stage.told, [texts.writing.changedBefore]);
  assert.equal(stage.items.get(id)?.id, id);
});

Deno.test("discarding what has been open for long leaves what another device has written since; what nobody changed goes", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ text: "one" });
  const other = await stage.saved({ text: "other" });
  const phone = await stage.elsewhere(id);
  phone.edit({ text: "written on the phone" });
  await phone.save();
  stage.later();
  await draft.discard();
  other.draft.edit({ text: "other, changed" });
  await other.draft.discard();
  assert.deepEqual(await stage.drafts(), [id]);
  assert.deepEqual(stage.told, [texts.writing.changedBefore]);
});

/** A network on which the first text does not go on after its head. */
function stopping(): Disposable & { network: Network; reached: Promise<void> } {
  const reached = Promise.withResolvers<void>();
  const over = new AbortController();
  let first = true;
  return {
    reached: reached.promise,
    network: async (request, ask) => {
      if (!first || !request.url.endsWith("/data")) return await ask();
      first = false;
      return new Response(
        new ReadableStream({
          start(body): void {
            const signal = AbortSignal.any([request.signal, over.signal]);
            signal.addEventListener("abort", () => body.error(signal.reason));
          },
          pull: () => reached.resolve(),
        }),
      );
    },
    [Symbol.dispose]: () => over.abort(),
  };
}
