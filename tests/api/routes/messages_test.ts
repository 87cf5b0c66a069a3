// Lists, read state, and recipients added to a message.

import { deepEqual, equal, match, ok } from "node:assert/strict";
import {
  ALICE,
  BOB,
  CAROL,
  draftOf,
  errorOf,
  fieldsOf,
  idsOf,
  MessageStage,
} from "./message_stage.ts";
import { HERE } from "../../store/support.ts";

const DAVE = `@dave@${HERE}`;

Deno.test("lists are JSON arrays of messages with ids, the newest first, in pages", async () => {
  await using stage = await MessageStage.open();
  const empty = await stage.expect(200, BOB, "GET", "/fmsg");
  deepEqual([empty.text, empty.headers.get("content-type")], ["[]", "application/json"]);
  equal((await stage.expect(200, BOB, "GET", "/fmsg/sent")).text, "[]");
  const ids: number[] = [];
  for (let i = 0; i < 25; i++) ids.unshift(await stage.send(ALICE, { topic: `no ${i}` }));
  const draft = await stage.draft(ALICE);
  const page = async (query: string, user = BOB, path = "/fmsg"): Promise<number[]> =>
    idsOf(await stage.expect(200, user, "GET", `${path}${query}`));
  deepEqual(await page(""), ids.slice(0, 20));
  deepEqual(await page("?limit=3&offset=2"), ids.slice(2, 5));
  deepEqual(await page("?limit=1000"), ids);
  deepEqual(await page("?offset=25"), []);
  deepEqual(await page("?offset=9007199254740993"), []);
  deepEqual(await page(`?limit=3&before=${ids[4]}`), ids.slice(5, 8));
  deepEqual(await page(`?limit=2&before=${draft}`, ALICE, "/fmsg/sent"), ids.slice(0, 2));
  deepEqual(await page("?limit=100&before=9223372036854775807"), ids);
  deepEqual(await page("?limit=100", ALICE, "/fmsg/sent"), [draft, ...ids]);
  deepEqual(await page("", ALICE), []);
  deepEqual(await page("", CAROL), []);
  for (const query of ["limit=0", "limit=x", "limit=-1", "limit=", "offset=-1", "offset=1.5"]) {
    await stage.expect(400, BOB, "GET", `/fmsg?${query}`);
    await stage.expect(400, BOB, "GET", `/fmsg/sent?${query}`);
  }
  const one = await stage.expect(200, BOB, "GET", "/fmsg?limit=1");
  const { id: _, ...message } = fieldsOf({
    ...one,
    json: Array.isArray(one.json) ? one.json[0] : 0,
  });
  deepEqual(fieldsOf(await stage.expect(200, BOB, "GET", `/fmsg/${ids[0]}`)), message);
});

Deno.test("an id that is no positive integer is 400, one that no message has 404", async () => {
  await using stage = await MessageStage.open();
  for (const id of ["0", "-1", "+1", "01", "1e3", "x", "1.5", "9223372036854775808", "%20"]) {
    await stage.expect(400, ALICE, "GET", `/fmsg/${id}`);
    await stage.expect(400, ALICE, "POST", `/fmsg/${id}/read`);
    await stage.expect(400, ALICE, "GET", `/fmsg/${id}/attach/a.txt`);
  }
  for (const id of ["1", "9007199254740992", "9223372036854775807"]) {
    await stage.expect(404, ALICE, "GET", `/fmsg/${id}`);
  }
});

Deno.test("N5 read state is each recipient's own, and the first time counts", async () => {
  await using stage = await MessageStage.open();
  const id = await stage.send(ALICE, { to: [BOB, CAROL] });
  const state = async (user: string): Promise<unknown[]> => {
    const { read, time_read } = fieldsOf(await stage.expect(200, user, "GET", `/fmsg/${id}`));
    return [read, time_read];
  };
  deepEqual(await state(BOB), [false, null]);
  const first = fieldsOf(await stage.expect(200, BOB, "POST", `/fmsg/${id}/read`));
  equal(first.id, id);
  const { time_read } = first;
  ok(typeof time_read === "number" && Math.abs(time_read - Date.now() / 1000) < 60);
  deepEqual(fieldsOf(await stage.expect(200, BOB, "POST", `/fmsg/${id}/read`)), first);
  deepEqual(await state(BOB), [true, time_read]);
  deepEqual(await state(CAROL), [false, null]);
  deepEqual(await state(ALICE), [false, null]);
  await stage.expect(404, ALICE, "POST", `/fmsg/${id}/read`);
  await stage.expect(404, `@eve@${HERE}`, "POST", `/fmsg/${id}/read`);
  const toSelf = await stage.send(ALICE, { to: [ALICE, BOB] });
  await stage.expect(200, ALICE, "POST", `/fmsg/${toSelf}/read`);
  const draft = await stage.draft(ALICE, { to: [ALICE] });
  await stage.expect(404, ALICE, "POST", `/fmsg/${draft}/read`);
});

