import assert from "node:assert/strict";
import { width } from "../../src/cli/terminal.ts";
import { Place } from "./support.ts";

Deno.test("D9 queue list shows what waits, for whom and why, batches under their originals", async () => {
  using place = await waiting();
  const list = await entries(place);
  const { id: first, ...row } = list[0] ?? {};
  assert.equal(first, 1);
  assert.equal(typeof row["next_attempt"], "number");
  assert.equal(typeof row["expires"], "number");
  assert.deepEqual({ ...row, next_attempt: 0, expires: 0 }, {
    batch_id: null,
    domain: "b.test",
    recipients: ["@x@b.test", "@y@b.test"],
    attempts: 0,
    next_attempt: 0,
    last_error: null,
    expires: 0,
  });
  assert.deepEqual(list.map(({ id, batch_id, domain }) => [id, batch_id, domain]), [
    [1, null, "b.test"],
    [1, null, "xn--kln-sna.test"],
    [1, 2, "b.test"],
    [1, 2, "c.test"],
    [1, 2, "xn--kln-sna.test"],
  ]);
  const blocked = list.filter(({ next_attempt }) => next_attempt === null);
  assert.deepEqual(blocked.map(({ domain }) => domain), ["b.test", "xn--kln-sna.test"]);
  assert.match(String(blocked[0]?.["last_error"]), /^waits until the message that it belongs to/);
});

Deno.test("the queue fits a terminal, and in a pipe holds everything", async () => {
  using place = await waiting();
  const table = (await place.run(["queue", "list"], 80)).stdout;
  assert.match(table, /^id +batch +domain +to +tried +next +until +why$/m);
  assert.match(table, /^ *1 +köln\.test +1 +0× +now +in 5 d +not tried yet$/m);
  assert.ok(table.split("\n").every((line) => width(line) <= 80), table);
  const piped = (await place.run(["queue", "list"])).stdout.trimEnd().split("\n");
  assert.equal(piped.length, 5);
  assert.match(
    piped[0] ?? "",
    /^1 +b\.test +@x@b\.test, @y@b\.test +0× +now +in 5 d +not tried yet$/,
  );
  assert.doesNotMatch(piped.join(""), /…|\t/);
});

Deno.test("D9 retry makes what waits due now and counts it", async () => {
  using place = await waiting();
  assert.deepEqual(await place.json("queue", "retry"), { retried: 3 });
  assert.deepEqual(await place.json("queue", "retry", "1"), { retried: 3 });
  assert.deepEqual(await place.json("queue", "retry", "2"), { retried: 1 });
  const { stdout } = await place.run(["queue", "retry", "2"]);
  assert.equal(stdout, "1 delivery is due now\n");
  assert.equal((await place.run(["queue", "retry"])).stdout, "3 deliveries are due now\n");
});

Deno.test("D9 cancel ends what waits of a message, to one domain or to all, and show tells", async () => {
  using place = await waiting();
  assert.deepEqual(await place.json("queue", "cancel", "1", "KÖLN.test"), { cancelled: 2 });
  assert.deepEqual((await entries(place)).map(({ domain }) => domain), [
    "b.test",
    "b.test",
    "c.test",
  ]);
  assert.equal((await place.run(["queue", "cancel", "2"])).stdout, "2 deliveries are cancelled\n");
  assert.deepEqual((await entries(place)).map(({ id, batch_id }) => [id, batch_id]), [[1, null]]);
  assert.deepEqual(await place.json("queue", "cancel", "1"), { cancelled: 1 });
  assert.deepEqual(await entries(place), []);
  const { stdout } = await place.run(["show", "1"]);
  assert.match(stdout, /^✗ @x@b\.test does not get it: cancelled$/m);
});

Deno.test("what does not wait cannot be cancelled or tried again, and the error says why", async () => {
  using place = await waiting();
  await place.addUsers("bob");
  await place.send({ from: "@alice@a.test", to: ["@bob@a.test"] });
  await place.send({ from: "@alice@a.test", to: ["@x@b.test"], replyTo: 1 });
  const failures: [words: string[], complaint: string][] = [
    [["cancel", "9"], "There is no message 9 here"],
    [["retry", "9"], "There is no message 9 here"],
    [["cancel", "3"], 'Nothing of message 3 waits; "fmsg show 3" tells what became of it'],
    [["retry", "3"], 'Nothing of message 3 waits; "fmsg show 3" tells what became of it'],
    [["cancel", "4", "c.test"], "Message 4 does not wait for c.test, but for b.test"],
    [
      ["retry", "4"],
      "Message 4 has to wait until the message that it belongs to is delivered to b.test",
    ],
  ];
  for (const [words, complaint] of failures) {
    const { status, stdout, stderr } = await place.run(["queue", ...words]);
    assert.equal(stderr, `fmsg: ${complaint}\n`);
    assert.equal(status, 1);
    assert.equal(stdout, "");
  }
});

Deno.test("an empty queue is no error", async () => {
  using place = new Place();
  assert.deepEqual(await entries(place), []);
  assert.deepEqual(await place.json("queue", "retry"), { retried: 0 });
  const { status, stdout, stderr } = await place.run(["queue", "list"]);
  assert.equal(status, 0);
  assert.equal(stdout, "");
  assert.equal(stderr, "Nothing waits for delivery\n");
});

Deno.test("ids and domains that are none end with status 2", async () => {
  using place = new Place();
  for (const words of [["retry", "x"], ["cancel", "0"], ["cancel", "1", "@x@b.test"]]) {
    const { status, stderr } = await place.run(["queue", ...words]);
    assert.equal(status, 2);
    assert.match(stderr, /^fmsg: (?:ID|DOMAIN): ".*" is no [^\n]*\n$/);
  }
});

/** Message 1 waits for two domains, and its batch 2 for these and a third. */
async function waiting(): Promise<Place> {
  const place = new Place();
  await place.addUsers("alice");
  await place.send({
    from: "@alice@a.test",
    to: ["@x@b.test", "@y@b.test", "@z@xn--kln-sna.test"],
    topic: "Lunch",
  });
  await place.addTo(1, "@alice@a.test", "@new@c.test");
  return place;
}

async function entries(place: Place): Promise<Record<string, unknown>[]> {
  const list = await place.json("queue", "list");
  assert.ok(Array.isArray(list));
  return list;
}
