// Rows D1, D8 and D11: what `send` and `add-to` take and refuse, local delivery, and times that never repeat.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { connectToHost } from "../../src/host/mod.ts";
import { isProblem } from "../../src/protocol/mod.ts";
import { type Sent, StoreWriter } from "../../src/store/mod.ts";
import { hex } from "../../src/wire/mod.ts";
import type { HostProcess } from "../support/host_process.ts";
import { draft, noise } from "../support/message.ts";
import { messageOf } from "../support/peer_receive.ts";
import { World } from "../support/world.ts";
import { addTo, command, type Letter, send, sendWords } from "./command.ts";
import { queued, received, recipient, settled, stored } from "./outcome.ts";

Deno.test("what cannot be sent", async (t) => {
  await using world = await World.make();
  const host = await world.host({
    challenge: "never",
    limits: { max_size: 20_000, max_expanded_size: 30_000 },
    users: ["alice", "bob", "carl"],
  });
  const pat = await world.peer({ domain: "pat.test" });
  const [alice, bob, carl] = [host.address("alice"), host.address("bob"), host.address("carl")];
  const a = pat.address("a");
  const letter = await send(host, { from: alice, to: [a] });
  await addTo(host, letter.id, alice, bob, pat.address("z"));
  await settled(host, letter.id);
  const before = pat.calls.length;

  const refusedWith = async (words: readonly string[], reason: RegExp) => {
    const { status, stdout, stderr } = await command(host, words);
    assert.deepEqual([status, stdout], [1, ""], words.join(" ").slice(0, 200));
    assert.match(stderr, /^fmsg: [^\n]+\n$/, "one line");
    assert.match(stderr, reason);
  };
  const refused = (letter: Partial<Letter>, reason: RegExp, ...flags: readonly string[]) => {
    const [name = "", ...words] = sendWords({ from: alice, to: [a], ...letter });
    return refusedWith([name, ...flags, ...words], reason);
  };
  const many = Array.from({ length: 256 }, (_, i) => `@u${i}@pat.test`);
  const file = async (name: string, body: string | Uint8Array = "x"): Promise<string> => {
    const folder = await Deno.makeTempDir({ dir: world.folder });
    await Deno.writeFile(join(folder, name), new Uint8Array(Buffer.from(body)));
    return join(folder, name);
  };

  await t.step("D1 send refuses recipients that are the same after folding", async () => {
    const same = /Straße@pat.* and .*STRASSE.*same address/;
    await refused({ to: ["@Straße@pat.test", "@STRASSE@pat.test"] }, same);
    await refused({ to: ["@ὈΔΥΣΣΕΎΣ@pat.test", "@ὀδυσσεύς@PAT.test"] }, /same address/);
  });

  await t.step("D1 send refuses too many recipients, and none", async () => {
    await refused({ to: many }, /256 recipients.*255/);
    await refused({ to: [] }, /no recipient/);
  });

  await t.step("D1 send refuses what is no address", async () => {
    const long = `@${"a".repeat(247)}@pat.test`;
    for (const bad of ["a@pat.test", "@a..b@pat.test", "@a b@pat.test", "@a@-b.test", long]) {
      await refused({ to: [bad] }, /is no address/);
    }
    await refused({ from: "alice" }, /"alice" is no address/);
  });

  await t.step("D1 send refuses a sender of another domain, or unknown", async () => {
    await refused({ from: a }, /@a@pat\.test does not belong to host1\.test/);
    await refused({ from: host.address("zoe") }, /@zoe@host1\.test is no user here/);
  });

  await t.step("D1 send refuses a topic or media type that does not fit its field", async () => {
    await refused({}, /topic.*255 bytes/, `--topic=${"ä".repeat(128)}`);
    await refused({}, /no media type/, "--type", "plain text");
    await refused({}, /no media type/, "--type", `text/${"x".repeat(251)}`);
  });

  await t.step("D1 send refuses names of attachments outside the grammar", async () => {
    for (const name of ["a  b.txt", ".hidden", "ends.", "a_-b", "a+b"]) {
      await refused({}, /no file name for an attachment/, "--attach", await file(name));
    }
  });

  await t.step(
    "D1 send refuses attachments of the same name after folding, and too many",
    async () => {
      const [one, other] = [await file("Straße.txt"), await file("STRASSE.TXT")];
      await refused({}, /Two attachments are named/, "--attach", one, "--attach", other);
      await refused({}, /256 attachments.*255/, ...many.flatMap(() => ["--attach", one]));
    },
  );

  await t.step("D1 send refuses what is too big, as sent or uncompressed", async () => {
    const [raw, zeros] = [await file("a.png", noise(20_001)), await file("b.txt", noise(1))];
    await Deno.writeFile(zeros, new Uint8Array(30_000));
    await refused({}, /20\d\d\d bytes as sent.*max_size/, "--attach", raw);
    await refused({}, /30005 bytes uncompressed.*max_expanded_size/, "--attach", zeros);
  });

  await t.step("D1 send refuses a reply by someone who takes no part, or to nothing", async () => {
    await refused({ from: carl, replyTo: letter.id }, /@carl@host1\.test is no participant/);
    await refused({ replyTo: 9999 }, /no message 9999/);
    await refused({ from: a, replyTo: letter.id }, /does not belong to host1\.test/);
  });

  await t.step("D1 add-to refuses what a receiving host would answer with 1", async () => {
    const add = (reason: RegExp, from: string, ...to: readonly string[]) =>
      refusedWith(["add-to", String(letter.id), "--from", from, ...to], reason);
    await add(/@carl@.* cannot add/, carl, "@new@pat.test");
    await add(/@bob@.* cannot add/, bob, "@new@pat.test");
    await add(/does not belong to host1/, a, "@new@pat.test");
    await add(/same address/, alice, "@Maß@pat.test", "@MASS@pat.test");
    await add(/256 recipients.*255/, alice, ...many);
    await add(/is no address/, alice, "new@pat.test");
    await add(/@Z@pat\.test was added.*before/, alice, "@Z@pat.test");
    await refusedWith(["add-to", "9999", "--from", alice, "@new@pat.test"], /no message 9999/);
  });

  await t.step("D1 a command of its own process says so too: status 1, one line", async () => {
    const args = await host.sendArguments({ from: carl, to: [a], replyTo: letter.id });
    const { code, stdout, stderr } = await host.cli(args);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^fmsg: @carl@host1\.test is no participant[^\n]+\n$/);
  });

  await t.step("D1 nothing of what is refused is kept or leaves", async () => {
    assert.deepEqual((await host.list(alice, { sent: true })).map(({ id }) => id), [letter.id]);
    assert.equal(stored(host, letter.id).add_to.length, 1);
    assert.deepEqual([queued(host), pat.calls.length], [0, before]);
  });
});

