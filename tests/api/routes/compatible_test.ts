// The routes beyond FMSG-003 that later clients call: a thread as JSON, and what reactions are told (docs/api.md).

import assert from "node:assert/strict";
import * as v from "valibot";
import { type Sending, sent } from "../../store/support.ts";
import { ALICE, BOB, CAROL, RouteStage } from "./asking.ts";

const THREAD = v.looseObject({
  root_id: v.number(),
  trigger_id: v.number(),
  complete: v.boolean(),
  messages: v.array(v.looseObject({ id: v.number(), visible: v.boolean() })),
});
const REFUSAL = v.strictObject({ error: v.string(), code: v.string() });

async function send(stage: RouteStage, sending: Sending): Promise<number> {
  return sent(await stage.store.send(sending)).id;
}

async function reply(stage: RouteStage, id: number, sending: Sending): Promise<number> {
  return await send(stage, { ...sending, start: { replyTo: id } });
}

Deno.test("thread/messages: root first, with text, downloads, files and the hash of each", async () => {
  await using stage = await RouteStage.open();
  const root = await send(stage, {
    from: ALICE,
    to: [BOB],
    start: { topic: "Hello" },
    type: "text/plain;charset=UTF-8",
    body: "Grüße",
    attachments: [{ filename: "my notes.txt", body: "notes" }],
  });
  const picture = await reply(stage, root, {
    from: BOB,
    to: [ALICE],
    type: "image/png",
    body: new Uint8Array([1, 2, 255]),
  });
  const { status, body } = await stage.ask(`GET /fmsg/${picture}/thread/messages`, { by: ALICE });
  assert.equal(status, 200);
  const thread = v.parse(THREAD, body);
  const { root_id, trigger_id, complete, messages: [first, second, ...more] } = thread;
  assert.deepEqual([root_id, trigger_id, complete, more], [root, picture, true, []]);
  const hash = hashOf(stage, ALICE, root);
  assert.deepEqual(
    [first?.["topic"], first?.["pid"], first?.["from"], first?.["message_sha256"]],
    ["Hello", null, ALICE, hash],
  );
  assert.deepEqual(first?.["body"], {
    type: "text/plain;charset=UTF-8",
    size: 7,
    text: "Grüße",
    cache_key: `sha256:${hash}:body`,
    cacheable: true,
  });
  assert.deepEqual(first["attachments"], [{
    position: 0,
    type: "text/plain;charset=UTF-8",
    filename: "my notes.txt",
    size: 5,
    download: `/fmsg/${root}/attach/my%20notes.txt`,
    cache_key: `sha256:${hash}:attachment:0:my%20notes.txt`,
    cacheable: true,
  }]);
  assert.equal(second?.["pid"], root);
  assert.deepEqual(second["body"], {
    type: "image/png",
    size: 3,
    download: `/fmsg/${picture}/data`,
    cache_key: `sha256:${hashOf(stage, ALICE, picture)}:body`,
    cacheable: true,
  });
});

Deno.test("thread/messages: of an ancestor that is not to be seen there is the id alone, and the thread is incomplete", async () => {
  await using stage = await RouteStage.open();
  const root = await send(stage, { from: ALICE, to: [BOB], body: "a secret" });
  const answer = await reply(stage, root, { from: BOB, to: [CAROL], body: "in confidence" });
  const { body } = await stage.ask(`GET /fmsg/${answer}/thread/messages`, { by: CAROL });
  const { complete, messages, root_id } = v.parse(THREAD, body);
  assert.deepEqual([complete, root_id], [false, root]);
  assert.deepEqual(messages[0], { id: root, visible: false });
  assert.doesNotMatch(JSON.stringify(body), /secret|@alice/);
});

Deno.test("thread/messages: for a message that is hidden or absent the answer is 404, and the same", async () => {
  await using stage = await RouteStage.open();
  const id = await send(stage, { from: ALICE, to: [BOB] });
  const hidden = await stage.ask(`GET /fmsg/${id}/thread/messages`, { by: CAROL });
  const absent = await stage.ask(`GET /fmsg/${id + 1}/thread/messages`, { by: CAROL });
  assert.deepEqual([hidden.status, hidden.body], [404, absent.body]);
});

Deno.test("thread/messages: a draft has no hash, and what is no UTF-8 is no text", async () => {
  await using stage = await RouteStage.open();
  const bytes = new Uint8Array([0x66, 0xff, 0x67]);
  const latin = await send(stage, { from: ALICE, to: [BOB], type: "text/plain", body: bytes });
  const created = await stage.ask("POST /fmsg", {
    by: BOB,
    json: {
      version: 1,
      from: BOB,
      to: [ALICE],
      pid: latin,
      type: "application/ld+json",
      data: "{}",
    },
  });
  const { id } = v.parse(v.looseObject({ id: v.number() }), created.body);
  const { body } = await stage.ask(`GET /fmsg/${id}/thread/messages`, { by: BOB });
  const [first, second] = v.parse(THREAD, body).messages;
  const download = `/fmsg/${latin}/data`;
  assert.equal(
    v.parse(v.looseObject({ download: v.string() }), first?.["body"]).download,
    download,
  );
  assert.deepEqual(second?.["body"], {
    type: "application/ld+json",
    size: 2,
    text: "{}",
    cacheable: false,
  });
  assert.ok(!("message_sha256" in second));
});

Deno.test("thread/messages: more than 100 messages are 422, more than 4 MiB of text 413, each with its code", async () => {
  await using stage = await RouteStage.open();
  let id = await send(stage, { from: ALICE, to: [BOB] });
  for (let i = 1; i < 100; i++) id = await reply(stage, id, { from: ALICE, to: [BOB] });
  const whole = await stage.ask(`GET /fmsg/${id}/thread/messages`, { by: BOB });
  assert.equal(v.parse(THREAD, whole.body).messages.length, 100);
  id = await reply(stage, id, { from: ALICE, to: [BOB] });
  const deep = await stage.ask(`GET /fmsg/${id}/thread/messages`, { by: BOB });
  assert.deepEqual([deep.status, v.parse(REFUSAL, deep.body).code], [422, "thread_too_deep"]);

  const text = { from: ALICE, to: [BOB], type: "text/plain", body: "x".repeat(2 ** 21 + 1) };
  const large = await reply(stage, await send(stage, text), text);
  const refused = await stage.ask(`GET /fmsg/${large}/thread/messages`, { by: BOB });
  assert.deepEqual([refused.status, v.parse(REFUSAL, refused.body).code], [
    413,
    "thread_too_large",
  ]);
});

Deno.test("react: 501 says that fmsg 0.4 has no reactions, 404 what is hidden, and nothing is sent", async () => {
  await using stage = await RouteStage.open();
  const id = await send(stage, { from: ALICE, to: [BOB] });
  for (const json of [{ emoji: "👍" }, { emoji: "" }, { emoji: null }]) {
    const refused = await stage.ask(`POST /fmsg/${id}/react`, { by: BOB, json });
    assert.deepEqual([refused.status, v.parse(REFUSAL, refused.body).code], [
      501,
      "reactions_unsupported",
    ]);
    assert.equal((await stage.ask(`POST /fmsg/${id}/react`, { by: CAROL, json })).status, 404);
  }
  assert.deepEqual((await stage.ask("GET /fmsg/sent", { by: BOB })).body, []);
});

function hashOf(stage: RouteStage, by: string, id: number): string {
  const address = stage.addressOf(by);
  return stage.context.mailbox(address).message(id)?.hash ?? "none";
}