Deno.test("N6 recipients are added as one batch, by the sender or one in to, and see the message", async () => {
  await using stage = await MessageStage.open([ALICE, BOB, CAROL, DAVE]);
  const id = await stage.send(ALICE, { to: [BOB] });
  await stage.expect(404, CAROL, "GET", `/fmsg/${id}`);
  const added = await stage.expect(200, BOB, "POST", `/fmsg/${id}/add-to`, {
    json: { add_to: [CAROL, "@zoe@elsewhere.test"] },
  });
  deepEqual(fieldsOf(added), { id, added: 2 });
  deepEqual(idsOf(await stage.expect(200, CAROL, "GET", "/fmsg")), [id]);
  equal((await stage.expect(200, CAROL, "GET", `/fmsg/${id}/data`)).text, "hello");

  const { has_add_to, add_to } = fieldsOf(await stage.expect(200, ALICE, "GET", `/fmsg/${id}`));
  ok(Array.isArray(add_to));
  const [batch] = add_to;
  deepEqual([has_add_to, add_to.length, batch.add_to_from, batch.to], [
    true,
    1,
    BOB,
    [CAROL, "@zoe@elsewhere.test"],
  ]);
  deepEqual([typeof batch.batch_id, typeof batch.time], ["number", "number"]);
  const [carol, zoe] = batch.to_delivery;
  match(carol.time_delivered, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  deepEqual([carol.addr, carol.response_code, carol.state], [CAROL, null, "local"]);
  deepEqual([zoe.time_delivered, zoe.response_code, zoe.state], [null, null, "pending"]);

  const add = (user: string, add_to: unknown) =>
    [user, "POST", `/fmsg/${id}/add-to`, { json: { add_to } }] as const;
  // Carol was only added herself.
  await stage.expect(403, ...add(CAROL, [DAVE]));
  await stage.expect(404, ...add(DAVE, [DAVE]));
  await stage.expect(409, ...add(ALICE, [DAVE, CAROL.toUpperCase()]));
  for (const bad of [[], "x", undefined, [DAVE, DAVE.toUpperCase()], ["dave"], [5], null]) {
    await stage.expect(400, ...add(ALICE, bad));
  }
  // Nothing of a batch that was refused is there.
  await stage.expect(404, DAVE, "GET", `/fmsg/${id}`);
  // One in "to" may be added again.
  await stage.expect(200, ...add(ALICE, [BOB, DAVE]));
  const batches = fieldsOf(await stage.expect(200, ALICE, "GET", `/fmsg/${id}`)).add_to;
  ok(Array.isArray(batches) && batches.length === 2 && batches[0].batch_id === batch.batch_id);
  // A batch's own id stands for its message.
  equal(
    (await stage.expect(200, ALICE, "GET", `/fmsg/${batch.batch_id}`)).text,
    (await stage.expect(200, ALICE, "GET", `/fmsg/${id}`)).text,
  );
  stage.store.audit();
});

Deno.test("N5 whoever was added may reply, and the reply's parent is the message", async () => {
  await using stage = await MessageStage.open();
  const id = await stage.send(ALICE, { to: [BOB] });
  await stage.expect(200, ALICE, "POST", `/fmsg/${id}/add-to`, { json: { add_to: [CAROL] } });
  const reply = await stage.send(CAROL, { to: [ALICE], pid: id, data: "thanks" });
  const { pid, has_pid } = fieldsOf(await stage.expect(200, ALICE, "GET", `/fmsg/${reply}`));
  deepEqual([pid, has_pid], [id, true]);
  const { text } = await stage.expect(200, CAROL, "GET", `/fmsg/${reply}/thread`);
  match(text, /^--- @alice@.*\nhello\n\n--- @carol@.*\nthanks\n$/);
});

Deno.test("N6 recipients added to a draft wait with it, and PUT does not replace them", async () => {
  await using stage = await MessageStage.open();
  const id = await stage.draft(ALICE);
  await stage.expect(200, ALICE, "POST", `/fmsg/${id}/add-to`, { json: { add_to: [CAROL] } });
  await stage.expect(404, CAROL, "GET", `/fmsg/${id}`);
  await stage.expect(409, ALICE, "POST", `/fmsg/${id}/add-to`, { json: { add_to: [CAROL] } });
  await stage.expect(200, ALICE, "PUT", `/fmsg/${id}`, { json: draftOf(ALICE, { data: "new" }) });
  const { add_to } = fieldsOf(await stage.expect(200, ALICE, "GET", `/fmsg/${id}`));
  ok(Array.isArray(add_to) && add_to.length === 1 && add_to[0].time === null);
  await stage.expect(200, ALICE, "POST", `/fmsg/${id}/send`);
  equal((await stage.expect(200, CAROL, "GET", `/fmsg/${id}/data`)).text, "new");
});

Deno.test("N7 deliveries here: taken is delivered with its time, refused has its code", async () => {
  await using stage = await MessageStage.open([ALICE, BOB, { address: CAROL, accepting: false }]);
  const id = await stage.send(ALICE, {
    to: [BOB, CAROL, `@nobody@${HERE}`, "@zoe@elsewhere.test"],
  });
  const { to_delivery } = fieldsOf(await stage.expect(200, ALICE, "GET", `/fmsg/${id}`));
  ok(Array.isArray(to_delivery));
  deepEqual(
    to_delivery.map((
      { addr, time_delivered, response_code, state },
    ) => [addr, time_delivered !== null, response_code, state]),
    [
      [BOB, true, null, "local"],
      [CAROL, false, 102, "failed"],
      [`@nobody@${HERE}`, false, 100, "failed"],
      ["@zoe@elsewhere.test", false, null, "pending"],
    ],
  );
  // Who refused it has not received it.
  await stage.expect(404, CAROL, "GET", `/fmsg/${id}`);
  deepEqual(idsOf(await stage.expect(200, CAROL, "GET", "/fmsg")), []);
});

Deno.test("short_text is the beginning of a text in UTF-8, and nothing else has one", async () => {
  await using stage = await MessageStage.open();
  const text = "ä".repeat(500);
  const shortText = async (changes: Record<string, unknown>): Promise<unknown> => {
    const id = await stage.send(ALICE, changes);
    const { json } = await stage.expect(200, BOB, "GET", "/fmsg?limit=1");
    const one = fieldsOf(await stage.expect(200, BOB, "GET", `/fmsg/${id}`)).short_text;
    ok(Array.isArray(json));
    equal(json[0].short_text, one);
    return one;
  };
  equal(await shortText({ data: text }), "ä".repeat(384));
  equal(await shortText({ data: `x${text}` }), `x${"ä".repeat(383)}`);
  equal(await shortText({ data: "", type: "text/html" }), "");
  equal(await shortText({ data: "{}", type: "application/json" }), undefined);
  equal(await shortText({ data: "x", type: "text/plain; charset=iso-8859-1" }), undefined);
});

Deno.test("search finds what the identity has by its words, as a list", async () => {
  await using stage = await MessageStage.open();
  const first = await stage.send(ALICE, { topic: "harvest", data: "apples and pears" });
  const second = await stage.send(ALICE, { data: "more apples" });
  await stage.send(ALICE, { to: [CAROL], data: "secret apples" });
  const found = async (query: string, user = BOB): Promise<number[]> =>
    idsOf(await stage.expect(200, user, "GET", `/fmsg/search?${query}`));
  deepEqual(await found("q=apples"), [second, first]);
  deepEqual(await found("q=apples&limit=1&offset=1"), [first]);
  deepEqual(await found("q=harvest%20pears"), [first]);
  deepEqual(await found("q=quinces"), []);
  for (const query of ["", "q=", "q=%20", "q=apples&limit=0", `q=${"x".repeat(5000)}`]) {
    const answer = await stage.expect(400, BOB, "GET", `/fmsg/search?${query}`);
    match(errorOf(answer), /./);
  }
});
