import assert from "node:assert/strict";
import { width } from "../../src/cli/terminal.ts";
import { addTo, draft, type Message, replyTo } from "../support/message.ts";
import { isHarmless, Place } from "./support.ts";

Deno.test("thread shows all of it from the root, each reply indented under what it answers", async () => {
  using place = await withAlice();
  const root = await place.receive(from("@x@b.test", { topic: "Lunch", body: "At noon?" }));
  const first = await place.receive(answer(root, "@y@b.test", "Yes.\nWhere?"));
  await place.receive(answer(root, "@z@b.test", "No."));
  await place.receive(answer(first, "@x@b.test", "There."));
  const { stdout } = await place.run(["thread", "3"]);
  const date = /\d{4}-\d\d-\d\d \d\d:\d\d/;
  assert.deepEqual(stdout.split("\n").map((line) => line.replace(date, "DATE")), [
    "1  @x@b.test  DATE  Lunch",
    "At noon?",
    "",
    "  2  @y@b.test  DATE  ↳ reply",
    "  Yes.",
    "  Where?",
    "",
    "    4  @x@b.test  DATE  ↳ reply",
    "    There.",
    "",
    "  3  @z@b.test  DATE  ↳ reply",
    "  No.",
    "",
  ]);
});

Deno.test("--json is an array of messages, and any message of the thread will do", async () => {
  using place = await withAlice();
  const root = await place.receive(from("@x@b.test", { topic: "Lunch" }));
  await place.receive(answer(root, "@y@b.test", "Yes."));
  const expected = [await place.json("show", "1"), await place.json("show", "2")];
  assert.deepEqual(await place.json("thread", "1"), expected);
  assert.deepEqual(await place.json("thread", "2"), expected);
});

Deno.test("a reply to a batch stands under the batch's original, with those who were added", async () => {
  using place = await withAlice();
  const root = await place.receive(from("@x@b.test", { topic: "Lunch" }));
  const batch = addTo(root, { from: "@x@b.test", to: ["@new@c.test"] });
  await place.receiveBatch(batch);
  await place.receive(answer(batch, "@new@c.test", "Thanks."));
  const { stdout } = await place.run(["thread", "1"]);
  assert.match(
    stdout,
    /^1 .*\nadded by @x@b\.test: @new@c\.test\n\n {2}3 {2}@new@c\.test .*\n {2}Thanks\.\n$/,
  );
});

Deno.test("a thread whose beginning is not here begins with what is", async () => {
  using place = await withAlice();
  const lost = draft(from("@x@b.test", {}));
  const reply = await place.receive(answer(lost, "@y@b.test", "Yes."));
  await place.receive(answer(reply, "@x@b.test", "Good."));
  const { stdout } = await place.run(["thread", "2"]);
  assert.match(stdout, /^1 {2}@y@b\.test .*\nYes\.\n\n {2}2 {2}@x@b\.test .*\n {2}Good\.\n$/);
});

Deno.test("a deep thread stays inside the terminal, whatever is written in it", async () => {
  using place = await withAlice();
  const messages: Message[] = [draft(from("@x@b.test", { topic: "\x1b[2J\u202e今日は" }))];
  for (let i = 0; i < 60; i++) {
    const last = messages.at(-1);
    assert.ok(last !== undefined);
    messages.push(
      answer(last, "@王小明@xn--fiqs8s.test", `\x1b[31m${"日本語の文章。".repeat(20)}`),
    );
  }
  await place.receiveAll(messages);
  for (const columns of [80, 30]) {
    const { stdout } = await place.run(["thread", "1"], columns);
    assert.ok(isHarmless(stdout));
    assert.ok(stdout.split("\n").every((line) => width(line) <= columns));
    assert.match(stdout, /^ +61(?: {2}@王小明|$)/m);
  }
});

Deno.test("of a long body comes the beginning, of another type its name, and of files a line each", async () => {
  using place = await withAlice();
  const root = await place.receive(from("@x@b.test", { body: "line\n".repeat(13) }));
  await place.receive(answer(root, "@y@b.test", "word ".repeat(1000)));
  await place.receive({
    ...from("@z@b.test", { body: "bytes" }),
    pid: root.hash,
    type: "image/png",
    attachments: [{ filename: "menu.pdf", type: "application/pdf" }],
  });
  const { stdout } = await place.run(["thread", "1"], 80);
  assert.equal(stdout.match(/^line$/gm)?.length, 12);
  assert.match(stdout, /^… "fmsg show 1" shows all of it$/m);
  assert.match(stdout, /^ {2}… "fmsg show 2" shows all of it$/m);
  assert.match(stdout, /^ {2}\(image\/png, 5 B\)\n {2}\+ menu\.pdf {2}application\/pdf {2}0 B$/m);
  assert.ok(stdout.length < 3000);
});

function from(
  address: string,
  fields: { readonly topic?: string; readonly body?: string },
): { readonly from: string; readonly to: readonly string[] } {
  return { from: address, to: ["@alice@a.test"], ...fields };
}

function answer(parent: Message, address: string, body: string): Message {
  return replyTo(parent, { from: address, to: ["@alice@a.test"], body });
}

async function withAlice(): Promise<Place> {
  const place = new Place();
  await place.addUsers("alice");
  return place;
}
