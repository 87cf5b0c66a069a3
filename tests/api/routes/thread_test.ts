// Thread text (row N8).

import { equal, match, ok } from "node:assert/strict";
import { ALICE, BOB, CAROL, fieldsOf, MessageStage } from "./message_stage.ts";

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

async function thread(stage: MessageStage, user: string, id: number): Promise<string> {
  const { text, headers } = await stage.expect(200, user, "GET", `/fmsg/${id}/thread`);
  equal(headers.get("content-type"), "text/plain; charset=utf-8");
  return text.replace(/(?<=^--- \S+ )\S+(?= ---$)/gm, (time) => {
    if (time !== "draft") match(time, TIME);
    return time === "draft" ? time : "TIME";
  });
}

Deno.test("N8 the root comes first; texts and JSON are shown, other types named, a draft has no time", async () => {
  await using stage = await MessageStage.open();
  const root = await stage.send(ALICE, { topic: "root", data: "first\nline\n\n\n" });
  const json = await stage.send(BOB, {
    to: [ALICE],
    pid: root,
    type: "application/json",
    data: '{"a":1}',
  });
  const image = await stage.send(ALICE, { pid: json, type: "image/png", data: "not shown" });
  const empty = await stage.send(BOB, { to: [ALICE], pid: image, data: "" });
  const draft = await stage.draft(ALICE, { pid: empty, data: "last\r\n" });
  equal(
    await thread(stage, ALICE, draft),
    `--- ${ALICE} TIME ---
first
line

--- ${BOB} TIME ---
{"a":1}

--- ${ALICE} TIME ---
[non-text message: image/png, 9 bytes]

--- ${BOB} TIME ---

--- ${ALICE} draft ---
last
`,
  );
  equal(await thread(stage, BOB, root), `--- ${ALICE} TIME ---\nfirst\nline\n`);
  const { time } = fieldsOf(await stage.expect(200, ALICE, "GET", `/fmsg/${root}`));
  ok(typeof time === "number");
  const { text } = await stage.expect(200, ALICE, "GET", `/fmsg/${root}/thread`);
  const stated = /^--- \S+ (\S+) ---/.exec(text)?.[1] ?? "";
  equal(Date.parse(stated), Math.floor(time) * 1000);
});

Deno.test("N8 of an ancestor that the caller has not, nothing but sender and time is shown", async () => {
  await using stage = await MessageStage.open();
  const root = await stage.send(ALICE, { data: "a secret" });
  const middle = await stage.send(BOB, { to: [ALICE], pid: root, data: "another secret" });
  const last = await stage.send(ALICE, { to: [BOB, CAROL], pid: middle, data: "for all" });
  const hidden = `--- ${ALICE} TIME ---\n[message not visible to you]\n\n` +
    `--- ${BOB} TIME ---\n[message not visible to you]\n\n`;
  equal(await thread(stage, CAROL, last), `${hidden}--- ${ALICE} TIME ---\nfor all\n`);
  await stage.expect(404, CAROL, "GET", `/fmsg/${root}/thread`);
});

Deno.test("N8 a thread shows a hundred ancestors at most", async () => {
  await using stage = await MessageStage.open();
  let pid = await stage.send(ALICE, { data: "0" });
  for (let i = 1; i <= 104; i++) {
    const [from, to] = i % 2 === 0 ? [ALICE, BOB] : [BOB, ALICE];
    pid = await stage.send(from, { to: [to], pid, data: String(i) });
  }
  const text = await thread(stage, ALICE, pid);
  const shown = [...text.matchAll(/^\d+$/gm)].map(([number]) => Number(number));
  equal(shown.length, 101);
  equal(shown.at(0), 4);
  equal(shown.at(-1), 104);
});

Deno.test("N8 other character sets are shown as text, and a thread has a bound in bytes", async () => {
  await using stage = await MessageStage.open();
  const megabytes = 9 * 1024 * 1024;
  const root = await stage.send(ALICE, { data: "a".repeat(megabytes) });
  const reply = await stage.send(BOB, {
    to: [ALICE],
    pid: root,
    data: `${"b\n".repeat(megabytes / 2)}\n`,
  });
  const { text } = await stage.expect(200, ALICE, "GET", `/fmsg/${reply}/thread`);
  ok(text.length < 17 * 1024 * 1024, `${text.length}`);
  const end = `[cut: GET /fmsg/${reply}/data gives all ${megabytes + 1} bytes]\n`;
  equal(text.slice(-end.length), end);
  const latin = await stage.store.send({
    from: ALICE,
    to: [BOB],
    type: "text/plain; charset=ISO-8859-1",
    body: Uint8Array.of(0x47, 0x72, 0xf6, 0xdf, 0x65),
  });
  ok(latin.kind === "sent");
  equal(await thread(stage, BOB, latin.id), `--- ${ALICE} TIME ---\nGröße\n`);
  const utf16 = await stage.store.send({
    from: ALICE,
    to: [BOB],
    type: "text/plain;charset=UTF-16",
    body: Uint8Array.of(0, 0x47, 0, 0x72, 0, 0xf6, 0, 0xdf, 0, 0x65),
  });
  ok(utf16.kind === "sent");
  equal(await thread(stage, BOB, utf16.id), `--- ${ALICE} TIME ---\nGröße\n`);
});
