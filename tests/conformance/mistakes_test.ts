// What other hosts got wrong, where no other file is about it.

import assert from "node:assert/strict";
import { addTo, draft, type Fields, noise, replyTo } from "../support/message.ts";
import { World } from "../support/world.ts";
import { exchangesOf, received, settled } from "./outcome.ts";

Deno.test("mistakes that other hosts made", async (t) => {
  await using world = await World.make();
  const host = await world.host({ challenge: "always", users: ["alice", "bob"] });
  const pat = await world.peer({ domain: "pat.test" });
  const [alice, bob, p] = [host.address("alice"), host.address("bob"), "@p@pat.test"];

  await t.step("P2 lies about the size of compressed parts, in both directions", async () => {
    const body = "The same again. ".repeat(10_000);
    const part = (change: number) => ({ body, compress: true, expandedSize: body.length + change });
    for (const change of [-1, 1, -body.length, 1000]) {
      const lies: Partial<Fields>[] = [
        part(change),
        { attachments: [{ filename: "a.txt", ...part(change) }] },
        { ...part(0), attachments: [{ filename: "a.txt", ...part(change) }] },
      ];
      for (const lie of lies) {
        const message = draft({ from: p, to: [alice], ...lie });
        const sent = await pat.send(message);
        assert.deepEqual([sent.codes, sent.terminated], [[64], true]);
        const [line] = await exchangesOf(host, message.header);
        assert.equal(line?.terminated, "bad compressed data");
        assert.deepEqual((await pat.send(replyTo(message, { from: p, to: [alice] }))).codes, [6]);
      }
    }
    assert.deepEqual((await pat.send(draft({ from: p, to: [alice], ...part(0) }))).codes, [
      64,
      200,
    ]);
  });

  await t.step(
    "P4 nothing is kept outside of the store, which is what commits make safe",
    async () => {
      const attachments = [{ filename: "large.bin", type: "image/png", body: noise(2_000_000) }];
      const large = draft({ from: p, to: [alice], attachments });
      assert.deepEqual((await pat.send(large)).codes, [64, 200]);
      assert.deepEqual((await pat.send(addTo(large, { from: p, to: [bob] }))).codes, [
        65,
        103,
        200,
      ]);
      const files = [...Deno.readDirSync(host.dataDir)].map(({ name }) => name).toSorted();
      const known = [
        "control.sock",
        "fmsg.db",
        "fmsg.db-shm",
        "fmsg.db-wal",
        "lock",
        "reserve",
        "roots.pem",
      ];
      assert.deepEqual(files.filter((name) => !known.includes(name)), []);
      const id = received(host, "bob")[0]?.id ?? 0;
      assert.deepEqual(await host.save(id, "large.bin"), noise(2_000_000));
    },
  );

  await t.step("T3 Nagle's algorithm and delayed acknowledgements hold nothing up", async () => {
    // With them every exchange of this size takes 40 ms or more, however quick the machine; without them
    // one is quicker sooner or later, however busy it is.
    const body = noise(100_002);
    const took: number[] = [];
    for (let i = 0; i < 100 && !took.some((ms) => ms < 35); i++) {
      const { id } = await host.send({ from: alice, to: [p], body, type: "image/png" });
      await settled(host, id);
      const [line] = await exchangesOf(host, (await pat.next()).raw);
      took.push(Number(line?.ms));
    }
    assert.ok(took.some((ms) => ms < 35), `${took.join()} ms`);
  });
});
