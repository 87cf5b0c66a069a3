// Rows D4 and D5: what a sending host makes of every answer it can get.

import assert from "node:assert/strict";
import { hex } from "../../src/wire/mod.ts";
import { noise } from "../support/message.ts";
import type { Peer } from "../support/peer.ts";
import { messageOf } from "../support/peer_receive.ts";
import { waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { addTo, cancel, retry, send } from "./command.ts";
import { exchangesOf, inWords, queued, recipient, settled, stored } from "./outcome.ts";

/** Nothing is tried again but when a test says so. */
const delivery = { retry_initial: "1h", retry_max: "1h" };

Deno.test("the first code", async (t) => {
  await using world = await World.make();
  const host = await world.host({ challenge: "never", delivery, users: ["alice"] });
  const from = host.address("alice");
  const final = [1, 2, 4, 6, 7, 8, 9];
  const temporary = [3, 5];
  const unexpected = [0, 11, 12, 63, 65, 66, 99, 100, 103, 105, 128, 200, 255];
  const peers = new Map<number, Peer>();
  for (const code of [...final, 10, ...temporary, ...unexpected, 64]) {
    const peer = await world.peer({ domain: `code-${code}.test` });
    if (code !== 64) peer.answerAll({ first: code, codes: [], close: unexpected.includes(code) });
    peers.set(code, peer);
  }
  const all = [...peers.values()];
  const { id } = await send(host, {
    from,
    to: all.flatMap((p) => [p.address("a"), p.address("b")]),
  });
  await waitFor(() => stored(host, id).delivery.every(({ attempts }) => attempts === 1));
  const outcomes = (code: number) =>
    stored(host, id).delivery.filter(({ address }) => address.endsWith(`@code-${code}.test`));
  const lineFor = (code: number) => host.logLine(({ to }) => to === `code-${code}.test`);

  for (const code of final) {
    await t.step(`D4 ${code} is recorded for all recipients there, and final`, async () => {
      for (const one of outcomes(code)) {
        assert.deepEqual([one.state, one.code, one.next_attempt], ["failed", code, null]);
        assert.match(one.reason ?? "", new RegExp(`\\(${code}\\)`));
      }
      await closedInOrder(peers.get(code));
    });
  }

  await t.step("D4 10 is recorded for all recipients there: they have it", async () => {
    assert.deepEqual(outcomes(10).map(({ state, code }) => [state, code]), [
      ["delivered", 10],
      ["delivered", 10],
    ]);
    await closedInOrder(peers.get(10));
  });

  for (const code of temporary) {
    await t.step(`D4 ${code} is recorded for all recipients there, who go on waiting`, async () => {
      for (const one of outcomes(code)) {
        assert.deepEqual([one.state, one.code], ["pending", null]);
        assert.match(one.reason ?? "", new RegExp(`\\(${code}\\)`));
        assert.notEqual(one.next_attempt, null);
      }
      await closedInOrder(peers.get(code));
    });
  }

  for (const code of unexpected) {
    await t.step(`D4 ${code} is no answer to a message: TERMINATE, and no data`, async () => {
      const got = await peers.get(code)?.next();
      assert.deepEqual([got?.payload.length, got?.extra.length, got?.early.length], [0, 0, 0]);
      const { codes, terminated } = await lineFor(code);
      assert.deepEqual([codes, terminated], [[code], "unexpected code"]);
      for (const one of outcomes(code)) assert.deepEqual([one.state, one.code], ["pending", null]);
    });
  }

  await t.step("D4 64: the data, and not a byte more", async () => {
    const got = await peers.get(64)?.next();
    assert.deepEqual([got?.problem, got?.early.length, got?.extra.length], [null, 0, 0]);
    assert.deepEqual(outcomes(64).map(({ state, code }) => [state, code]), [
      ["delivered", 200],
      ["delivered", 200],
    ]);
  });
  await cancel(host, id);

  await t.step("D4 64: data of every length is sent in full, compressed or not", async () => {
    const peer = await world.peer({ domain: "data.test" });
    const sizes = [0, 1, 65_535, 65_536, 65_537, 3_000_000];
    for (const size of sizes) {
      const attach = [
        { filename: "noise.png", body: noise(size) },
        { filename: "zeros.txt", body: new Uint8Array(size) },
        { filename: "empty.txt", body: "" },
      ];
      const sent = await host.send({ from, to: [peer.address("a")], body: "", attach });
      const got = await peer.next();
      assert.equal(hex(messageOf(got).hash), sent.hash);
      assert.deepEqual([got.problem, got.extra.length, got.closedBy], [null, 0, "peer"]);
      assert.deepEqual(messageOf(got).content.map(({ length }) => length), [0, size, size, 0]);
    }
  });

  await t.step("D4 11 and 65 are answers to a batch", async () => {
    const peer = await world.peer({ domain: "batch.test" });
    const sent = await send(host, { from, to: [peer.address("a")] });
    await settled(host, sent.id);
    peer.script({ first: 11 }, { first: 65, codes: [103, 200] });
    await addTo(host, sent.id, from, peer.address("b"), peer.address("c"));
    await settled(host, sent.id);
    await addTo(host, sent.id, from, peer.address("d"));
    await peer.next();
    for (const got of [await peer.next(), await peer.next()]) {
      assert.deepEqual([got.payload.length, got.extra.length], [0, 0]);
    }
    assert.deepEqual(await settled(host, sent.id), [
      "@a@batch.test delivered 200",
      "@b@batch.test delivered 11",
      "@c@batch.test delivered 11",
      "@d@batch.test delivered 200",
    ]);
  });
});

/** After the one code, the host closes: the peer had left that to it. */
async function closedInOrder(peer: Peer | undefined): Promise<void> {
  const got = await peer?.next();
  assert.deepEqual([got?.ended, got?.closedBy, got?.extra.length], ["end", "host", 0]);
}

Deno.test("the codes for recipients", async (t) => {
  await using world = await World.make();
  const host = await world.host({ challenge: "never", delivery, users: ["alice"] });
  const from = host.address("alice");
  const peer = await world.peer({ domain: "pat.test" });
  const other = await world.peer({ domain: "quinn.test" });
  const [a, b, c, d] = ["@a@pat.test", "@b@pat.test", "@c@pat.test", "@d@pat.test"];

  /** Lets the host make its next attempt, and gives what stands behind it. */
  const states = async (id: number, attempts: number): Promise<string[]> => {
    if (attempts > 1) await retry(host, id);
    await recipient(host, id, a, (one) => one.attempts === attempts);
    return stored(host, id).delivery.map((one) => inWords(one).replace(/@\w+\.test/, ""));
  };

  await t.step("D5 as many are read as recipients there are at the domain", async () => {
    peer.script({ codes: [200, 100, 105, 102, 200, 200], close: false });
    const { id } = await send(host, { from, to: [a, "@x@quinn.test", b, c, "@y@quinn.test", d] });
    const got = await peer.next();
    assert.deepEqual([got.ended, got.closedBy], ["end", "host"]);
    await other.next();
    assert.deepEqual((await settled(host, id)).sort(), [
      "@a@pat.test delivered 200",
      "@b@pat.test failed 100",
      "@c@pat.test failed 105",
      "@d@pat.test failed 102",
      "@x@quinn.test delivered 200",
      "@y@quinn.test delivered 200",
    ]);
  });

  await t.step("D5 a connection lost midway leaves those without a code pending", async () => {
    peer.script({ codes: [200, 100] });
    const { id } = await send(host, { from, to: [a, b, c, d] });
    assert.deepEqual(await states(id, 1), [
      "@a delivered 200",
      "@b failed 100",
      "@c pending null",
      "@d pending null",
    ]);
    const { reason } = await recipient(host, id, c, () => true);
    assert.match(reason ?? "", /connection lost/);

    peer.script({ codes: [103, 100, 200] });
    assert.deepEqual((await states(id, 2)).slice(2), ["@c delivered 200", "@d pending null"]);
    peer.script({ codes: [103, 100, 103, 103] });
    assert.deepEqual(await states(id, 3), [
      "@a delivered 200",
      "@b failed 100",
      "@c delivered 200",
      "@d delivered 103",
    ]);
    assert.equal(queued(host), 0);
  });

  await t.step("D5 a later 103 or 105 never replaces a 200", async () => {
    peer.script({ codes: [200, 200, 101] }, { codes: [103, 105, 200] });
    const { id } = await send(host, { from, to: [a, b, c] });
    assert.deepEqual(await states(id, 1), [
      "@a delivered 200",
      "@b delivered 200",
      "@c pending null",
    ]);
    assert.deepEqual(await states(id, 2), [
      "@a delivered 200",
      "@b delivered 200",
      "@c delivered 200",
    ]);
  });

  await t.step("D5 a batch's 103 or 105 for those in to never replaces their 200", async () => {
    const { id } = await send(host, { from, to: [a, b] });
    await settled(host, id);
    peer.script({ first: 65, codes: [103, 105, 200] });
    await addTo(host, id, from, c);
    assert.deepEqual(await settled(host, id), [
      "@a@pat.test delivered 200",
      "@b@pat.test delivered 200",
      "@c@pat.test delivered 200",
    ]);
  });

  await t.step(
    "D5 a connection lost before the codes, in any way, leaves all pending",
    async () => {
      const { id } = await send(host, { from, to: [a, b], body: "x".repeat(1000) });
      await settled(host, id);
      const drops = [
        { drop: "accept" },
        { drop: "header", by: "reset" },
        { drop: "data", dataBytes: 1, by: "fin" },
        { drop: "codes", by: "reset" },
        { drop: "codes" },
      ] as const;
      peer.script(...drops);
      const next = await send(host, { from, to: [a, b] });
      for (const [i] of drops.entries()) {
        assert.deepEqual(await states(next.id, i + 1), ["@a pending null", "@b pending null"]);
      }
      assert.deepEqual(await states(next.id, drops.length + 1), [
        "@a delivered 200",
        "@b delivered 200",
      ]);
    },
  );

  await t.step(
    "D5 what is no code for a recipient ends the exchange; those before it count",
    async () => {
      peer.script({ codes: [200, 64] });
      const { id } = await send(host, { from, to: [a, b, c] });
      assert.deepEqual(await states(id, 1), [
        "@a delivered 200",
        "@b pending null",
        "@c pending null",
      ]);
      const [line] = await exchangesOf(host, peer.received.at(-1)?.raw ?? new Uint8Array());
      assert.deepEqual([line?.codes, line?.terminated], [[64, 200, 64], "unexpected code"]);
      await cancel(host, id);
    },
  );
});
