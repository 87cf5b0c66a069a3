// Three and four real hosts: everybody answers everybody, and those who are added answer too (B2 to B5, D10, P6).

import assert from "node:assert/strict";
import { audit } from "../store/audit.ts";
import type { HostProcess } from "../support/host_process.ts";
import { noise } from "../support/message.ts";
import { waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { addTo, type Letter, send } from "./command.ts";
import { received, settled, stored } from "./outcome.ts";

Deno.test("conversations among real hosts", async (t) => {
  await using world = await World.make();
  const modes = ["always", "has_not_participated", "different_domain", "never"] as const;
  const hosts: HostProcess[] = [];
  for (const [i, challenge] of modes.entries()) {
    const domain = `${"abcd".charAt(i)}.test`;
    hosts.push(await world.host({ domain, challenge, users: ["one", "two"] }));
  }
  const [A, B, C, D] = hosts;
  if (A === undefined || B === undefined || C === undefined || D === undefined) return;
  const [a, b, c, d] = [A.address("one"), B.address("one"), C.address("one"), D.address("one")];

  /** The id of the message with that hash, once it is there. */
  const idAt = (host: HostProcess, hash: string, user = "one"): Promise<number> =>
    waitFor(() => received(host, user).find((message) => message.hash === hash)?.id, {
      what: `${hash} to come to ${user} at ${host.domain}`,
    });

  /** Sends, and requires that every recipient takes it. */
  const deliver = async (host: HostProcess, letter: Letter) => {
    const sent = await send(host, letter);
    for (const line of await settled(host, sent.id)) assert.match(line, / (local|delivered) 200$/);
    return sent;
  };

  /** Everybody answers all the others on what they have under these ids. */
  const allReply = async (
    members: readonly (readonly [HostProcess, string, number])[],
    body: string,
  ): Promise<void> => {
    const everybody = members.map(([, address]) => address);
    for (const [host, from, replyTo] of members) {
      const to = everybody.filter((address) => address !== from);
      const reply = await deliver(host, { from, to, replyTo, body });
      for (const [other, address] of members) {
        if (address === from) continue;
        const id = await idAt(other, reply.hash, address.slice(1, 4));
        const mine = stored(other, id);
        assert.deepEqual([mine.pid, mine.to], [stored(host, reply.id).pid, to]);
      }
    }
  };

  const attach = [{ filename: "picture.png", body: noise(150_000) }];
  const body = "A text that shrinks. ".repeat(10_000);
  const sent = await A.send({ from: a, to: [b, c, A.address("two")], topic: "All", body, attach });
  const [atB, atC] = [await idAt(B, sent.hash), await idAt(C, sent.hash)];

  await t.step(
    "P6 three domains: each has the whole message, with everybody's address",
    async () => {
      assert.deepEqual((await settled(A, sent.id)).map((line) => line.slice(-3)), [
        "200",
        "200",
        "200",
      ]);
      for (const [host, id] of [[A, sent.id], [B, atB], [C, atC]] as const) {
        const message = stored(host, id);
        assert.deepEqual([message.from, message.to], [a, [b, c, A.address("two")]]);
        assert.deepEqual(await host.save(id, "picture.png"), noise(150_000));
        assert.equal(new TextDecoder().decode(await host.save(id)), body);
      }
    },
  );

  await t.step(
    "D10 three domains: everybody's reply to all is taken by all",
    () =>
      allReply([[A, a, sent.id], [B, b, atB], [C, c, atC], [A, A.address("two"), sent.id]], "All"),
  );

  const batch = await addTo(B, atB, b, d, C.address("two"));
  const atD = await waitFor(() => received(D, "one")[0]?.id);
  await t.step("B5 a recipient of a third host adds a fourth: all learn of it", async () => {
    for (const line of await settled(B, atB)) assert.match(line, / (local|delivered) 200$/);
    for (const [host, id] of [[A, sent.id], [B, atB], [C, atC]] as const) {
      await waitFor(() => stored(host, id).add_to.length === 1);
      const [added] = stored(host, id).add_to;
      assert.deepEqual([added?.hash, added?.from, added?.to], [batch.hash, b, [
        d,
        C.address("two"),
      ]]);
    }
    const mine = stored(D, atD);
    assert.deepEqual([mine.hash, mine.pid, mine.from, mine.topic], [batch.hash, sent.hash, a, ""]);
    assert.deepEqual(await D.save(atD, "picture.png"), noise(150_000));
    assert.equal(await idAt(C, sent.hash, "two"), atC);
  });

  await t.step("D10 everybody's reply to all is taken by all, the added ones' too", () =>
    allReply([
      [A, a, sent.id],
      [B, b, atB],
      [C, c, atC],
      [C, C.address("two"), atC],
      [D, d, atD],
    ], "With the added ones"));

  await t.step(
    "D10 those of the beginning still answer the original among themselves",
    () => allReply([[A, a, sent.id], [B, b, atB], [C, c, atC]], "As before"),
  );

  const second = await addTo(A, sent.id, a, D.address("two"));
  await t.step("B4 a second batch by another adder: its recipient answers that one", async () => {
    const id = await idAt(D, second.hash, "two");
    const reply = await deliver(D, { from: D.address("two"), to: [a, b, c], replyTo: id });
    assert.equal(stored(D, reply.id).pid, second.hash);
    for (const host of [A, B, C]) await idAt(host, reply.hash);
    await waitFor(() => stored(B, atB).add_to.length === 2);
    assert.deepEqual(stored(C, atC).add_to.map(({ hash }) => hash), [batch.hash, second.hash]);
  });

  await t.step("D10 the same after all hosts were restarted", async () => {
    for (const host of hosts) assert.equal(await host.stop(), 0);
    for (const host of hosts) await host.start();
    await allReply([[A, a, sent.id], [B, b, atB], [C, c, atC], [D, d, atD]], "After a restart");
  });

  await t.step("P6 in every store every hash comes out of what is stored", async () => {
    for (const host of hosts) {
      assert.equal(await host.stop(), 0);
      audit(host.dataDir);
    }
    const failed = hosts.flatMap(({ log }) => log).filter((line) =>
      line.msg === "exchange" && line.terminated !== null
    );
    assert.deepEqual(failed, []);
    const thread = await A.json(["thread", String(sent.id)]);
    assert.ok(Array.isArray(thread) && thread.length === 18, "every message of the thread");
  });
});
