// Rows B5 and B6: batches of added recipients that this host sends.

import assert from "node:assert/strict";
import { equal, type Header, HeaderDecoder, hex } from "../../src/wire/mod.ts";
import { draft, type Message, noise } from "../support/message.ts";
import type { Received } from "../support/peer_receive.ts";
import { messageOf } from "../support/peer_receive.ts";
import { waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { exchangesOf, queued, received, settled, stored } from "./outcome.ts";

Deno.test("batches that are sent from here", async (t) => {
  await using world = await World.make();
  const host = await world.host({ challenge: "never", users: ["alice", "bob", "carl", "dora"] });
  const pat = await world.peer({ domain: "pat.test" });
  const quinn = await world.peer({ domain: "quinn.test" });
  const rita = await world.peer({ domain: "rita.test" });
  const [alice, bob, carl] = [host.address("alice"), host.address("bob"), host.address("carl")];
  const answered = ({ first, codes }: Received) => [first, ...codes];

  const { id, hash } = await host.send({
    from: alice,
    to: [pat.address("a"), quinn.address("b"), bob],
    topic: "Plans",
    body: "# Plans\n".repeat(500),
    type: "text/markdown",
    attach: [{ filename: "noise.bin", body: noise(200_000) }, { filename: "a.txt", body: "abc" }],
    important: true,
    noReply: true,
  });
  const original = messageOf(await pat.next());
  await quinn.next();
  await settled(host, id);

  const batch = await host.addTo(id, alice, pat.address("x"), rita.address("y"), carl);
  const [atPat, atQuinn, atRita] = [await pat.next(), await quinn.next(), await rita.next()];

  await t.step("B5 it goes once to every participant's domain, recipients' or not", async () => {
    assert.deepEqual(answered(atPat), [65, 200, 200]);
    assert.deepEqual(answered(atQuinn), [11]);
    assert.deepEqual(answered(atRita), [64, 200]);
    for (const got of [atPat, atQuinn, atRita]) assert.equal(hex(messageOf(got).hash), batch.hash);
    assert.deepEqual(await settled(host, id), [
      "@a@pat.test delivered 200",
      "@b@quinn.test delivered 200",
      "@bob@host1.test local 200",
      "@x@pat.test delivered 200",
      "@y@rita.test delivered 200",
      "@carl@host1.test local 200",
    ]);
    assert.deepEqual([pat.received.length, quinn.received.length, rita.received.length], [2, 2, 1]);
  });

  await t.step("B5 from's domain is left out when from is the adder", async () => {
    const domains = (await exchangesOf(host, atPat.raw, 3)).map(({ to }) => to);
    assert.deepEqual(domains.toSorted(), [pat.domain, quinn.domain, rita.domain]);
  });

  await t.step(
    "B6 it repeats the original's fields, without topic, with pid and a new time",
    () => {
      for (const got of [atPat, atQuinn, atRita]) {
        assert.notEqual(got.header, null);
        if (got.header === null) return;
        const { pid, topic, time, addTo, ...fields } = got.header;
        const { pid: _pid, topic: _topic, time: first, addTo: _addTo, ...wanted } = headerOf(
          original,
        );
        assert.deepEqual(fields, wanted);
        assert.equal(topic, null);
        assert.equal(pid === null ? "" : hex(pid), hash);
        assert.ok(time > first);
        assert.deepEqual(addTo?.from.text, alice);
        assert.deepEqual(addTo?.to.map(({ text }) => text), [
          pat.address("x"),
          rita.address("y"),
          carl,
        ]);
      }
      const flags = (message: Message): number => message.header[1] ?? -1;
      assert.equal(flags(messageOf(atRita)), flags(original) | 0b11);
      assert.ok(equal(messageOf(atRita).payload, original.payload));
    },
  );

  await t.step(
    "B4 each batch has its own hash, and waits for nothing but its original",
    async () => {
      const second = await host.addTo(id, bob, quinn.address("y"));
      assert.notEqual(second.hash, batch.hash);
      assert.equal(hex(messageOf(await pat.next()).hash), second.hash);
      assert.deepEqual(answered(await quinn.next()), [65, 200, 200]);
      assert.deepEqual(stored(host, id).add_to.map((one) => one.hash), [batch.hash, second.hash]);
      await settled(host, id);
      assert.equal(rita.received.length, 1, "rita's host has to do with the first batch only");
    },
  );

  const toUs = draft({
    from: pat.address("a"),
    to: [alice, quinn.address("b"), pat.address("other")],
    topic: "From elsewhere",
  });
  const fromPatAlone = draft({ from: pat.address("a"), to: [alice], topic: "For Alice" });
  const idOf = (message: Message): number =>
    received(host, "alice").find((one) => one.hash === hex(message.hash))?.id ?? 0;

  await t.step("B5 the adder is in to: the sender's domain learns of it", async () => {
    assert.deepEqual((await pat.send(toUs)).codes, [64, 200]);
    await pat.send(toUs, { to: quinn });
    await quinn.next();
    await host.addTo(idOf(toUs), alice, rita.address("z"), bob);
    // Other recipients there have it already; here the peer says so.
    assert.deepEqual(answered(await pat.next()), [11]);
    assert.deepEqual(answered(await quinn.next()), [11]);
    assert.deepEqual(answered(await rita.next()), [64, 200]);
    assert.deepEqual((await settled(host, idOf(toUs))).sort(), [
      "@alice@host1.test local 200",
      "@bob@host1.test local 200",
      "@z@rita.test delivered 200",
    ]);
  });

  await t.step("B5 a notification-only domain answers with one byte", async () => {
    assert.deepEqual((await pat.send(fromPatAlone)).codes, [64, 200]);
    pat.script({ close: false });
    await host.addTo(idOf(fromPatAlone), alice, bob);
    const got = await pat.next();
    assert.deepEqual([answered(got), got.closedBy, got.ended], [[11], "host", "end"]);
    await settled(host, idOf(fromPatAlone));
  });

  await t.step(
    "B5 a notification-only domain that does not hold it says 6, and is left alone",
    async () => {
      pat.script({ first: 6 });
      await host.addTo(idOf(fromPatAlone), alice, carl);
      const got = await pat.next();
      assert.deepEqual(answered(got), [6]);
      const [line] = await exchangesOf(host, got.raw);
      assert.deepEqual([line?.codes, line?.terminated], [[6], null]);
      await waitFor(() => queued(host) === 0);
      assert.deepEqual((await settled(host, idOf(fromPatAlone))).at(-1), `${carl} local 200`);
    },
  );

  await t.step(
    "D4 a notification that is answered with 64 or 65 is broken off without data",
    async () => {
      pat.script({ first: 64, dataBytes: 1 }, { first: 65, codes: [] });
      await host.addTo(idOf(fromPatAlone), alice, host.address("dora"));
      const [afterContinue, afterSkip, again] = [
        await pat.next(),
        await pat.next(),
        await pat.next(),
      ];
      assert.equal(afterContinue.payload.length, 0);
      assert.equal(afterSkip.extra.length, 0);
      assert.deepEqual(answered(again), [11]);
      const lines = await exchangesOf(host, again.raw, 3);
      assert.deepEqual(lines.map(({ terminated }) => terminated), [
        "unexpected code",
        "unexpected code",
        null,
      ]);
      await waitFor(() => queued(host) === 0);
    },
  );
});

function headerOf({ header }: Message): Header {
  const decoding = new HeaderDecoder().push(header);
  if (decoding.kind !== "header") throw new Error("This is no header");
  return decoding.decoded.header;
}
