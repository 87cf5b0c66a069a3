import assert from "node:assert/strict";
import { width } from "../../src/cli/terminal.ts";
import type { Fields } from "../support/message.ts";
import { isHarmless, Place, type Ran } from "./support.ts";

Deno.test("list shows what came, the newest first and 20 unless told", async () => {
  using place = await filled(25);
  assert.deepEqual(await ids(place), range(25, 6));
  assert.deepEqual(await ids(place, "--limit", "3"), [25, 24, 23]);
  assert.deepEqual(await ids(place, "--offset=23"), [2, 1]);
  assert.deepEqual(await ids(place, "--limit", "2", "--offset", "4"), [21, 20]);
  assert.deepEqual(await ids(place, "--offset", "25"), []);
  assert.deepEqual(await ids(place, "--limit", "0"), []);
});

Deno.test("--limit has no upper bound: more than a page comes whole, each once, as one JSON value", async () => {
  using place = await filled(1203);
  assert.deepEqual(await ids(place, "--limit", "1000000000"), range(1203, 1));
  assert.deepEqual(await ids(place, "--limit", "700", "--offset", "2"), range(1201, 502));
  const { stdout } = await place.run(["list", "@a@a.test", "--limit", "1000"]);
  assert.equal(stdout.trimEnd().split("\n").length, 1000);
});

Deno.test("an element of the list is what show prints", async () => {
  using place = await filled(2);
  assert.deepEqual(await place.json("list", "@a@a.test", "--limit=1"), [
    await place.json("show", "2"),
  ]);
});

Deno.test("--sent lists what was sent with what became of it, and batches under their originals", async () => {
  using place = new Place();
  await place.addUsers("a", "b");
  await place.send({ from: "@a@a.test", to: ["@b@a.test"], topic: "all here" });
  await place.send({ from: "@a@a.test", to: ["@x@b.test"], topic: "on its way" });
  await place.send({
    from: "@a@a.test",
    to: ["@b@a.test", "@x@b.test", "@nobody@a.test"],
    topic: "mixed",
  });
  await place.addTo(1, "@a@a.test", "@c@a.test");
  const { stdout } = await place.run(["list", "@a@a.test", "--sent"]);
  const lines = stdout.trimEnd().split("\n");
  assert.equal(lines.length, 3);
  assert.match(lines[0] ?? "", /^3 .*@b@a\.test \+2 +mixed .*1 failed, 1 waiting, 1 delivered$/);
  assert.match(lines[1] ?? "", /^2 .*@x@b\.test +on its way .* waiting$/);
  assert.match(lines[2] ?? "", /^1 .*@b@a\.test \+1 +all here .*1 failed, 1 delivered$/);
  assert.deepEqual(await place.json("list", "--sent", "@b@a.test"), []);
});

Deno.test("a table on a terminal fits it, whatever strangers write", async () => {
  using place = new Place();
  await place.addUsers("a");
  const fields: Fields[] = [
    {
      from: "@mallory@b.test",
      to: ["@a@a.test"],
      topic: "\x1b]0;x\x07\x1b[2J\r\n\tA",
      important: true,
    },
    {
      from: "@王小明@xn--fiqs8s.test",
      to: ["@a@a.test"],
      topic: "今日は良い天気ですね、散歩に行きませんか？",
    },
    { from: "@שרה@b.test", to: ["@a@a.test"], topic: "שלום \u202eevil\u2066" },
    { from: `@${"long".repeat(20)}@b.test`, to: ["@a@a.test"], topic: "long ".repeat(40) },
  ];
  await place.receiveAll(fields);
  for (const columns of [120, 80, 40, 20]) {
    const { stdout } = await place.run(["list", "@a@a.test"], columns);
    assert.ok(isHarmless(stdout), JSON.stringify(stdout));
    const lines = stdout.trimEnd().split("\n");
    assert.equal(lines.length, 5);
    assert.ok(lines.every((line) => width(line) <= columns), stdout);
  }
  const { stdout } = await place.run(["list", "@a@a.test"], 80);
  assert.match(stdout, /^id +time +from +topic +size +files$/m);
  assert.match(stdout, /^ *1 .*! \\x1b\]0;x/m);
  assert.match(stdout, /^ *2 .*@王小明@中国\.test +今日は/m);
});

