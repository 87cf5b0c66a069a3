// Rows B1 to B4 and B7: batches of added recipients that come from other hosts, by real exchanges.

import assert from "node:assert/strict";
import { hex } from "../../src/wire/mod.ts";
import { addTo, draft, type Message, replyTo, stamp } from "../support/message.ts";
import type { Peer } from "../support/peer.ts";
import { World } from "../support/world.ts";
import { received, stored } from "./outcome.ts";

const DAY = 86_400;

Deno.test("batches on a message that is here", async (t) => {
  await using world = await World.make();
  const host = await world.host({ challenge: "never", users: ["alice", "bob", "carl"] });
  const ann = await world.peer({ domain: "ann.test" });
  const quinn = await world.peer({ domain: "quinn.test" });
  const [alice, bob, nobody] = [host.address("alice"), host.address("bob"), host.address("nobody")];
  const [from, other] = [ann.address("ann"), quinn.address("quinn")];

  // As old as the host takes it, so that everything below happens long after.
  const start = stamp();
  const original = draft({
    from,
    to: [alice, other],
    topic: "Plans",
    body: "Hello ".repeat(1000),
    compress: true,
    time: start - 6 * DAY,
  });
  assert.deepEqual((await ann.send(original)).codes, [64, 200]);
  const [first] = received(host, "alice");
  const id = first?.id ?? 0;
  const batch = (adder: string, to: readonly string[], age: number): Message =>
    addTo(original, { from: adder, to }, { time: start - age * DAY });
  const answer = async (peer: Peer, from: string, parent: Message) =>
    (await peer.send(replyTo(parent, { from, to: [alice] }))).codes;

  const here = batch(from, [bob, nobody, "@x@elsewhere.test"], 5);
  await t.step(
    "B2 an added recipient is here: 65, and a code for each recipient here",
    async () => {
      const sent = await ann.send(here);
      assert.deepEqual(sent.codes, [65, 103, 200, 100]);
      assert.deepEqual([sent.dataSent, sent.ended, sent.closedBy], [0, "end", "host"]);
      assert.deepEqual(received(host, "bob").map((message) => message.id), [id]);
      assert.deepEqual(stored(host, id).add_to.map(({ hash, to }) => [hash, to]), [
        [hex(here.hash), here.fields.addTo?.to],
      ]);
      assert.deepEqual(await host.save(id), new TextEncoder().encode("Hello ".repeat(1000)));
    },
  );

  await t.step("B2 no data is read after 65, even when it is sent", async () => {
    const sent = await ann.send(batch(from, [nobody], 5), { pipeline: true });
    assert.deepEqual(sent.codes, [65, 103, 100]);
    assert.equal(sent.ended, "end");
  });

  await t.step("B2 someone in to who is added again gets 200 at that place", async () => {
    assert.deepEqual((await ann.send(batch(from, [alice], 5))).codes, [65, 103, 200]);
  });

  await t.step("B2 it is recorded when anyone gets 200, and not otherwise", async () => {
    const forNobody = batch(from, [nobody], 5);
    assert.deepEqual((await ann.send(forNobody)).codes, [65, 103, 100]);
    assert.deepEqual((await ann.send(forNobody)).codes, [65, 103, 100]);
    assert.deepEqual(await answer(ann, from, forNobody), [6]);
    assert.deepEqual(await answer(ann, from, here), [64, 200]);
  });

  const rita = quinn.address("rita");
  const elsewhere = batch(other, [rita], 4);
  await t.step("B3 nobody here is added: 11, and its hash can be a pid later", async () => {
    const sent = await quinn.send(elsewhere);
    assert.deepEqual([sent.codes, sent.dataSent, sent.closedBy], [[11], 0, "host"]);
    assert.deepEqual(await answer(quinn, rita, elsewhere), [64, 200]);
    assert.deepEqual(stored(host, id).add_to.at(-1)?.hash, hex(elsewhere.hash));
  });

  await t.step("B3 the domain of the sender alone learns of a batch with 11", async () => {
    const { id: sentId, hash } = await host.send({ from: alice, to: [from] });
    const mine = (await ann.next()).message;
    assert.equal(mine === null ? null : hex(mine.hash), hash);
    if (mine === null) return;
    const added = addTo(mine, { from, to: [rita] });
    assert.deepEqual((await ann.send(added)).codes, [11]);
    assert.deepEqual(stored(host, sentId).add_to.map((one) => one.hash), [hex(added.hash)]);
    const unknown = draft({ from: alice, to: [from], body: "Never sent" });
    assert.deepEqual((await ann.send(addTo(unknown, { from, to: [rita] }))).codes, [6]);
  });

  await t.step(
    "B1 the same batch again: 10, whether it was answered with 65 or with 11",
    async () => {
      const before = stored(host, id).add_to.length;
      assert.deepEqual((await ann.send(here)).codes, [10]);
      assert.deepEqual((await quinn.send(elsewhere)).codes, [10]);
      assert.equal(stored(host, id).add_to.length, before);
    },
  );

  await t.step("B1 another batch that adds the same recipient is no duplicate", async () => {
    assert.deepEqual((await ann.send(batch(from, [bob], 3))).codes, [65, 103, 103]);
  });

  const [sam, tom] = [quinn.address("sam"), quinn.address("tom")];
  const forSam = batch(from, [sam], 2);
  const forTom = batch(other, [tom], 1);
  await t.step("B4 several batches on one message, each with its own hash", async () => {
    assert.deepEqual((await ann.send(forSam)).codes, [11]);
    assert.deepEqual((await quinn.send(forTom)).codes, [11]);
    const hashes = stored(host, id).add_to.map(({ hash }) => hash);
    assert.equal(new Set([...hashes, hex(original.hash)]).size, hashes.length + 1);
    for (const { hash } of [here, elsewhere, forSam, forTom]) {
      assert.equal(hashes.includes(hex(hash)), true);
    }
  });

  /** Each participant answers what it takes part in, and nothing else. */
  const everybodyAnswers = async (): Promise<void> => {
    for (const parent of [original, here, elsewhere, forSam, forTom]) {
      assert.deepEqual(await answer(ann, from, parent), [64, 200]);
      assert.deepEqual(await answer(quinn, other, parent), [64, 200]);
    }
    assert.deepEqual(await answer(quinn, rita, elsewhere), [64, 200]);
    assert.deepEqual(await answer(quinn, sam, forSam), [64, 200]);
    assert.deepEqual(await answer(quinn, tom, forTom), [64, 200]);
    for (const [added, foreign] of [[sam, forTom], [tom, forSam], [rita, original]] as const) {
      assert.deepEqual(await answer(quinn, added, foreign), [1]);
    }
  };
  await t.step(
    "B4 replies to the original and to each batch are taken, days later",
    everybodyAnswers,
  );
  await t.step(
    "B4 replies to the original and to each batch are taken after a restart",
    async () => {
      assert.equal(await host.stop(), 0);
      await host.start();
      await everybodyAnswers();
      assert.deepEqual((await ann.send(here)).codes, [10]);
    },
  );
});

