// Answering challenges for what this host is sending ("Handling a Challenge").

import assert from "node:assert/strict";
import { equal, headerHash, hex } from "../../src/wire/mod.ts";
import { noise } from "../support/message.ts";
import type { HostProcess } from "../support/host_process.ts";
import type { Peer } from "../support/peer.ts";
import { type Answer, answeredRightly, messageOf, type Received } from "../support/peer_receive.ts";
import { waitFor } from "../support/wait.ts";
import { Stage } from "./stage.ts";

/** No second attempt within the test. */
const ONCE = { retry_initial: "1h", retry_max: "1h" };

/** Sends a message to the peer, and gives what came of it once its header is there. */
async function underWay(host: HostProcess, peer: Peer, answer: Answer): Promise<Received> {
  peer.script(answer);
  const before = peer.received.length;
  await host.send({ from: host.address("alice"), to: [peer.address("ann")] });
  return await waitFor(() => {
    const got = peer.received[before];
    return got?.header !== null && got;
  });
}

async function isAnswered(peer: Peer, hash: Uint8Array, source = peer.ip): Promise<boolean> {
  const { answer, ended } = await peer.challenge(hash, { source });
  // What is not answered is closed without a byte.
  assert.ok(answer.length === 0 || answer.length === 32);
  assert.notEqual(ended, null);
  return answer.length === 32;
}

Deno.test("a challenge for what is being sent is answered with the message hash", async (t) => {
  await using stage = await Stage.set({ ips: 2, delivery: ONCE, limits: { header_timeout: "2s" } });
  const { host, peer, ann, alice } = stage;
  const [, second = ""] = peer.ips;

  await t.step("C5 a message, with all that can be compressed", async () => {
    peer.script({ challenge: true });
    const attach = [
      { filename: "text.txt", body: "one ".repeat(5000) },
      { filename: "noise.bin", body: noise(100_000) },
    ];
    const { id, hash } = await host.send({
      from: alice,
      to: [ann],
      body: "a".repeat(9000),
      attach,
    });
    const got = await peer.next();
    assert.equal(answeredRightly(got), true);
    assert.deepEqual([got.header?.expandedSize, hex(messageOf(got).hash)], [9000, hash]);

    peer.script({ challenge: true }, { challenge: true });
    const here = await host.addTo(id, alice, peer.address("ben"));
    const added = await peer.next();
    assert.deepEqual([answeredRightly(added), added.first], [true, 65]);
    const elsewhere = await host.addTo(id, alice, "@x@elsewhere.test");
    const notified = await peer.next();
    assert.deepEqual([answeredRightly(notified), notified.first], [true, 11]);
    assert.deepEqual([added, notified].map((got) => hex(messageOf(got).hash)), [
      here.hash,
      elsewhere.hash,
    ]);
  });

  await t.step("C5 as often as it is asked, and to nobody else", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const got = await underWay(host, peer, { firstAfter: promise });
    const hash = headerHash(got.raw);
    const stranger = await stage.world.peer();
    assert.equal(await isAnswered(peer, hash), true);
    assert.equal(await isAnswered(peer, hash, second), false);
    assert.equal(await isAnswered(stranger, hash), false);
    assert.equal(await isAnswered(peer, hash), true);
    const other = hash.slice();
    other[31] = (other[31] ?? 0) ^ 1;
    assert.equal(await isAnswered(peer, other), false);
    assert.equal(await isAnswered(peer, new Uint8Array(32)), false);
    // Nor for something else that is on its way, to somebody else.
    const elsewhere = await underWay(host, stranger, { firstAfter: promise });
    assert.equal(await isAnswered(stranger, headerHash(elsewhere.raw)), true);
    assert.equal(await isAnswered(peer, headerHash(elsewhere.raw)), false);
    resolve();
    const first = await peer.next();
    assert.deepEqual([first.first, first.codes], [64, [200]]);
    assert.equal(await isAnswered(peer, messageOf(first).hash), false);
    await stranger.next();
  });
  await t.step("C5 not before all of the header hash is there", async () => {
    await Promise.all([1, 2, 32].map(async (cut) => {
      const { answer, ended } = await peer.challenge(noise(32), { cut });
      assert.equal(answer.length, 0);
      assert.notEqual(ended, null);
    }));
    const late = () => host.log.filter(({ terminated }) => terminated === "header not in time");
    await waitFor(() => late().length === 3);
  });
  await t.step("C5 the hash byte by byte, and more behind it", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const got = await underWay(host, peer, { firstAfter: promise });
    const connection = await peer.dial();
    for (const byte of [255, ...headerHash(got.raw), ...noise(10)]) {
      await connection.write(Uint8Array.of(byte));
    }
    const answer = await connection.take(100);
    await connection.close();
    resolve();
    assert.deepEqual(answer, messageOf(await peer.next()).hash);
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

Deno.test("a challenge is answered as long as the exchange goes on, and no longer", async (t) => {
  await using stage = await Stage.set({
    delivery: { ...ONCE, connect_timeout: "1s" },
    limits: { idle_timeout: "1s" },
  });
  const { world, host, peer, alice } = stage;

  const ends: readonly (readonly [string, Answer])[] = [
    ["with codes", {}],
    ["with a refusal", { first: 1 }],
    ["with a code that is none", { first: 77 }],
    ["with too few codes", { codes: [] }],
    ["with the peer's end", { drop: "header" }],
    ["with a reset", { drop: "header", by: "reset" }],
    ["with a reset behind 64", { drop: "codes", by: "reset" }],
    ["because no code comes", { hang: "header" }],
    ["because no further code comes", { hang: "codes" }],
  ];
  for (const [how, answer] of ends) {
    await t.step(`C6 the exchange ends ${how}`, async () => {
      await underWay(host, peer, answer);
      const hash = headerHash((await peer.next()).raw);
      await host.logLine(({ direction, header_hash }) =>
        direction === "out" && header_hash === hex(hash)
      );
      assert.equal(await isAnswered(peer, hash), false);
    });
  }

  await t.step(
    "C6 two domains behind one address: as long as either exchange goes on",
    async () => {
      const [one, two] = ["one.test", "two.test"] as const;
      const shared = await world.peer({ domain: one, aliases: [two] });
      const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
      shared.script(
        { firstAfter: gates[0].promise, codes: [200] },
        { firstAfter: gates[1].promise, codes: [200] },
      );
      await host.send({ from: alice, to: [`@a@${one}`, `@b@${two}`] });
      await waitFor(() => shared.received.filter(({ header }) => header !== null).length === 2);
      const [first, second] = shared.received;
      assert.ok(first && second);
      const hash = headerHash(first.raw);
      assert.ok(equal(hash, headerHash(second.raw)));
      assert.deepEqual(shared.calls.map(({ tls }) => tls?.sni).toSorted(), [
        `fmsg.${one}`,
        `fmsg.${two}`,
      ]);

      assert.equal(await isAnswered(shared, hash), true);
      gates[0].resolve();
      await shared.next();
      await host.logLine(({ direction, header_hash }) =>
        direction === "out" && header_hash === hex(hash)
      );
      assert.equal(await isAnswered(shared, hash), true);
      gates[1].resolve();
      await shared.next();
      const ended = () => host.log.filter(({ header_hash }) => header_hash === hex(hash)).length;
      await waitFor(() => ended() === 2);
      assert.equal(await isAnswered(shared, hash), false);
    },
  );
  await t.step("S3 afterwards all is in order", () => stage.settles());
});
