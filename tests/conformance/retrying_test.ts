// Row D6: what is tried again, when, for how long, and what has to wait for what.

import assert from "node:assert/strict";
import { hex } from "../../src/wire/mod.ts";
import type { Peer } from "../support/peer.ts";
import { messageOf } from "../support/peer_receive.ts";
import { waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { addTo, cancel, retry, send } from "./command.ts";
import { queued, recipient, settled, stored } from "./outcome.ts";

Deno.test("trying again", async (t) => {
  await using world = await World.make();
  const host = await world.host({
    challenge: "never",
    limits: { idle_timeout: "1s" },
    delivery: { connect_timeout: "1s", retry_initial: "50ms", retry_max: "200ms" },
    users: ["alice"],
  });
  const from = host.address("alice");
  const pat = await world.peer({ domain: "pat.test" });
  const to = ["@a@pat.test", "@b@pat.test"];
  const delivered = ["@a@pat.test delivered 200", "@b@pat.test delivered 200"];

  const temporary = [
    ["no address in DNS", () => world.dns.remove("fmsg.pat.test"), /no address in DNS/],
    ["a look-up that fails", () => world.dns.servfail("fmsg.pat.test"), /could not be looked up/],
    ["nobody who listens", () => pat.deafen(), /refused/],
    ["a reset", () => pat.answerAll({ drop: "header", by: "reset" }), /connection lost/],
    ["no answer in time", () => pat.answerAll({ hang: "header" }), /answer not in time/],
    ["code 3", () => pat.answerAll({ first: 3 }), /undisclosed \(3\)/],
    ["code 5", () => pat.answerAll({ first: 5 }), /insufficient resources \(5\)/],
    ["code 101", () => pat.answerAll({ codes: [200, 101] }), /user full \(101\)/],
  ] as const;
  for (const [name, disturb, reason] of temporary) {
    await t.step(`D6 ${name}: it is tried again by itself`, async () => {
      disturb();
      const { id } = await send(host, { from, to });
      const waits = await recipient(host, id, "@b@pat.test", ({ reason }) => reason !== null);
      assert.match(waits.reason ?? "", reason);
      world.dns.remove("fmsg.pat.test");
      world.dns.set("fmsg.pat.test", "A", [pat.ip]);
      await pat.listen();
      pat.answerAll({});
      assert.deepEqual(await settled(host, id), delivered);
      assert.ok(stored(host, id).delivery.every(({ attempts }) => attempts > 1));
    });
  }

  await t.step("D6 a permanent code is final", async () => {
    pat.script({ first: 4 }, { codes: [100, 102] });
    const [one, two] = [await send(host, { from, to }), await send(host, { from, to })];
    const outcomes = [...await settled(host, one.id), ...await settled(host, two.id)].sort();
    assert.deepEqual(outcomes, [
      "@a@pat.test failed 100",
      "@a@pat.test failed 4",
      "@b@pat.test failed 102",
      "@b@pat.test failed 4",
    ]);
    assert.equal(queued(host), 0);
    for (const { id } of [one, two]) {
      assert.ok(stored(host, id).delivery.every(({ attempts }) => attempts === 1));
    }
  });

  await t.step("D6 when the window is over it has failed, and one can see why", async () => {
    await host.configure({ delivery: { window: "1s" } });
    await host.reload();
    const quinn = await world.peer({ domain: "quinn.test" });
    const rita = await world.peer({ domain: "rita.test" });
    quinn.answerAll({ codes: [101] });
    rita.answerAll({ first: 5 });
    const { id } = await send(host, {
      from,
      to: ["@a@nowhere.test", "@b@quinn.test", "@c@rita.test"],
    });
    assert.deepEqual(await settled(host, id), [
      "@a@nowhere.test failed null",
      "@b@quinn.test failed 101",
      "@c@rita.test failed 5",
    ]);
    const [none, full, short] = stored(host, id).delivery;
    assert.match(none?.reason ?? "", /given up: .*no address in DNS/);
    assert.match(full?.reason ?? "", /given up: user full \(101\)/);
    assert.match(short?.reason ?? "", /given up: insufficient resources \(5\)/);
    for (const { attempts, next_attempt } of stored(host, id).delivery) {
      assert.ok(attempts > 1);
      assert.equal(next_attempt, null);
    }
    assert.equal(queued(host), 0);
  });
});

Deno.test("the time of the next attempt", async (t) => {
  await using world = await World.make();
  const host = await world.host({
    delivery: { retry_initial: 100, retry_max: 500 },
    users: ["alice"],
  });
  const to = Array.from({ length: 8 }, (_, i) => `@a@nowhere${i}.test`);
  const { id } = await send(host, { from: host.address("alice"), to });

  await t.step("D6 the delay doubles up to its bound, with a jitter of at most 20 %", async () => {
    for (const [i, delay] of [100, 200, 400, 500, 500].entries()) {
      if (i > 0) assert.equal(await retry(host), to.length);
      const delays = await waitFor(() => {
        const { delivery } = stored(host, id);
        if (delivery.some(({ attempts }) => attempts !== i + 1)) return null;
        if (host.log.filter(({ to }) => to !== undefined).length < (i + 1) * to.length) return null;
        return delivery.map(({ address, next_attempt }) => {
          const lines = host.log.filter(({ to }) => to === address.slice(3));
          return (next_attempt ?? NaN) - Date.parse(String(lines[i]?.time)) / 1000;
        });
      });
      // The clock is read twice, and machines are slow at times.
      for (const seconds of delays) {
        assert.ok(seconds >= delay * 0.8 - 1 && seconds <= delay * 1.2 + 15, `${seconds} s`);
      }
      assert.ok(Math.max(...delays) - Math.min(...delays) > 0, "not all at the same time");
    }
  });
});

Deno.test("what waits for what", async (t) => {
  await using world = await World.make();
  const delivery = { retry_initial: "1h", retry_max: "1h" };
  const host = await world.host({ challenge: "never", delivery, users: ["alice", "bob"] });
  const [alice, bob] = [host.address("alice"), host.address("bob")];
  const pat = await world.peer({ domain: "pat.test" });
  const quinn = await world.peer({ domain: "quinn.test" });
  const a = "@a@pat.test";

  await t.step("D6 a reply waits for its parent, a batch for its original, there", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    pat.script({ codesAfter: promise });
    const first = await send(host, { from: alice, to: [a, bob] });
    await waitFor(() => pat.received[0]?.message !== undefined && pat.received[0].first === 64);
    const reply = await send(host, { from: bob, to: [a, alice], replyTo: first.id });
    const nested = await send(host, { from: alice, to: [a], replyTo: reply.id });
    const batch = await addTo(host, first.id, alice, "@z@pat.test", "@y@quinn.test");

    assert.equal(hex(messageOf(await quinn.next()).hash), batch.hash, "nothing of it waits there");
    const waits = await recipient(host, nested.id, a, () => true);
    assert.deepEqual([waits.state, waits.next_attempt], ["pending", null]);
    assert.match(waits.reason ?? "", /waits until the message that it belongs to is delivered/);
    assert.equal(pat.received.length, 1);
    resolve();
    for (const { id } of [first, reply, nested]) await settled(host, id);

    const order = [];
    for (let i = 0; i < 4; i++) order.push(hex(messageOf(await pat.next()).hash));
    assert.equal(order[0], first.hash);
    assert.deepEqual(new Set(order.slice(1)), new Set([batch.hash, reply.hash, nested.hash]));
    assert.ok(order.indexOf(reply.hash) < order.indexOf(nested.hash));
    assert.deepEqual([pat.received.length, quinn.received.length], [4, 1]);
  });

  await t.step("D6 a reply that names a batch waits for the batch, there", async () => {
    const first = await send(host, { from: alice, to: [bob] });
    const { promise, resolve } = Promise.withResolvers<void>();
    const seen = quinn.received.length;
    quinn.script({ codesAfter: promise });
    const batch = await addTo(host, first.id, alice, "@y@quinn.test");
    await waitFor(() => quinn.received[seen]?.first === 64);
    const reply = await send(host, { from: bob, to: ["@y@quinn.test"], replyTo: first.id });
    assert.equal(stored(host, reply.id).pid, batch.hash);
    const waits = await recipient(host, reply.id, "@y@quinn.test", () => true);
    assert.match(waits.reason ?? "", /waits until the message that it belongs to is delivered/);
    resolve();
    await settled(host, reply.id);
    const order = quinn.received.slice(seen).map((got) => hex(messageOf(got).hash));
    assert.deepEqual(order, [batch.hash, reply.hash]);
    for (const _ of order) await quinn.next();
  });

  await t.step("D6 a reply goes out once its parent has failed there, and 6 is final", async () => {
    pat.deafen();
    const first = await send(host, { from: alice, to: [a, "@y@quinn.test"] });
    const parent = messageOf(await quinn.next());
    await recipient(host, first.id, a, ({ attempts }) => attempts === 1);
    const reply = await send(host, { from: alice, to: [a, "@y@quinn.test"], replyTo: first.id });
    assert.equal(hex(messageOf(await quinn.next()).hash), reply.hash);
    assert.equal((await recipient(host, reply.id, a, () => true)).attempts, 0);
    await pat.listen();
    pat.script({ first: 4 }, { first: 6 });
    assert.equal(await retry(host), 1, "what waits for its parent is not due");
    assert.deepEqual(await settled(host, first.id), [
      `${a} failed 4`,
      "@y@quinn.test delivered 200",
    ]);
    assert.deepEqual(await settled(host, reply.id), [
      `${a} failed 6`,
      "@y@quinn.test delivered 200",
    ]);
    assert.equal(hex(parent.hash), first.hash);
    assert.equal(queued(host), 0);
  });

  await t.step("D6 a final 6 tells which ways out there are", async () => {
    const first = await send(host, { from: alice, to: ["@y@quinn.test"] });
    await settled(host, first.id);
    pat.script({ first: 6 });
    const reply = await send(host, { from: alice, to: [a], replyTo: first.id });
    const failed = await recipient(host, reply.id, a, ({ state }) => state === "failed");
    assert.match(failed.reason ?? "", /parent not found \(6\)/);
    assert.match(
      failed.reason ?? "",
      /add the recipient to the message.*or send them that message/,
    );
    assert.deepEqual((await host.show(reply.id)).delivery, [failed]);
  });

  await t.step("D6 cancelling the parent lets the reply go", async () => {
    pat.deafen();
    const first = await send(host, { from: alice, to: [a] });
    await recipient(host, first.id, a, ({ attempts }) => attempts === 1);
    const reply = await send(host, { from: alice, to: [a], replyTo: first.id });
    await pat.listen();
    const seen = pat.received.length;
    assert.equal(await cancel(host, first.id), 1);
    await settled(host, reply.id);
    assert.deepEqual(pat.received.slice(seen).map(({ message }) => message && hex(message.hash)), [
      reply.hash,
    ]);
  });
});

