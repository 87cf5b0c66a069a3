// The files of drafts: none is deleted, replaced or sent that whoever writes does not know of.

import assert from "node:assert/strict";
import { attachment } from "../../src/web/client.ts";
import type { Draft } from "../../src/web/drafts.ts";
import { Refused } from "../../src/web/errors.ts";
import { localDrafts } from "../../src/web/local_drafts.ts";
import { texts } from "../../src/web/texts.ts";
import { waitFor } from "../support/wait.ts";
import { DraftStage, idOf, keeping, type Network, offline } from "./draft_stage.ts";

const direct: Network = (_, ask) => ask();

Deno.test("files wait for a recipient, are uploaded under names of their own, and are sent", async () => {
  await using stage = await DraftStage.open();
  const draft = stage.begin({ to: [], text: "" });
  draft.files.add([file("a.txt", "1"), file("A.txt", "2")]);
  await draft.files.settled();
  assert.deepEqual([shown(draft), draft.isSafe], [["a.txt waiting", "A 2.txt waiting"], false]);
  draft.edit({ to: ["@bob@here.example"] });
  draft.files.start();
  const { id } = await draft.send();
  assert.deepEqual(await stage.files(id), ["a.txt", "A 2.txt"]);
});

Deno.test("a file that was attached elsewhere is not deleted by sending: it is shown first", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ text: "one" });
  draft.files.add([file("photo.jpg", "photo")]);
  await draft.files.settled();
  const phone = await stage.elsewhere(id);
  phone.files.add([file("report.pdf", "report")]);
  await phone.files.settled();

  await assert.rejects(draft.send(), { message: texts.writing.moreFiles });
  assert.deepEqual(shown(draft), ["photo.jpg done", "report.pdf done"]);
  assert.deepEqual(await stage.files(id), ["photo.jpg", "report.pdf"]);
  await draft.send();
  assert.deepEqual(await stage.files(id), ["photo.jpg", "report.pdf"]);
});

Deno.test("on a slow network what was kept is not taken for the files that the host has", async () => {
  await using stage = await DraftStage.open();
  const worker = keeping();
  stage.network = worker.network;
  const { draft, id } = await stage.saved({ text: "one" });
  await stage.files(id);
  const phone = await stage.elsewhere(id);
  phone.files.add([file("report.pdf", "report")]);
  await phone.files.settled();
  worker.isSlow = true;
  await assert.rejects(draft.send(), { message: texts.writing.moreFiles });
});

Deno.test("a draft that was opened offline is not sent with files that were never shown, nor are they replaced", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ text: "one" });
  draft.files.add([file("photo.jpg", "first")]);
  await draft.files.settled();
  draft.edit({ text: "two" });
  draft.abandon();

  stage.network = offline;
  const opened = stage.again();
  await opened.save();
  opened.files.add([file("photo.jpg", "second"), file("wrong.txt", "x")]);
  await waitFor(() => shown(opened).every((words) => words.endsWith("failed")));
  await opened.files.remove("wrong.txt");
  stage.network = direct;
  opened.files.goOn();
  await waitFor(() => shown(opened).every((words) => words.endsWith("done")));
  assert.deepEqual(shown(opened), ["photo.jpg done", "photo 2.jpg done"]);
  const sent = await opened.send();
  assert.equal(sent.id, id);
  assert.equal(await (await attachment(id, "photo.jpg")).text(), "first");
  assert.equal(await (await attachment(id, "photo 2.jpg")).text(), "second");
});

Deno.test("sending at once what was kept here shows the files of the host's copy first", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ text: "one" });
  draft.files.add([file("a.txt", "1")]);
  await draft.files.settled();
  draft.edit({ text: "two" });
  draft.abandon();
  const opened = stage.again();
  await assert.rejects(opened.send(), { message: texts.writing.moreFiles });
  assert.deepEqual(shown(opened), ["a.txt done"]);
  await opened.send();
  assert.deepEqual([await stage.files(id), await stage.text(id)], [["a.txt"], "two"]);
});