Deno.test("in a pipe there is a line for each message, with everything and without a head", async () => {
  using place = new Place();
  await place.addUsers("a");
  const topic = "a topic of many words ".repeat(10);
  await place.receive({ from: `@${"long".repeat(20)}@b.test`, to: ["@a@a.test"], topic });
  await place.receive({
    from: "@x@b.test",
    to: ["@a@a.test"],
    attachments: [{ filename: "menu.pdf" }, { filename: "map.png" }],
  });
  const { stdout } = await place.run(["list", "@a@a.test"]);
  const lines = stdout.trimEnd().split("\n");
  assert.equal(lines.length, 2);
  assert.match(lines[0] ?? "", /^2 .*@x@b\.test .*\(no topic\) +0 B +2$/);
  assert.ok(lines[1]?.includes(topic.trimEnd()));
  assert.doesNotMatch(stdout, /\t|…/);
});

Deno.test("a reply is marked as one", async () => {
  using place = new Place();
  await place.addUsers("a", "b");
  const { id } = await place.send({ from: "@a@a.test", to: ["@b@a.test"], topic: "first" });
  await place.send({ from: "@b@a.test", to: ["@a@a.test"], replyTo: id });
  assert.match((await place.run(["list", "@a@a.test"])).stdout, /@b@a\.test +↳ reply/);
});

Deno.test("an address that nobody has here is an error; one whose user was removed keeps its mail", async () => {
  using place = await filled(1);
  const { status, stdout, stderr } = await place.run(["list", "@nobody@a.test", "--json"]);
  assert.equal(status, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /^fmsg: @nobody@a\.test is no user here; .*\n$/);
  await place.json("user", "remove", "@a@a.test");
  assert.deepEqual(await ids(place), [1]);
});

Deno.test("where there is nothing to list, stdout is empty and stderr says so", async () => {
  using place = await filled(0);
  const nothing = async (...options: string[]): Promise<Ran> =>
    await place.run(["list", "@a@a.test", ...options]);
  for (const ran of [await nothing(), await nothing("--sent")]) {
    assert.equal(ran.status, 0);
    assert.equal(ran.stdout, "");
  }
  assert.equal((await nothing()).stderr, "@a@a.test has received nothing yet\n");
  assert.equal((await nothing("--sent")).stderr, "@a@a.test has sent nothing yet\n");
  assert.match((await nothing("--offset=3")).stderr, /nothing beyond the newest 3/);
  assert.equal((await nothing("--json")).stderr, "");
});

Deno.test("numbers that are none end with status 2", async () => {
  using place = await filled(0);
  for (const option of ["--limit=-1", "--limit=ten", "--limit=1.5", "--offset=", "--offset=1e3"]) {
    const { status, stderr } = await place.run(["list", "@a@a.test", option]);
    assert.equal(status, 2);
    assert.match(stderr, /^fmsg: --(?:limit|offset): ".*" is no number of messages; .*\n$/);
  }
});

/** A place where so many messages came for @a@a.test; ids begin with 1. */
async function filled(messages: number): Promise<Place> {
  const place = new Place();
  await place.addUsers("a");
  await place.receiveAll(
    Array.from({ length: messages }, () => ({ from: "@x@b.test", to: ["@a@a.test"] })),
  );
  return place;
}

async function ids(place: Place, ...options: string[]): Promise<number[]> {
  const list = await place.json("list", "@a@a.test", ...options);
  assert.ok(Array.isArray(list));
  return list.map(({ id }) => id);
}

function range(from: number, to: number): number[] {
  const step = from <= to ? 1 : -1;
  return Array.from({ length: Math.abs(to - from) + 1 }, (_, i) => from + i * step);
}
