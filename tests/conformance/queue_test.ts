// Rows D7 and D9: the queue over restarts and repeats, and what an operator can do with it.

import assert from "node:assert/strict";
import { hex } from "../../src/wire/mod.ts";
import { messageOf } from "../support/peer_receive.ts";
import { waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { addTo, cancel, command, retry, send } from "./command.ts";
import { inWords, queued, recipient, settled, stored } from "./outcome.ts";

/** Nothing is tried again but when a test says so. */
const delivery = { retry_initial: "1h", retry_max: "1h" };

Deno.test("the queue over restarts and repeats", async (t) => {
  await using world = await World.make();
  const host = await world.host({ challenge: "never", delivery, users: ["alice"] });
  const from = host.address("alice");
  const pat = await world.peer({ domain: "pat.test" });
  const a = "@a@pat.test";

  await t.step("D7 what was queued is delivered after a restart, each once", async () => {
    pat.deafen();
    const sent = [];
    for (let i = 0; i < 3; i++) sent.push(await send(host, { from, to: [a] }));
    const [first] = sent;
    const reply = await send(host, { from, to: [a], replyTo: first?.id ?? 0 });
    const batch = await addTo(host, first?.id ?? 0, from, "@b@pat.test");
    for (const { id } of sent) {
      await recipient(host, id, a, ({ attempts }) => attempts === 1);
    }
    assert.equal(await host.stop(), 0);
    await pat.listen();
    await host.start();
    assert.equal(await retry(host), 3);
    for (const { id } of [...sent, reply]) await settled(host, id);
    const hashes = pat.received.map((got) => hex(messageOf(got).hash));
    assert.deepEqual(hashes.toSorted(), [...sent, reply, batch].map(({ hash }) => hash).toSorted());
    for (const { hash } of [reply, batch]) {
      assert.ok(hashes.indexOf(first?.hash ?? "") < hashes.indexOf(hash), "after the first");
    }
  });

  await t.step("D7 what is due is sent at the start, without being asked", async () => {
    await host.stop();
    const { id } = await send(host, { from, to: [a] });
    await host.start();
    assert.deepEqual(await settled(host, id), [`${a} delivered 200`]);
  });

  await t.step(
    "D7 an exchange that a stop cuts off is made again, and counts as no attempt",
    async () => {
      const seen = pat.received.length;
      pat.script({ firstAfter: new Promise(() => {}) });
      const { id } = await send(host, { from, to: [a] });
      await waitFor(() => pat.received.length === seen + 1);
      assert.equal(await host.stop(), 0);
      assert.deepEqual(stored(host, id).delivery.map(({ attempts, state }) => [attempts, state]), [
        [0, "pending"],
      ]);
      await host.start();
      assert.deepEqual(await settled(host, id), [`${a} delivered 200`]);
    },
  );

  await t.step("D7 nothing is sent twice in one run, however often it is made due", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const seen = pat.received.length;
    pat.answerAll({ firstAfter: promise });
    const sent = [];
    for (let i = 0; i < 20; i++) sent.push(await send(host, { from, to: [a], body: `${i}` }));
    await waitFor(() => pat.received.length > seen);
    for (let i = 0; i < 5; i++) await retry(host);
    resolve();
    pat.answerAll({});
    await retry(host);
    for (const { id } of sent) await settled(host, id);
    const hashes = pat.received.slice(seen).map((got) => hex(messageOf(got).hash));
    assert.deepEqual(hashes.toSorted(), sent.map(({ hash }) => hash).toSorted());
  });

  for (const answer of [{ first: 10 }, { codes: [103, 103] }]) {
    const code = answer.first ?? 103;
    await t.step(`D7 a repeat that is answered with ${code} counts as delivered`, async () => {
      const seen = pat.received.length;
      // It was taken, and the codes were lost.
      pat.script({ codes: [] }, answer);
      const { id } = await send(host, { from, to: [a, "@b@pat.test"] });
      await recipient(host, id, a, ({ attempts }) => attempts === 1);
      assert.equal(await retry(host, id), 1);
      assert.deepEqual(await settled(host, id), [
        `${a} delivered ${code}`,
        `@b@pat.test delivered ${code}`,
      ]);
      assert.equal(pat.received.length, seen + 2);
      assert.equal(queued(host), 0);
    });
  }

  await t.step("D7 10 on a batch counts for recipients that had no code yet", async () => {
    const { id } = await send(host, { from, to: [a] });
    await settled(host, id);
    pat.script({ first: 65, codes: [103] }, { first: 10 });
    await addTo(host, id, from, "@b@pat.test", "@c@pat.test");
    await recipient(host, id, "@c@pat.test", ({ attempts }) => attempts === 1);
    await retry(host, id);
    assert.deepEqual(await settled(host, id), [
      `${a} delivered 200`,
      "@b@pat.test delivered 10",
      "@c@pat.test delivered 10",
    ]);
  });

  await t.step(
    "D7 10 on a batch: a code for the whole host was no code of theirs",
    async () => {
      const { id } = await send(host, { from, to: [a] });
      await settled(host, id);
      pat.script({ first: 5 }, { first: 65, codes: [] }, { first: 10 });
      await addTo(host, id, from, "@b@pat.test");
      for (const times of [1, 2]) {
        await recipient(host, id, "@b@pat.test", ({ attempts }) => attempts === times);
        await retry(host, id);
      }
      assert.deepEqual((await settled(host, id)).at(-1), "@b@pat.test delivered 10");
    },
  );

  await t.step("D7 10 on a batch: a recipient that had 101 keeps it and fails", async () => {
    const { id } = await send(host, { from, to: [a] });
    await settled(host, id);
    pat.script({ first: 65, codes: [103, 200, 101] }, { first: 10 });
    await addTo(host, id, from, "@b@pat.test", "@c@pat.test", "@d@pat.test");
    const waits = await recipient(host, id, "@c@pat.test", ({ attempts }) => attempts === 1);
    assert.match(waits.reason ?? "", /user full \(101\)/);
    await retry(host, id);
    assert.deepEqual(await settled(host, id), [
      `${a} delivered 200`,
      "@b@pat.test delivered 200",
      "@c@pat.test failed 101",
      "@d@pat.test delivered 10",
    ]);
  });
});