Deno.test("batches that come before their original", async (t) => {
  await using world = await World.make();
  const host = await world.host({ challenge: "always", users: ["alice", "bob", "carl", "dora"] });
  const ann = await world.peer({ domain: "ann.test" });
  const [alice, bob] = [host.address("alice"), host.address("bob")];
  const from = ann.address("ann");
  const original = draft({ from, to: [alice, bob], topic: "Plans", body: "x".repeat(100_000) });
  const early = addTo(original, { from, to: [host.address("carl")] });
  const second = addTo(original, { from, to: [host.address("dora"), ann.address("z")] });
  const idOf = (user: string): number | undefined => received(host, user)[0]?.id;

  await t.step("B7 it is delivered in full, with its own content and id", async () => {
    assert.deepEqual((await ann.send(early)).codes, [64, 200, 200, 200]);
    const [message] = received(host, "carl");
    assert.deepEqual([message?.hash, message?.pid], [hex(early.hash), hex(original.hash)]);
    assert.deepEqual(message?.add_to.map(({ hash }) => hash), [hex(early.hash)]);
    assert.equal((await host.save(message?.id ?? 0)).length, 100_000);
    assert.deepEqual([idOf("alice"), idOf("bob")], [message?.id, message?.id]);
  });

  await t.step(
    "B7 nothing is known of the original: replies to it are refused with 6",
    async () => {
      assert.deepEqual((await ann.send(replyTo(original, { from, to: [alice] }))).codes, [6]);
      assert.deepEqual((await ann.send(replyTo(early, { from, to: [alice] }))).codes, [64, 200]);
    },
  );

  await t.step("B7 again, or another batch on it: 103 for those who have one", async () => {
    assert.deepEqual((await ann.send(early)).codes, [10], "asked for the hash, it is held by all");
    assert.deepEqual((await ann.send(second)).codes, [64, 103, 103, 200]);
  });

  await t.step("B7 the original is stored too when it comes, and lists the batches", async () => {
    assert.deepEqual((await ann.send(original)).codes, [64, 200, 200]);
    const [message] = received(host, "carl");
    assert.equal(message?.hash, hex(original.hash));
    assert.deepEqual(
      new Set(message?.add_to.map(({ hash }) => hash)),
      new Set([hex(early.hash), hex(second.hash)]),
    );
    assert.deepEqual([idOf("alice"), idOf("dora")], [message?.id, message?.id]);
    assert.equal((await host.save(message?.id ?? 0)).length, 100_000);
    assert.deepEqual((await ann.send(early)).codes, [10]);
  });

  await t.step(
    "B7 replies to the original and to both batches are taken, also after a restart",
    async () => {
      const answers = async (): Promise<void> => {
        for (const parent of [original, early, second]) {
          assert.deepEqual((await ann.send(replyTo(parent, { from, to: [bob] }))).codes, [64, 200]);
        }
      };
      await answers();
      await host.stop();
      await host.start();
      await answers();
    },
  );

  await t.step(
    "B7 a forged batch is never listed under a message that it does not repeat",
    async () => {
      const secret = draft({ from, to: [alice], body: "For Alice alone" });
      const mallory = await world.peer({ domain: "mallory.test" });
      // It names a participant of its own, and content that nobody sent.
      const forged = addTo(secret, { from: mallory.address("m"), to: [bob] }, {
        to: [alice, mallory.address("m")],
        body: "Not for Alice a",
      });
      const guessed = addTo(secret, { from, to: [host.address("carl")] }, {
        body: "Not for Alice b",
      });
      assert.deepEqual((await mallory.send(forged)).codes, [64, 200, 200]);
      assert.deepEqual((await ann.send(guessed)).codes, [64, 103, 200]);
      assert.deepEqual((await ann.send(secret)).codes, [64, 200]);
      const shown = received(host, "alice").find(({ hash }) => hash === hex(secret.hash));
      assert.deepEqual(shown?.add_to, []);
      for (const user of ["bob", "carl"]) {
        const all = received(host, user);
        assert.equal(all.some(({ hash }) => hash === hex(secret.hash)), false);
        const [opened, ...more] = all.filter(({ pid }) => pid === hex(secret.hash));
        assert.deepEqual(more, []);
        const body = new TextDecoder().decode(await host.save(opened?.id ?? 0));
        assert.match(body, /^Not for Alice/);
      }
    },
  );
});