Deno.test("an upload that is cancelled while the host has all of it is not sent", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ text: "one" });
  const upload = held("POST");
  stage.network = upload.network;
  draft.files.add([file("a.txt", "1")]);
  await upload.reached;
  const removal = draft.files.remove("a.txt");
  await removal;
  assert.deepEqual(shown(draft), []);
  // What had left reaches the host after the page took it off.
  await upload.release();
  assert.deepEqual(await stage.files(id), ["a.txt"]);
  stage.network = direct;
  await draft.send();
  assert.deepEqual(await stage.files(id), []);
});

Deno.test("a file that is added again while the one of its name is taken off stays, under another name if need be", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ text: "one" });
  const upload = held("POST");
  stage.network = upload.network;
  draft.files.add([file("a.txt", "old"), file("big.txt", "big")]);
  await upload.reached;
  const removal = draft.files.remove("a.txt");
  draft.files.add([file("a.txt", "new")]);
  await upload.release();
  stage.network = direct;
  await removal;
  await draft.send();
  assert.deepEqual((await stage.files(id)).sort(), ["a 2.txt", "big.txt"]);
  assert.equal(await (await attachment(id, "a 2.txt")).text(), "new");
});

Deno.test("cancelling one upload does not wait for the others", async () => {
  await using stage = await DraftStage.open();
  const { draft } = await stage.saved({ text: "one" });
  draft.files.add([file("a.txt", "1")]);
  await draft.files.settled();
  const upload = held("POST");
  stage.network = upload.network;
  draft.files.add([file("b.txt", "2")]);
  await upload.reached;
  await draft.files.remove("a.txt");
  assert.deepEqual(shown(draft), ["b.txt uploading"]);
  await upload.release();
});

Deno.test("a file that is being taken off is gone before the message is sent, or it is not sent", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ text: "one" });
  draft.files.add([file("a.txt", "1")]);
  await draft.files.settled();
  const removing = held("DELETE");
  stage.network = removing.network;
  const removal = draft.files.remove("a.txt");
  const sent = draft.send();
  await removing.reached;
  stage.network = direct;
  await removing.release();
  await Promise.all([removal, sent]);
  assert.deepEqual(await stage.files(id), []);
});

Deno.test("what failed for want of the host goes on when it is back; what failed for good holds nobody at closing", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ text: "one" });
  stage.network = offline;
  draft.files.add([file("a.txt", "1")]);
  await waitFor(() => shown(draft)[0] === "a.txt failed");
  assert.equal(draft.isSafe, false);
  stage.network = direct;
  draft.files.goOn();
  await draft.files.settled();
  assert.deepEqual(await stage.files(id), ["a.txt"]);

  draft.files.add([file("big.bin", "x".repeat(11 * 1024 * 1024))]);
  await assert.rejects(
    draft.files.settled(),
    (error) => error instanceof Refused && error.status === 413,
  );
  assert.equal(draft.isSafe, true);
});

Deno.test("a draft that was deleted elsewhere takes its files along as far as this page has them", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ text: "one" });
  draft.files.add([file("a.txt", "1")]);
  await draft.files.settled();
  const tab = await stage.elsewhere(id);
  tab.files.add([file("b.txt", "2")]);
  await tab.files.settled();
  draft.edit({ text: "two" });
  draft.abandon();
  const opened = stage.again(localDrafts()[0]);
  await opened.save();
  opened.files.add([file("c.txt", "3")]);
  await opened.files.settled();

  await tab.discard();
  opened.edit({ text: "three" });
  await opened.save();
  await waitFor(() => shown(opened).every((words) => !words.endsWith("waiting")));
  const gone = texts.writing.fileGone;
  await assert.rejects(opened.send(), { message: gone("a.txt") });
  await opened.files.remove("a.txt");
  await assert.rejects(opened.send(), { message: gone("b.txt") });
  await opened.files.remove("b.txt");
  await opened.send();
  assert.deepEqual(await stage.files(idOf(opened)), ["c.txt"]);
});