Deno.test("the operator and the queue", async (t) => {
  await using world = await World.make();
  const host = await world.host({ challenge: "never", delivery, users: ["alice"] });
  const from = host.address("alice");
  const pat = await world.peer({ domain: "pat.test", listen: false });
  const quinn = await world.peer({ domain: "quinn.test", listen: false });
  const [a, b] = ["@a@pat.test", "@b@quinn.test"];
  const both = await send(host, { from, to: [a, b, "@c@pat.test"] });
  const other = await send(host, { from, to: [b] });
  const tried = async (id: number, times: number): Promise<void> => {
    await waitFor(() =>
      stored(host, id).delivery.every(({ attempts, state }) =>
        state !== "pending" || attempts === times
      )
    );
  };
  for (const { id } of [both, other]) await tried(id, 1);

  await t.step("D9 what waits is listed: for whom, why, how often and until when", async () => {
    const queue = await host.queue();
    const lines = queue.map(({ id, batch_id, domain, recipients, attempts }) =>
      [id, batch_id, domain, recipients.join(), attempts].join(" ")
    );
    assert.deepEqual(lines.toSorted(), [
      `${both.id}  ${pat.domain} ${a},@c@pat.test 1`,
      `${both.id}  ${quinn.domain} ${b} 1`,
      `${other.id}  ${quinn.domain} ${b} 1`,
    ]);
    for (const { last_error, next_attempt } of queue) {
      assert.match(last_error ?? "", /nobody listens there/);
      assert.ok((next_attempt ?? 0) > Date.now() / 1000 + 1000);
    }
  });

  await t.step("D9 a retry is made now: of one message, or of everything", async () => {
    assert.equal(await retry(host, both.id), 2);
    await tried(both.id, 2);
    assert.deepEqual(stored(host, other.id).delivery.map(({ attempts }) => attempts), [1]);
    assert.equal(await retry(host), 3);
    await tried(both.id, 3);
    await tried(other.id, 2);
    const { status, stderr } = await command(host, ["queue", "retry", "999"]);
    assert.deepEqual([status, stderr], [1, "fmsg: There is no message 999 here\n"]);
  });

  await t.step(
    "D9 one delivery is cancelled: its recipients fail, others go on waiting",
    async () => {
      assert.equal(await cancel(host, both.id, quinn.domain), 1);
      assert.deepEqual(stored(host, both.id).delivery.map(inWords), [
        `${a} pending null`,
        `${b} failed null`,
        "@c@pat.test pending null",
      ]);
      assert.equal((await recipient(host, both.id, b, () => true)).reason, "cancelled");
      await pat.listen();
      await quinn.listen();
      await retry(host);
      assert.deepEqual(await settled(host, both.id), [
        `${a} delivered 200`,
        `${b} failed null`,
        "@c@pat.test delivered 200",
      ]);
      await settled(host, other.id);
      assert.deepEqual(quinn.received.map((got) => hex(messageOf(got).hash)), [other.hash]);
    },
  );

  await t.step(
    "D9 what an exchange under way brings is recorded though it was cancelled",
    async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const seen = quinn.received.length;
      quinn.script({ codesAfter: promise });
      const { id } = await send(host, { from, to: [b] });
      await waitFor(() => quinn.received.length > seen);
      assert.equal(await cancel(host, id), 1);
      assert.deepEqual(await settled(host, id), [`${b} failed null`]);
      resolve();
      await recipient(host, id, b, ({ state, code }) => state === "delivered" && code === 200);
      assert.equal(queued(host), 0);
    },
  );

  await t.step("D9 what is cancelled before its turn comes does not go out", async () => {
    quinn.deafen();
    const sent = [];
    for (let i = 0; i < 4; i++) sent.push(await send(host, { from, to: [b], body: `${i}` }));
    for (const { id } of sent) await tried(id, 1);
    await quinn.listen();
    const { promise, resolve } = Promise.withResolvers<void>();
    const seen = quinn.received.length;
    // While its host counts as unreachable, a domain has one exchange at a time.
    quinn.script({ codesAfter: promise });
    assert.equal(await retry(host), 4);
    const first = await waitFor(() => quinn.received[seen]?.message);
    const others = sent.filter(({ hash }) => hash !== hex(first.hash));
    assert.equal(await cancel(host, others[1]?.id ?? 0), 1);
    resolve();
    await settled(host, others[2]?.id ?? 0);
    await settled(host, others[0]?.id ?? 0);
    const hashes = quinn.received.slice(seen).map((got) => hex(messageOf(got).hash));
    const wanted = sent.map(({ hash }) => hash).filter((hash) => hash !== others[1]?.hash);
    assert.deepEqual(hashes.toSorted(), wanted.toSorted());
  });

  await t.step("D9 the same can be done while the host does not run", async () => {
    pat.deafen();
    const { id } = await send(host, { from, to: [a] });
    await tried(id, 1);
    await host.stop();
    assert.deepEqual((await host.queue()).map((one) => one.id), [id]);
    assert.equal(await retry(host, id), 1);
    await host.start();
    await tried(id, 2);
    await host.stop();
    assert.equal(await cancel(host, id), 1);
    await pat.listen();
    const seen = pat.received.length;
    await host.start();
    const next = await send(host, { from, to: [a] });
    await settled(host, next.id);
    assert.deepEqual(pat.received.slice(seen).map((got) => hex(messageOf(got).hash)), [next.hash]);
  });
});
