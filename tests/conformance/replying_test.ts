// Row D10: which message a reply names, by real conversations; and what others got wrong about it.

import assert from "node:assert/strict";
import { hex } from "../../src/wire/mod.ts";
import { addTo as batchOn, draft, replyTo as replyOn } from "../support/message.ts";
import { messageOf } from "../support/peer_receive.ts";
import { World } from "../support/world.ts";
import { addTo, command, send, sendWords } from "./command.ts";
import { received, settled, stored } from "./outcome.ts";

/** Who writes to whom on a message, and which hash the reply has to name; a pattern: why it is refused. */
type Case = readonly [from: string, to: readonly string[], pid: string | RegExp];

Deno.test("replies to a message with batches", async (t) => {
  await using world = await World.make();
  const host = await world.host({
    challenge: "never",
    delivery: { retry_initial: "1h", retry_max: "1h" },
    users: ["alice", "bob", "carl", "dave", "eve"],
  });
  const peers = {
    pat: await world.peer({ domain: "pat.test" }),
    rita: await world.peer({ domain: "rita.test" }),
    sam: await world.peer({ domain: "sam.test" }),
    quinn: await world.peer({ domain: "quinn.test" }),
  };
  const [p, r, s, q] = ["@p@pat.test", "@r@rita.test", "@s@sam.test", "@q@quinn.test"] as const;
  const [alice, bob, carl] = [host.address("alice"), host.address("bob"), host.address("carl")];
  const [dave, eve] = [host.address("dave"), host.address("eve")];

  /** Lets everybody write on the message `id`: every host that gets a reply holds what it names. */
  const converse = async (id: number, cases: readonly Case[]): Promise<void> => {
    for (const [from, to, wanted] of cases) {
      const letter = { from, to, replyTo: id };
      const what = `${from} to ${to.join()}`;
      if (typeof wanted !== "string") {
        const { status, stdout, stderr } = await command(host, sendWords(letter));
        assert.deepEqual([status, stdout], [1, ""], what);
        assert.match(stderr, wanted, what);
        continue;
      }
      const reply = await send(host, letter);
      assert.equal(stored(host, reply.id).pid, wanted, what);
      await settled(host, reply.id);
      for (const peer of Object.values(peers)) {
        if (!to.some((address) => address.endsWith(`@${peer.domain}`))) continue;
        const got = peer.received.at(-1);
        assert.equal(got?.header?.pid && hex(got.header.pid), wanted, what);
        assert.ok(peer.held.has(wanted) || peer === peers.quinn, `${what}: held there`);
      }
    }
  };

  const { id, hash: original } = await send(host, { from: alice, to: [p, bob] });
  const { hash: first } = await addTo(host, id, alice, r, carl);
  const { hash: second, batch_id } = await addTo(host, id, bob, s, dave);
  await settled(host, id);
  const nobodyHoldsOne = /^fmsg: No one message of this thread is held by the hosts of all/;
  const noParticipant = /^fmsg: @\w+@host1\.test is no participant/;

  await t.step("D10 the original, for its participants and their domains", () =>
    converse(id, [
      [alice, [p], original],
      [alice, [bob, p], original],
      [bob, [p, alice], original],
      [alice, [carl], original],
    ]));

  await t.step(
    "D10 the newest batch that sender and recipients' domains have part in",
    () =>
      converse(id, [
        [alice, [r], first],
        [alice, [p, r], first],
        [bob, [r, alice], first],
        [alice, [s], second],
        [bob, [p, s], second],
      ]),
  );

  await t.step("D10 who was only added names the batch that added them", () =>
    converse(id, [
      [carl, [p], first],
      [carl, [alice, r], first],
      [dave, [p, bob], second],
      [dave, [s], second],
    ]));

  await t.step(
    "D10 it is refused where no batch is held by all, with the reason",
    () =>
      converse(id, [
        [alice, [r, s], nobodyHoldsOne],
        [carl, [s], nobodyHoldsOne],
        [dave, [p, r], nobodyHoldsOne],
        [alice, [r, q], nobodyHoldsOne],
        [eve, [p], noParticipant],
      ]),
  );

  await t.step(
    "D10 a domain that no batch brought in: the original, which it may refuse",
    () => converse(id, [[alice, [q], original], [bob, [p, q], original]]),
  );

  await t.step("D10 a batch that did not get through to a domain is not held there", async () => {
    peers.quinn.script({ first: 4 });
    await addTo(host, id, alice, q);
    await settled(host, id);
    await converse(id, [[alice, [q], nobodyHoldsOne], [alice, [p, q], nobodyHoldsOne]]);
  });

  await t.step("D10 of several batches that fit, the newest", async () => {
    const { hash: third } = await addTo(host, id, alice, "@r2@rita.test");
    await settled(host, id);
    await converse(id, [
      [alice, [r], third],
      [alice, [p, r], third],
      [carl, [r], first],
      [alice, [s], second],
      [alice, [p], original],
    ]);
  });

  await t.step("D10 the id of a batch stands for its message, also after a restart", async () => {
    await host.stop();
    await host.start();
    await converse(batch_id, [[alice, [p], original], [dave, [s], second], [carl, [p], first]]);
  });
});