Deno.test("what has to be a draft of its own is not sent without the files that were never shown", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ text: "one" });
  draft.files.add([file("contract.pdf", "1")]);
  await draft.files.settled();
  draft.edit({ text: "see the file" });
  draft.abandon();
  const phone = await stage.elsewhere(id);
  phone.edit({ text: "phone" });
  await phone.save();

  const opened = stage.again();
  await opened.save();
  assert.deepEqual(stage.told, [texts.writing.apart.changed]);
  assert.deepEqual(shown(opened), ["contract.pdf failed"]);
  await assert.rejects(opened.send(), { message: texts.writing.fileGone("contract.pdf") });
  await opened.files.remove("contract.pdf");
  await opened.send();
  assert.deepEqual([await stage.drafts(), await stage.files(id)], [[id], ["contract.pdf"]]);
});

Deno.test("a file for a draft that was deleted elsewhere goes to the new draft, which can be sent", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ text: "one" });
  await (await stage.elsewhere(id)).discard();
  draft.files.add([file("a.txt", "1")]);
  await assert.rejects(draft.send(), Refused);
  await waitFor(() => shown(draft)[0] === "a.txt done");
  assert.deepEqual(stage.told, [texts.writing.apart.deleted]);
  const sent = await draft.send();
  assert.deepEqual([await stage.files(sent.id), await stage.text(sent.id)], [["a.txt"], "one"]);
});

Deno.test("a draft that was sent elsewhere while its files were waited for does not go out a second time by itself", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ text: "one" });
  await (await stage.elsewhere(id)).send();
  draft.files.add([file("a.txt", "1"), file("b.txt", "2")]);
  await assert.rejects(draft.send(), { message: texts.writing.apart.sent });
  await draft.save();
  assert.deepEqual(await stage.drafts(), [idOf(draft)]);
  assert.deepEqual(await stage.files(idOf(draft)), ["a.txt", "b.txt"]);
});

Deno.test("a draft that was sent elsewhere is not known as sent while a file of it is only here", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ text: "one" });
  await (await stage.elsewhere(id)).send();
  draft.files.add([file("a.txt", "1")]);
  await waitFor(() => shown(draft)[0] === "a.txt done");
  assert.notEqual(idOf(draft), id);
  assert.deepEqual(stage.told, [texts.writing.apart.sent]);
  assert.deepEqual([await stage.files(id), await stage.files(idOf(draft))], [[], ["a.txt"]]);
});

Deno.test("a file that is taken off while the host's copy is read does not come back", async () => {
  await using stage = await DraftStage.open();
  const { draft, id } = await stage.saved({ text: "one" });
  draft.files.add([file("a.txt", "1")]);
  await draft.files.settled();
  const reading = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  stage.network = async (request, ask) => {
    if (request.url.endsWith("/data")) {
      reading.resolve();
      await goOn.promise;
    }
    return await ask();
  };
  stage.later();
  draft.edit({ text: "two" });
  const saving = draft.save();
  await reading.promise;
  await draft.files.remove("a.txt");
  goOn.resolve();
  await saving;
  assert.deepEqual(shown(draft), []);
  await draft.send();
  assert.deepEqual(await stage.files(id), []);
});

function file(name: string, content: string): File {
  return new File([content], name, { type: "application/octet-stream" });
}

function shown({ files }: Draft): string[] {
  return files.files.value.map(({ name, state }) => `${name} ${state.kind}`);
}

/** A network in which the first request of this method stays under way until it is released, also if it is cancelled. */
function held(
  method: string,
): { network: Network; reached: Promise<void>; release: () => Promise<void> } {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  let first = true;
  return {
    reached: reached.promise,
    release: () => {
      released.resolve();
      return answered.promise;
    },
    network: async (request, ask) => {
      if (request.method !== method || !first) return await ask();
      first = false;
      const cancelled = new Promise<never>((_, reject) => {
        request.signal.addEventListener("abort", () => reject(request.signal.reason));
      });
      const answer = released.promise.then(ask);
      answer.then(() => answered.resolve(), answered.reject);
      reached.resolve();
      return await Promise.race([answer, cancelled]);
    },
  };
}