Deno.test("many recipients", async (t) => {
  await using world = await World.make();
  const host = await world.host({
    challenge: "never",
    // Whoever waited for a dead one would wait longer than this test does.
    delivery: { connect_timeout: "5m", retry_initial: "1h", retry_max: "1h" },
    users: ["alice"],
  });
  const from = host.address("alice");

  await t.step(
    "D6 255 recipients, half of them at dead hosts: the living do not wait",
    async () => {
      const dead = await world.peer({ domain: "dead.test" });
      dead.setTls("mute");
      const unreachable = Array.from({ length: 128 }, (_, i) => `dead${i}.test`);
      for (const domain of unreachable) world.dns.set(`fmsg.${domain}`, "A", [dead.ip]);
      const living: Peer[] = [];
      for (let i = 0; i < 32; i++) living.push(await world.peer());
      const to = Array.from({ length: 255 }, (_, i) => {
        const n = Math.floor(i / 2);
        return i % 2 === 0 ? `@u${i}@${unreachable[n]}` : `@u${i}@${living[n % 32]?.domain}`;
      });
      const { id, hash } = await send(host, { from, to });
      for (const peer of living) {
        const got = await peer.next();
        assert.equal(hex(messageOf(got).hash), hash);
        assert.ok(got.codes.length >= 3, "all of a domain together");
      }
      const states = await waitFor(() => {
        const { delivery } = stored(host, id);
        return delivery.filter(({ state }) => state === "delivered").length === 127 && delivery;
      });
      const waiting = states.filter(({ state }) => state === "pending");
      assert.equal(waiting.length, 128);
      assert.ok(waiting.every(({ attempts }) => attempts === 0), "they are being dialled");
      const next = await send(host, { from, to: [living[0]?.address("next") ?? ""] });
      await settled(host, next.id);
      assert.equal(await cancel(host, id), 128);
    },
  );
});
