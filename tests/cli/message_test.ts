import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { addTo, draft, noise } from "../support/message.ts";
import { Place } from "./support.ts";

const ALICE = "@alice@a.test";
const BOB = "@bob@a.test";
const CAROL = "@carol@b.test";

Deno.test("message delete takes a message from everybody here, and says so", async () => {
  using place = await withUsers();
  await place.receive({ from: CAROL, to: [ALICE, BOB] });
  await place.receive({ from: CAROL, to: [ALICE] });
  const { status, stdout, stderr } = await place.run(["message", "delete", "1"]);
  assert.equal(stderr, "");
  assert.match(stdout, /^Message 1 is deleted\n(?:\S+ \S+ given back\n)?$/);
  assert.equal(status, 0);
  assert.deepEqual(await ids(place, ALICE), [2]);
  assert.deepEqual(await ids(place, BOB), []);
  assert.equal((await place.run(["show", "1"])).status, 1);
});

Deno.test("message delete --for takes it from one user, removed or not, however the address is spelled", async () => {
  using place = await withUsers();
  await place.receive({ from: CAROL, to: [ALICE, BOB] });
  const { stdout } = await place.run(["message", "delete", "1", "--for", ALICE.toUpperCase()]);
  assert.equal(stdout, "Message 1 is deleted for @ALICE@A.TEST; others here still have it\n");
  assert.deepEqual(await ids(place, ALICE), []);
  assert.deepEqual(await ids(place, BOB), [1]);
  await place.json("user", "remove", BOB);
  const deleted = await place.json("message", "delete", "1", "--for", BOB);
  assert.deepEqual(deletedOf(deleted), [{ id: 1, gone: true }]);
});

Deno.test("message delete takes several, a batch for its message, and drafts", async () => {
  using place = await withUsers();
  const original = await place.receive({ from: CAROL, to: [ALICE] });
  await place.receiveBatch(addTo(original, { from: CAROL, to: [BOB] }));
  await place.receive({ from: CAROL, to: [BOB] });
  const deleted = await place.json("message", "delete", "2", "3");
  assert.deepEqual(deletedOf(deleted), [{ id: 1, gone: true }, { id: 3, gone: true }]);
  assert.deepEqual(await ids(place, BOB), []);
});

Deno.test("message delete gives back the space, and says how much", async () => {
  using place = await withUsers();
  const size = () => statSync(join(place.dir, "data", "fmsg.db")).size;
  const before = size();
  const body = noise(60_000);
  await place.receiveAll(
    Array.from({ length: 50 }, () => draft({ from: CAROL, to: [ALICE], body })),
  );
  assert.ok(size() > before + 2_000_000);
  const deleted = await place.json(
    "message",
    "delete",
    ...Array.from({ length: 50 }, (_, i) => String(i + 1)),
  );
  assert.ok(freedOf(deleted) > 2_000_000);
  assert.ok(size() <= before + 200_000, `${size()} bytes`);
  await place.receive({ from: CAROL, to: [ALICE], body });
  assert.match((await place.run(["message", "delete", "51"])).stdout, /\n\d+ KiB given back\n$/);
});

Deno.test("what cannot be deleted ends with status 1 and one line, and the others are deleted", async () => {
  using place = await withUsers();
  await place.receive({ from: CAROL, to: [ALICE] });
  await place.send({ from: ALICE, to: [CAROL] });
  const failures: [words: string[], complaint: string][] = [
    [["9"], "There is no message 9 here"],
    [["9", "8"], "There is no message 9 here (and 1 more)"],
    [["1", "--for", BOB], `${BOB} does not have message 1`],
    [["1", "--for", CAROL], `${CAROL} does not have message 1`],
    [
      ["2"],
      'Message 2 still waits for delivery to b.test: end that with "fmsg queue cancel 2", or wait until it is through',
    ],
  ];
  for (const [words, complaint] of failures) {
    const { status, stdout, stderr } = await place.run(["message", "delete", ...words]);
    assert.equal(stderr, `fmsg: ${complaint}\n`);
    assert.equal(status, 1);
    assert.equal(stdout, "");
  }
  const { status, stdout, stderr } = await place.run(["message", "delete", "9", "1", "--json"]);
  assert.equal(status, 1);
  assert.equal(stderr, "fmsg: There is no message 9 here\n");
  assert.deepEqual(deletedOf(JSON.parse(stdout)), [{ id: 1, gone: true }]);
  await place.json("queue", "cancel", "2");
  assert.deepEqual(deletedOf(await place.json("message", "delete", "2")), [{ id: 2, gone: true }]);
});

Deno.test("what is no id or no address ends with status 2, and nothing is deleted", async () => {
  using place = await withUsers();
  await place.receive({ from: CAROL, to: [ALICE] });
  for (const words of [[], ["x"], ["1", "0"], ["1", "--for", "alice"], ["1", "--fro", ALICE]]) {
    const { status, stdout, stderr } = await place.run(["message", "delete", ...words]);
    assert.equal(status, 2, words.join(" "));
    assert.match(stderr, /^fmsg: [^\n]+\n$/);
    assert.equal(stdout, "");
  }
  assert.deepEqual(await ids(place, ALICE), [1]);
});

async function withUsers(): Promise<Place> {
  const place = new Place();
  await place.addUsers("alice", "bob");
  return place;
}

async function ids(place: Place, address: string): Promise<unknown[]> {
  const list = await place.json("list", address);
  assert.ok(Array.isArray(list));
  return list.map(({ id }) => id);
}

function deletedOf(printed: unknown): unknown {
  return typeof printed === "object" && printed !== null ? Reflect.get(printed, "deleted") : null;
}

function freedOf(printed: unknown): number {
  return typeof printed === "object" && printed !== null ? Reflect.get(printed, "freed") : NaN;
}
