import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { width } from "../../src/cli/terminal.ts";
import { isHarmless, Place } from "./support.ts";

const ALICE = "@alice@a.test";

async function filled(): Promise<Place> {
  const place = new Place();
  await place.addUsers("alice", "bob");
  await place.send({ from: ALICE, to: ["@bob@a.test"], topic: "Lunch", body: "At the café?" });
  await place.send({ from: "@bob@a.test", to: [ALICE], topic: "Dinner", body: "No café, 東京で" });
  await place.send({ from: "@bob@a.test", to: ["@bob@a.test"], topic: "Note", body: "café" });
  return place;
}

async function ids(place: Place, ...words: string[]): Promise<unknown[]> {
  const found = await place.json("search", ...words, "--for", ALICE);
  assert.ok(Array.isArray(found));
  return found.map(({ id }: { id: unknown }) => id);
}

Deno.test("search prints what an address has and what answers to the query, the newest first", async () => {
  using place = await filled();
  assert.deepEqual(await ids(place, "CAFE"), [2, 1]);
  assert.deepEqual(await ids(place, "cafe topic:lunch"), [1]);
  assert.deepEqual(await ids(place, "東京"), [2]);
  assert.deepEqual(await ids(place, "cafe -lunch"), [2]);
  assert.deepEqual(await ids(place, "cafe", "--limit=1"), [2]);
  assert.deepEqual(await ids(place, "cafe", "--offset=1"), [1]);
  assert.deepEqual(await ids(place, "note"), []);
  const { stdout, stderr } = await place.run(["search", "cafe", "--for", ALICE]);
  assert.match(stdout, /^2 .*@bob@a\.test +Dinner .*\n1 .*@alice@a\.test +Lunch .*\n$/);
  assert.equal(stderr, "");
});

Deno.test("an element of what search prints is what show prints", async () => {
  using place = await filled();
  assert.deepEqual(await place.json("search", "dinner", "--for", ALICE), [
    await place.json("show", "2"),
  ]);
});

Deno.test("search says when nothing is found, and what is wrong with a query or an address", async () => {
  using place = await filled();
  const nothing = await place.run(["search", "soup", "--for", ALICE]);
  assert.deepEqual([nothing.status, nothing.stdout], [0, ""]);
  assert.equal(nothing.stderr, "Nothing that @alice@a.test has answers to this\n");
  const beyond = await place.run(["search", "cafe", "--for", ALICE, "--offset", "2"]);
  assert.match(beyond.stderr, /answers to this beyond the newest 2$/m);
  const wrong: readonly (readonly [readonly string[], number, RegExp])[] = [
    [["search", "", "--for", ALICE], 2, /no word to search for/],
    [["search", "caf*", "--for", ALICE, "--json"], 2, /Words are found whole/],
    [["search", "cafe"], 2, /Required option '--for <address>'/],
    [["search", "cafe", "--for", "alice"], 2, /--for: "alice" is no address/],
    [["search", "cafe", "--for", "@eve@a.test"], 1, /@eve@a\.test is no user here/],
    [["search", "cafe", "--for", ALICE, "--limit", "x"], 2, /--limit: "x" is no number/],
  ];
  for (const [words, status, message] of wrong) {
    const ran = await place.run(words);
    assert.equal(ran.status, status, words.join(" "));
    assert.match(ran.stderr, message);
    assert.equal(ran.stdout, "");
    assert.equal(ran.stderr.trimEnd().split("\n").length, 1, ran.stderr);
  }
});

Deno.test("search finds more than a page, each once", async () => {
  using place = new Place();
  await place.addUsers("alice");
  const letter = { from: "@x@b.test", to: [ALICE], body: "walrus" };
  await place.receiveAll(Array.from({ length: 1203 }, () => letter));
  const found = await ids(place, "walrus", "--limit", "5000");
  assert.equal(found.length, 1203);
  assert.deepEqual([found[0], found.at(-1), new Set(found).size], [1203, 1, 1203]);
});

Deno.test("search on a terminal fits it and is harmless, whatever strangers write", async () => {
  using place = new Place();
  await place.addUsers("alice");
  await place.receive({
    from: "@m@b.test",
    to: [ALICE],
    topic: `\x1b[2J walrus ${"long ".repeat(40)}`,
  });
  const { stdout } = await place.run(["search", "walrus", "--for", ALICE], 60);
  assert.ok(isHarmless(stdout));
  assert.ok(stdout.trimEnd().split("\n").every((line) => width(line) <= 60), stdout);
  assert.match(stdout, /^id +time +from +topic/);
});

Deno.test("search tells that older messages are not all indexed yet", async () => {
  using place = await filled();
  {
    using db = new DatabaseSync(join(place.dir, "data", "fmsg.db"));
    db.exec("DELETE FROM search WHERE rowid < 2; UPDATE search_left SET below = 2");
  }
  const { status, stdout, stderr } = await place.run(["search", "cafe", "--for", ALICE, "--json"]);
  assert.equal(status, 0);
  assert.equal(JSON.parse(stdout).length, 1);
  assert.match(
    stderr,
    /^Not all older messages can be found yet: the host indexes them while it runs$/m,
  );
});