Deno.test("replies to what came from elsewhere", async (t) => {
  await using world = await World.make();
  const host = await world.host({ challenge: "never", users: ["alice", "bob", "carl"] });
  const pat = await world.peer({ domain: "pat.test" });
  await world.peer({ domain: "rita.test" });
  const [alice, bob, carl] = [host.address("alice"), host.address("bob"), host.address("carl")];
  const [p, r] = ["@p@pat.test", "@r@rita.test"];
  const pidOf = (id: number) => stored(host, id).pid;
  const newest = (user: string): number => received(host, user)[0]?.id ?? 0;
  const reply = async (from: string, to: readonly string[], id: number) =>
    pidOf((await send(host, { from, to, replyTo: id })).id);

  await t.step("D10 an original with a batch for us, and one for others", async () => {
    const original = draft({ from: p, to: [alice, p] });
    const forBob = batchOn(original, { from: p, to: [bob] });
    const forRita = batchOn(original, { from: p, to: [r] });
    for (const message of [original, forBob, forRita]) await pat.send(message);
    const id = newest("alice");
    assert.equal(await reply(alice, [p], id), hex(original.hash));
    assert.equal(await reply(alice, [r, p], id), hex(forRita.hash));
    assert.equal(await reply(bob, [p, alice], newest("bob")), hex(forBob.hash));
    const { status } = await command(host, sendWords({ from: bob, to: [r], replyTo: id }));
    assert.equal(status, 1);
  });

  await t.step("D10 a batch without its original, and with it later", async () => {
    const original = draft({ from: p, to: [alice] });
    const early = batchOn(original, { from: p, to: [carl, r] });
    assert.deepEqual((await pat.send(early)).codes, [64, 200, 200]);
    const id = newest("carl");
    assert.equal(await reply(alice, [p], id), hex(early.hash));
    assert.equal(await reply(carl, [p, r], id), hex(early.hash));
    assert.deepEqual((await pat.send(original)).codes, [64, 200]);
    assert.equal(await reply(alice, [p], id), hex(original.hash));
    assert.equal(await reply(alice, [p, r], newest("alice")), hex(early.hash));
    assert.equal(await reply(carl, [p], newest("carl")), hex(early.hash));
  });

  await t.step("D10 replies to replies, back and forth", async () => {
    await pat.send(draft({ from: p, to: [alice], topic: "Chess" }));
    let id = newest("alice");
    for (let move = 0; move < 3; move++) {
      const parent = stored(host, id).hash;
      const seen = pat.received.length;
      const mine = await send(host, { from: alice, to: [p], replyTo: id });
      assert.equal(pidOf(mine.id), parent);
      await settled(host, mine.id);
      const got = messageOf(pat.received[seen] ?? await pat.next());
      assert.deepEqual((await pat.send(replyOn(got, { from: p }))).codes, [64, 200]);
      id = newest("alice");
    }
    assert.equal((await host.list(alice)).length, received(host, "alice").length);
  });
});

Deno.test("hashes that others got wrong", async (t) => {
  await using world = await World.make();
  const host = await world.host({ challenge: "always", users: ["alice", "bob"] });
  const pat = await world.peer({ domain: "pat.test" });
  const [alice, bob, p] = [host.address("alice"), host.address("bob"), "@p@pat.test"];
  const text = "The same again. ".repeat(5000);

  await t.step("D10 a compressed message that was sent: the reply to it is taken", async () => {
    const attach = [{ filename: "zeros.txt", body: new Uint8Array(200_000) }];
    const sent = await host.send({ from: alice, to: [p, bob], body: text, attach });
    const got = messageOf(await pat.next());
    assert.equal(got.fields.compress, true);
    assert.equal(hex(got.hash), sent.hash);
    assert.deepEqual((await pat.send(replyOn(got, { from: p, to: [alice, bob] }))).codes, [
      64,
      200,
      200,
    ]);
  });

  await t.step("D10 a compressed message that came: the reply names its hash", async () => {
    const original = draft({ from: p, to: [alice], body: text, compress: true });
    assert.deepEqual((await pat.send(original)).codes, [64, 200]);
    const id = received(host, "alice")[0]?.id ?? 0;
    const reply = await send(host, { from: alice, to: [p], replyTo: id });
    assert.equal(
      hex(messageOf(await pat.next()).fields.pid ?? new Uint8Array()),
      hex(original.hash),
    );
    await settled(host, reply.id);
  });

  await t.step("D10 a reply to one's own message", async () => {
    const mine = await send(host, { from: alice, to: [p] });
    const more = await send(host, { from: alice, to: [p], replyTo: mine.id });
    await pat.next();
    const got = messageOf(await pat.next());
    assert.deepEqual([hex(got.hash), hex(got.fields.pid ?? new Uint8Array())], [
      more.hash,
      mine.hash,
    ]);
    assert.deepEqual((await pat.send(replyOn(got, { from: p }))).codes, [64, 200]);
  });

  await t.step("D10 a reply to what stayed here, and to that from elsewhere", async () => {
    const local = await send(host, { from: alice, to: [bob] });
    const answer = await send(host, { from: bob, to: [alice], replyTo: local.id });
    assert.equal(stored(host, answer.id).pid, local.hash);
    const batch = await addTo(host, answer.id, alice, p);
    const got = messageOf(await pat.next());
    assert.equal(hex(got.hash), batch.hash);
    assert.deepEqual((await pat.send(replyOn(got, { from: p, to: [bob] }))).codes, [64, 200]);
    const last = await send(host, { from: bob, to: [p, alice], replyTo: answer.id });
    assert.equal(stored(host, last.id).pid, batch.hash);
    await settled(host, last.id);
  });
});
