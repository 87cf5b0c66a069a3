// Drafts: what makes one, who may change it, and until when.

import { deepEqual, equal, match } from "node:assert/strict";
import {
  ALICE,
  BOB,
  CAROL,
  draftOf,
  errorOf,
  fieldsOf,
  idOf,
  idsOf,
  MessageStage,
} from "./message_stage.ts";

Deno.test("N3 draft: made, listed, replaced, and gone again", async () => {
  await using stage = await MessageStage.open();
  const made = await stage.expect(201, ALICE, "POST", "/fmsg", {
    json: draftOf(ALICE, {
      to: [BOB, "@zoe@elsewhere.test"],
      topic: "Größe",
      data: "héllo",
      size: 99,
      important: true,
      add_to: { whatever: 1 },
      unknown: [],
    }),
  });
  equal(made.headers.get("content-type"), "application/json");
  const id = idOf(made);
  deepEqual(fieldsOf(made), { id });
  const message = fieldsOf(await stage.expect(200, ALICE, "GET", `/fmsg/${id}`));
  const undelivered = (addr: string): object => ({
    addr,
    time_delivered: null,
    response_code: null,
    state: "unknown",
    reason: null,
    attempts: 0,
    next_attempt: null,
  });
  deepEqual(message, {
    version: 1,
    has_pid: false,
    has_add_to: false,
    important: true,
    no_reply: false,
    deflate: false,
    pid: null,
    from: ALICE,
    to: [BOB, "@zoe@elsewhere.test"],
    to_delivery: [undelivered(BOB), undelivered("@zoe@elsewhere.test")],
    add_to: [],
    time: null,
    topic: "Größe",
    type: "text/plain",
    size: 6,
    short_text: "héllo",
    read: false,
    time_read: null,
    attachments: [],
  });
  deepEqual(idsOf(await stage.expect(200, ALICE, "GET", "/fmsg/sent")), [id]);
  deepEqual(idsOf(await stage.expect(200, BOB, "GET", "/fmsg")), []);

  const replaced = await stage.expect(200, ALICE, "PUT", `/fmsg/${id}`, {
    json: draftOf(ALICE, { to: [CAROL], type: "text/markdown; charset=utf-8", data: "*x*" }),
  });
  deepEqual(fieldsOf(replaced), { id });
  const now = fieldsOf(await stage.expect(200, ALICE, "GET", `/fmsg/${id}`));
  deepEqual([now.to, now.type, now.size, now.topic, now.important], [
    [CAROL],
    "text/markdown; charset=utf-8",
    3,
    "",
    false,
  ]);

  await stage.expect(204, ALICE, "DELETE", `/fmsg/${id}`);
  await stage.expect(404, ALICE, "GET", `/fmsg/${id}`);
  await stage.expect(404, ALICE, "DELETE", `/fmsg/${id}`);
  stage.store.audit();
});

Deno.test("N3 a sent message is immutable: 403, and 409 for a second send", async () => {
  await using stage = await MessageStage.open();
  const id = await stage.draft(ALICE);
  await stage.upload(ALICE, id, "a.txt", "x");
  const sent = fieldsOf(await stage.expect(200, ALICE, "POST", `/fmsg/${id}/send`));
  equal(sent.id, id);
  equal(typeof sent.time, "number");
  equal(fieldsOf(await stage.expect(200, ALICE, "GET", `/fmsg/${id}`)).time, sent.time);

  await stage.expect(409, ALICE, "POST", `/fmsg/${id}/send`);
  await stage.expect(403, ALICE, "PUT", `/fmsg/${id}`, { json: draftOf(ALICE) });
  await stage.expect(403, ALICE, "DELETE", `/fmsg/${id}`);
  await stage.expect(403, ALICE, "DELETE", `/fmsg/${id}/attach/a.txt`);
  equal((await stage.upload(ALICE, id, "b.txt", "x")).status, 403);
  equal((await stage.expect(200, BOB, "GET", `/fmsg/${id}/data`)).text, "hello");
  stage.store.audit();
});

Deno.test("N2 a draft is its sender's alone; of a sent message other participants may change nothing", async () => {
  await using stage = await MessageStage.open();
  const draft = await stage.draft(ALICE);
  const sent = await stage.send(ALICE);
  const changes = (id: number) =>
    [
      ["PUT", `/fmsg/${id}`, { json: draftOf(BOB) }],
      ["DELETE", `/fmsg/${id}`],
      ["POST", `/fmsg/${id}/send`],
      ["DELETE", `/fmsg/${id}/attach/a.txt`],
    ] as const;
  for (const [method, path, body] of changes(draft)) {
    await stage.expect(404, BOB, method, path, body);
  }
  equal((await stage.upload(BOB, draft, "a.txt", "x")).status, 404);
  for (const [method, path, body] of changes(sent)) {
    await stage.expect(403, BOB, method, path, body);
    await stage.expect(404, CAROL, method, path, body);
  }
  equal((await stage.upload(BOB, sent, "a.txt", "x")).status, 403);
});

