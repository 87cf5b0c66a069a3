// fmsg host verify: what it prints, and how it ends.

import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Place } from "./support.ts";

function change(place: Place, sql: string): void {
  const db = new DatabaseSync(join(place.dir, "data", "fmsg.db"));
  db.exec(sql);
  db.close();
}

async function withMessages(): Promise<Place> {
  const place = new Place();
  await place.addUsers("alice");
  await place.receiveAll([
    { from: "@x@b.test", to: ["@alice@a.test"], body: "one" },
    { from: "@x@b.test", to: ["@alice@a.test"], body: "three", compress: true },
  ]);
  return place;
}

Deno.test("a store in order is said to be, with what is in it", async () => {
  using place = await withMessages();
  const { status, stdout, stderr } = await place.run(["host", "verify"]);
  assert.equal(status, 0);
  assert.equal(stdout, "The store is in order: 2 messages, 2 contents, 16 B\n");
  assert.equal(stderr, "");
  assert.deepEqual(await place.json("host", "verify"), {
    ok: true,
    messages: 2,
    contents: 2,
    bytes: 16,
    staged: 0,
    findings: [],
    notes: [],
  });
});

Deno.test("where there is no store one is made, and is in order", async () => {
  using place = new Place();
  const { status, stdout } = await place.run(["host", "verify"]);
  assert.equal(status, 0);
  assert.equal(stdout, "The store is in order: 0 messages, 0 contents, 0 B\n");
});

Deno.test("what is wrong stands on stdout with what to do, and the command fails in one line", async () => {
  using place = await withMessages();
  change(place, "UPDATE message SET hash = zeroblob(32) WHERE id = 1");
  const { status, stdout, stderr } = await place.run(["host", "verify"]);
  assert.equal(status, 1);
  const finding = "Message 1: its hash does not come out of its header and content; " +
    'restore a backup, or delete it with "fmsg message delete 1"';
  assert.equal(stdout, `${finding}\n`);
  assert.match(stderr, /^fmsg: Something is wrong with the store [^\n]+fmsg\.db\n$/);

  const json = await place.run(["host", "verify", "--json"]);
  assert.equal(json.status, 1);
  const report: unknown = JSON.parse(json.stdout);
  assert.deepEqual(report, {
    ok: false,
    messages: 2,
    contents: 2,
    bytes: 16,
    staged: 0,
    findings: [finding],
    notes: [],
  });
});

Deno.test("what it tells to do about a message helps: deleted, the rest is in order", async () => {
  using place = await withMessages();
  change(place, "UPDATE message SET header = x'00' WHERE id = 1");
  const broken = await place.run(["host", "verify"]);
  assert.equal(broken.status, 1);
  assert.match(broken.stdout, /^Message 1: .+"fmsg message delete 1"$/m);
  const deleted = await place.run(["message", "delete", "1"]);
  assert.equal(deleted.status, 0, deleted.stderr);
  const { status, stdout } = await place.run(["host", "verify"]);
  assert.equal(status, 0, stdout);
});

Deno.test("a file that is no database is a finding, without a stack trace", async () => {
  using place = await withMessages();
  Deno.writeTextFileSync(join(place.dir, "data", "fmsg.db"), "A letter. ".repeat(10_000));
  const { status, stdout, stderr } = await place.run(["host", "verify"]);
  assert.equal(status, 1);
  assert.equal(
    stdout,
    "The store's file is damaged (file is not a database); restore a backup\n",
  );
  assert.match(stderr, /^fmsg: [^\n]+\n$/);
});

Deno.test("nothing that a stranger wrote commands the terminal through a finding", async () => {
  using place = await withMessages();
  change(place, "UPDATE user SET address = '@a\x1b[2Jb@a.test', recv_messages = 7");
  const { stdout } = await place.run(["host", "verify"], 80);
  assert.match(stdout, /^User @a\\x1b\[2Jb@a\.test: recv_messages is counted as 7 where 2 is here/);
});

Deno.test("verify takes no arguments", async () => {
  using place = new Place();
  const { status, stdout, stderr } = await place.run(["host", "verify", "now"]);
  assert.deepEqual([status, stdout], [2, ""]);
  assert.match(stderr, /^fmsg: [^\n]+\n$/);
});