Deno.test("what is sent to several domains, and to one's own", async (t) => {
  await using world = await World.make();
  const host = await world.host({
    challenge: "never",
    users: ["alice", "bob", ["full", "--max-messages", "0"], "closed"],
  });
  const pat = await world.peer({ domain: "pat.test" });
  const quinn = await world.peer({ domain: "quinn.test" });
  const [alice, bob] = [host.address("alice"), host.address("bob")];

  await t.step(
    "D1 one exchange for each domain with all its recipients, each for itself",
    async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      quinn.script({ firstAfter: promise });
      const to = ["@a@pat.test", "@b@quinn.test", "@c@PAT.test", bob];
      const { id } = await send(host, { from: alice, to });
      const got = await pat.next();
      assert.deepEqual([got.first, got.codes], [64, [200, 200]]);
      assert.deepEqual(got.header?.to.map(({ text }) => text), to);
      await recipient(host, id, "@a@pat.test", ({ state }) => state === "delivered");
      const waits = await recipient(host, id, "@b@quinn.test", () => true);
      assert.deepEqual([waits.state, waits.code], ["pending", null]);
      resolve();
      await quinn.next();
      assert.deepEqual(await settled(host, id), [
        "@a@pat.test delivered 200",
        "@b@quinn.test delivered 200",
        "@c@PAT.test delivered 200",
        `${bob} local 200`,
      ]);
      assert.deepEqual([pat.received.length, quinn.received.length], [1, 1]);
    },
  );

  await t.step(
    "D8 recipients of the own domain are judged here, by the same verdicts",
    async () => {
      await host.setUser(host.address("closed"), "--accepting=false");
      const calls = pat.calls.length + quinn.calls.length;
      const to = [bob, host.address("nobody"), host.address("full"), host.address("closed"), alice];
      const { id, delivery } = await send(host, { from: alice, to }).then(async (sent) => ({
        ...sent,
        delivery: await settled(host, sent.id),
      }));
      assert.deepEqual(delivery, [
        `${bob} local 200`,
        `${to[1]} failed 100`,
        `${to[2]} failed 101`,
        `${to[3]} failed 102`,
        `${alice} local 200`,
      ]);
      assert.deepEqual(received(host, "bob")[0]?.id, id);
      assert.deepEqual([received(host, "full"), received(host, "closed")], [[], []]);
      assert.equal(pat.calls.length + quinn.calls.length, calls);
      assert.ok(host.log.every(({ to, peer }) => to !== host.domain && peer !== host.ip));
    },
  );

  await t.step("D8 of a batch only the added ones are judged", async () => {
    const { id } = await send(host, { from: alice, to: [bob, host.address("nobody")] });
    await addTo(host, id, alice, host.address("full"), bob);
    assert.deepEqual(await settled(host, id), [
      `${bob} local 200`,
      `${host.address("nobody")} failed 100`,
      `${host.address("full")} failed 101`,
      `${bob} local 200`,
    ]);
    assert.equal((await host.user(bob)).usage.recv_messages, 4);
  });

  await t.step(
    "D8 a batch from elsewhere: those in to who have it are not asked again",
    async () => {
      const original = draft({ from: pat.address("a"), to: [bob, host.address("nobody")] });
      assert.deepEqual((await pat.send(original)).codes, [64, 200, 100]);
      const id = received(host, "bob")[0]?.id ?? 0;
      await addTo(host, id, bob, alice);
      assert.equal((await pat.next()).first, 11);
      assert.deepEqual((await settled(host, id)).at(-1), `${alice} local 200`);
    },
  );

  await t.step("D8 a host that does not run delivers to its own users at once", async () => {
    assert.equal(await host.stop(), 0);
    const { id } = await send(host, { from: alice, to: [bob, "@a@pat.test"] });
    assert.deepEqual(received(host, "bob")[0]?.id, id);
    assert.deepEqual(stored(host, id).delivery.map(({ state }) => state), ["local", "pending"]);
    const seen = pat.received.length;
    await host.start();
    assert.equal(hex(messageOf(await pat.next()).hash), stored(host, id).hash);
    assert.deepEqual(await settled(host, id), [`${bob} local 200`, "@a@pat.test delivered 200"]);
    assert.equal(pat.received.length, seen + 1);
  });

  await t.step(
    "D11 messages that are sent at once have times that increase, and no hash twice",
    async () => {
      const byCommand = [1, 2, 3].map(() => host.send({ from: alice, to: [bob], topic: "Same" }));
      const [all, ...commands] = await Promise.all([sendAtOnce(host, 4, 60), ...byCommand]);
      const sent = [...all].sort((a, b) => a.id - b.id);
      const times = commands.map(({ id }) => stored(host, id)).concat(
        sent.map(({ id }) => stored(host, id)),
      )
        .sort((a, b) => a.id - b.id);
      assert.equal(times.length, 243);
      for (const [i, message] of times.entries()) {
        const next = times[i + 1];
        if (next !== undefined) {
          assert.ok(
            (message.time ?? 0) < (next.time ?? 0),
            "strictly increasing with the id",
          );
        }
      }
      assert.equal(new Set(times.map(({ hash }) => hash)).size, 243);
      assert.deepEqual(
        sent.map(({ hash, time }) => [hex(hash), time]),
        sent.map(({ id }) => {
          const { hash, time } = stored(host, id);
          return [hash, time];
        }),
      );
    },
  );
});

/** The same message many times at once, over as many connections to the running host as commands would make. */
async function sendAtOnce(host: HostProcess, connections: number, each: number): Promise<Sent[]> {
  const body = new TextEncoder().encode("Hello");
  const one = async (): Promise<Sent[]> => {
    const backend = await connectToHost(host.dataDir);
    if (backend === null) throw new Error("The host does not answer");
    await using writer = new StoreWriter(backend);
    return await Promise.all(Array.from({ length: each }, async () => {
      const sent = await writer.submit("send", {
        from: host.address("alice"),
        to: [host.address("bob")],
        start: { topic: "Same" },
        body: { type: "text/plain;charset=UTF-8", size: body.length, expandedSize: null },
        attachments: [],
        content: { kind: "inline", bytes: body },
        important: false,
        noReply: false,
      });
      if (isProblem(sent)) throw new Error(sent.message);
      return sent;
    }));
  };
  return (await Promise.all(Array.from({ length: connections }, one))).flat();
}