Deno.test("N3 what may not be changed is 403 or 404, whatever the body says", async () => {
  await using stage = await MessageStage.open();
  const sent = await stage.send(ALICE);
  const draft = await stage.draft(ALICE);
  const large = `"${"x".repeat(40 * 1024 * 1024)}"`;
  for (const body of ["", "{}", "no JSON", '{"add_to": 5}', large]) {
    await stage.expect(403, ALICE, "PUT", `/fmsg/${sent}`, body);
    await stage.expect(403, BOB, "PUT", `/fmsg/${sent}`, body);
    await stage.expect(404, BOB, "PUT", `/fmsg/${draft}`, body);
    await stage.expect(404, CAROL, "POST", `/fmsg/${sent}/add-to`, body);
  }
  await stage.expect(200, ALICE, "POST", `/fmsg/${sent}/add-to`, { json: { add_to: [CAROL] } });
  await stage.expect(403, CAROL, "POST", `/fmsg/${sent}/add-to`, "{}");
});

Deno.test("what is hidden and what does not exist are answered alike", async () => {
  await using stage = await MessageStage.open();
  const hidden = await stage.send(ALICE);
  const draft = await stage.draft(ALICE);
  const requests = (id: string | number) =>
    [
      ["GET", `/fmsg/${id}`],
      ["GET", `/fmsg/${id}/data`],
      ["GET", `/fmsg/${id}/thread`],
      ["GET", `/fmsg/${id}/attach/a.txt`],
      ["POST", `/fmsg/${id}/read`],
      ["POST", `/fmsg/${id}/send`],
      ["DELETE", `/fmsg/${id}`],
      ["PUT", `/fmsg/${id}`, { json: draftOf(CAROL) }],
      ["POST", `/fmsg/${id}/add-to`, { json: { add_to: [CAROL] } }],
    ] as const;
  const absent = requests("9223372036854775807");
  for (const [i, [method, path, body]] of absent.entries()) {
    const expected = await stage.expect(404, CAROL, method, path, body);
    for (const id of [hidden, draft]) {
      const [, path] = requests(id)[i] ?? absent[0];
      const answer = await stage.expect(404, CAROL, method, path, body);
      deepEqual([answer.text, [...answer.headers]], [expected.text, [...expected.headers]], path);
    }
  }
  const reply = (pid: number): Promise<{ readonly text: string }> =>
    stage.expect(400, CAROL, "POST", "/fmsg", { json: draftOf(CAROL, { pid }) });
  const unknown = await reply(123456789);
  for (const pid of [hidden, draft, 2 ** 62]) equal((await reply(pid)).text, unknown.text);
});

Deno.test("what makes no draft is refused with 400 and the reason", async () => {
  await using stage = await MessageStage.open();
  const parent = await stage.send(BOB, { to: [ALICE] });
  const refused: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ version: undefined }, /"version" is missing/],
    [{ version: 2 }, /"version" has to be 1/],
    [{ version: "1" }, /"version" has to be 1/],
    [{ from: "alice" }, /"from" is no address/],
    [{ from: undefined }, /"from" is missing/],
    [{ to: [] }, /"to": has to name at least one/],
    [{ to: "x" }, /"to" has to be an array/],
    [{ to: undefined }, /"to" is missing/],
    [{ to: ["bob"] }, /"bob" is no address/],
    [{ to: [BOB, BOB.toUpperCase()] }, /same address/],
    [{ to: Array.from({ length: 256 }, (_, i) => `@u${i}@x.test`) }, /255/],
    [{ type: undefined }, /"type" is missing/],
    [{ type: "text" }, /no media type/],
    [{ type: "text/plain\r\nX: y" }, /no media type/],
    [{ size: "5" }, /"size" has to be a number/],
    [{ size: -1 }, /"size"/],
    [{ size: 1.5 }, /"size" has to be an integer/],
    [{ important: "yes" }, /"important" has to be true or false/],
    [{ data: 5 }, /"data" has to be a text/],
    [{ data: "\ud800" }, /"data": holds half a character/],
    [{ topic: "\udc00" }, /"topic": holds half a character/],
    [{ topic: "ä".repeat(128) }, /"topic": is longer than 255 bytes/],
    [{ pid: parent, topic: "again" }, /"topic" has to be empty/],
    [{ pid: 0 }, /"pid"/],
    [{ pid: "1" }, /"pid" has to be a number/],
    [{ pid: 1.5 }, /"pid" has to be an integer/],
  ];
  const draft = await stage.draft(ALICE);
  for (const [changes, words] of refused) {
    for (const [method, path] of [["POST", "/fmsg"], ["PUT", `/fmsg/${draft}`]] as const) {
      const answer = await stage.expect(400, ALICE, method, path, {
        json: draftOf(ALICE, changes),
      });
      match(errorOf(answer), words);
    }
  }
  for (const json of [null, [], 5, "x"]) {
    await stage.expect(400, ALICE, "POST", "/fmsg", { json });
  }
  deepEqual(idsOf(await stage.expect(200, ALICE, "GET", "/fmsg/sent")), [draft]);
});

Deno.test('"from" is the identity, in any case, and stored as the identity is spelled; another is 403', async () => {
  await using stage = await MessageStage.open();
  const id = await stage.draft(ALICE, { from: ALICE.toUpperCase() });
  equal(fieldsOf(await stage.expect(200, ALICE, "GET", `/fmsg/${id}`)).from, ALICE);
  await stage.expect(403, ALICE, "POST", "/fmsg", { json: draftOf(BOB) });
  await stage.expect(403, ALICE, "PUT", `/fmsg/${id}`, { json: draftOf(BOB) });
});

Deno.test("what the author's clients leave out or send as null is no mistake", async () => {
  await using stage = await MessageStage.open();
  const parent = await stage.send(BOB, { to: [ALICE], topic: "root" });
  await stage.draft(ALICE, { size: undefined });
  await stage.draft(ALICE, { size: null, pid: null, topic: null, important: null, no_reply: null });
  const empty = await stage.draft(ALICE, { data: undefined, size: 0 });
  equal(fieldsOf(await stage.expect(200, ALICE, "GET", `/fmsg/${empty}`)).size, 0);
  const reply = await stage.draft(ALICE, { pid: parent, topic: "" });
  const message = fieldsOf(await stage.expect(200, ALICE, "GET", `/fmsg/${reply}`));
  deepEqual([message.has_pid, message.pid, message.topic], [true, parent, ""]);
});

Deno.test("another spelling of a common media type becomes the common one; others stay as they are", async () => {
  await using stage = await MessageStage.open();
  for (
    const [type, stored] of [
      ["text/plain; charset=utf-8", "text/plain;charset=UTF-8"],
      ['Text/Plain;charset="UTF-8"', "text/plain;charset=UTF-8"],
      ["IMAGE/PNG", "image/png"],
      [" text/html ", "text/html"],
      ["text/plain", "text/plain"],
      ["text/x-mine; charset=utf-8", "text/x-mine; charset=utf-8"],
    ] as const
  ) {
    const id = await stage.draft(ALICE, { type });
    equal(fieldsOf(await stage.expect(200, ALICE, "GET", `/fmsg/${id}`)).type, stored);
  }
});

Deno.test("N9 a body over the limit is 413; what is compressed counts expanded", async () => {
  await using stage = await MessageStage.open(undefined, {
    maxSize: 20_000,
    maxExpandedSize: 40_000,
  });
  const id = await stage.draft(ALICE, { data: "a".repeat(40_000) });
  const message = fieldsOf(await stage.expect(200, ALICE, "GET", `/fmsg/${id}`));
  deepEqual([message.size, message.deflate], [40_000, true]);
  await stage.expect(413, ALICE, "POST", "/fmsg", {
    json: draftOf(ALICE, { data: "a".repeat(40_001) }),
  });
  await stage.expect(413, ALICE, "PUT", `/fmsg/${id}`, {
    json: draftOf(ALICE, { data: "ä".repeat(20_001) }),
  });
  // Within the expanded size, but random text does not shrink below what is sent.
  const noise = crypto.getRandomValues(new Uint8Array(30_000));
  const data = [...noise].map((byte) => String.fromCharCode(33 + byte % 90)).join("");
  await stage.expect(413, ALICE, "POST", "/fmsg", { json: draftOf(ALICE, { data }) });
  const announced = await stage.request(ALICE, "POST", "/fmsg", "{}", {
    "content-type": "application/json",
    "content-length": "99999999",
  });
  equal(announced.status, 413);
  stage.store.audit({ drafts: 1 });
});

Deno.test("over a limit on sending is 403, and the draft stays", async () => {
  await using stage = await MessageStage.open([
    { address: ALICE, limits: { send_messages_per_day: 1 } },
    BOB,
  ]);
  await stage.send(ALICE);
  const id = await stage.draft(ALICE);
  await stage.expect(403, ALICE, "POST", `/fmsg/${id}/send`);
  equal(fieldsOf(await stage.expect(200, ALICE, "GET", `/fmsg/${id}`)).time, null);
});
