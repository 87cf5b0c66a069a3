// The automatic challenge: when it is asked, and how (step 2, and 3.2).

import assert from "node:assert/strict";
import { addTo, draft, type Message, noise, replyTo } from "../support/message.ts";
import type { Sent } from "../support/peer_send.ts";
import { waitFor } from "../support/wait.ts";
import { received } from "./outcome.ts";
import { Stage } from "./stage.ts";

const TAKEN = { codes: [64, 200] };

/** Is this message challenged? It has to be taken, or notified, in any case. */
async function isChallenged(stage: Stage, message: Message, codes = [64, 200]): Promise<boolean> {
  const { challenges, line } = await stage.expect(message, { codes });
  assert.equal(line.challenge, challenges.length === 0 ? "none" : "ok");
  assert.ok(challenges.length <= 1);
  return challenges.length === 1;
}

Deno.test("whether a message is challenged depends on the mode", async (t) => {
  await using stage = await Stage.set({ users: ["bob"] });
  const { world, host, peer, ann, alice } = stage;
  const bob = host.address("bob");
  const elsewhere = "@x@elsewhere.test";
  const mode = async (challenge: string) => {
    await host.configure({ challenge });
    await host.reload();
  };
  const reply = (parent: Message) => replyTo(parent, { from: ann, to: [alice] });
  const notice = (original: Message) => addTo(original, { from: ann, to: [elsewhere] });
  const fromAlice = async (replyTo?: number) => {
    await host.send({ from: alice, to: [ann], ...replyTo === undefined ? {} : { replyTo } });
    const { message } = await peer.next();
    assert.ok(message);
    return message;
  };

  const root = await fromAlice();
  await t.step("C1 never", async () => {
    assert.equal(await isChallenged(stage, stage.letter()), false);
  });
  await t.step("C1 always", async () => {
    await mode("always");
    assert.equal(await isChallenged(stage, stage.letter()), true);
    assert.equal(await isChallenged(stage, reply(root)), true);
    assert.equal(await isChallenged(stage, notice(root), [11]), true);
    assert.equal(
      await isChallenged(stage, addTo(root, { from: ann, to: [bob] }), [65, 200]),
      true,
    );
  });

  await mode("has_not_participated");
  const letter = stage.letter();
  await t.step("C1 has not participated: a first message", async () => {
    assert.equal(await isChallenged(stage, letter), true);
  });
  await t.step("C1 has not participated: nobody here has written in the thread", async () => {
    const second = reply(letter);
    assert.equal(await isChallenged(stage, second), true);
    assert.equal(await isChallenged(stage, reply(second)), true);
    assert.equal(await isChallenged(stage, notice(letter), [11]), true);
  });
  await t.step("C1 has not participated: somebody here wrote the parent", async () => {
    assert.equal(await isChallenged(stage, reply(root)), false);
    assert.equal(await isChallenged(stage, notice(root), [11]), false);
  });
  await t.step("C1 has not participated: or a message above it", async () => {
    const second = reply(root);
    assert.equal(await isChallenged(stage, second), false);
    assert.equal(await isChallenged(stage, reply(second)), false);
    assert.equal(await isChallenged(stage, notice(second), [11]), false);
  });
  await t.step(
    "C1 has not participated: what was written below the parent does not count",
    async () => {
      const [received] = await host.list(alice);
      const first = stage.letter();
      await stage.expect(first, TAKEN);
      const [newest] = await host.list(alice);
      assert.notEqual(received?.id, newest?.id);
      const answer = await fromAlice(newest?.id ?? 0);
      assert.equal(await isChallenged(stage, reply(answer)), false);
      assert.equal(await isChallenged(stage, reply(first)), true);
    },
  );
  await t.step("C1 has not participated: who adds recipients has not written", async () => {
    const first = stage.letter();
    await stage.expect(first, TAKEN);
    const [newest] = received(host, "alice");
    await host.addTo(newest?.id ?? 0, alice, bob);
    const { message } = await peer.next();
    assert.ok(message);
    assert.equal(await isChallenged(stage, reply(message)), true);
  });
  await t.step("C1 has not participated: a batch whose original is not here", async () => {
    const early = addTo(draft({ from: ann, to: [ann] }), { from: ann, to: [alice] });
    assert.equal(await isChallenged(stage, early), true);
  });

  await t.step("C1 different domain", async () => {
    await mode("different_domain");
    assert.equal(await isChallenged(stage, stage.letter()), true);
    assert.equal(await isChallenged(stage, reply(root)), true);
    // From another host of this domain.
    world.dns.set(`fmsg.${host.domain}`, "A", [host.ip, peer.ip]);
    const zoe = host.address("zoe");
    assert.equal(await isChallenged(stage, draft({ from: zoe, to: [alice] })), false);
    const batch = (from: string, adder: string) =>
      addTo(draft({ from, to: [adder, alice] }), { from: adder, to: [elsewhere] });
    assert.equal(await isChallenged(stage, batch(ann, zoe), [64, 100, 200]), false);
    assert.equal(await isChallenged(stage, batch(zoe, ann)), true);
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

Deno.test("a challenge goes back to where the message comes from", async (t) => {
  await using stage = await Stage.set({ challenge: "always", ips: 2, users: ["bob"] });
  const { host, peer, alice } = stage;
  const [, second = ""] = peer.ips;
  const asked = ({ challenges }: Sent) => {
    const [challenge, ...others] = challenges;
    assert.ok(challenge);
    assert.deepEqual(others, []);
    return challenge;
  };

  await t.step("C2 before any answer and before any data", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let first: number | null = null;
    const sending = peer.send(stage.letter(), {
      answerAfter: promise,
      onFirst: (code) => first = code,
    });
    await waitFor(() => peer.challenges[0]?.matched);
    // Time for a code that should not be there: a whole exchange of another message.
    const other = await stage.world.peer();
    await other.send(draft({ from: other.address("ann"), to: [alice] }));
    assert.deepEqual([first, peer.challenges[0]?.answered], [null, null]);
    resolve();
    assert.deepEqual((await sending).codes, [64, 200]);
  });
  await t.step("C2 also when the data was sent at once", async () => {
    await stage.expect(stage.letter({ body: noise(300_000) }), TAKEN, { pipeline: true });
  });
  await t.step(
    "C2 on a second connection, to the same address, with the sender's name",
    async () => {
      const message = stage.letter();
      const { call, headerHash, answered, ended, extra } = asked(
        await stage.expect(message, TAKEN, { source: second }),
      );
      assert.deepEqual([call.from, call.to, call.kind], [host.ip, second, "challenge"]);
      assert.deepEqual(
        [call.tls?.sni, call.tls?.alpn, call.tls?.protocol],
        [`fmsg.${peer.domain}`, "fmsg/1", "TLSv1.3"],
      );
      assert.deepEqual([headerHash, answered], [message.headerHash, message.hash]);
      assert.deepEqual([extra.length, ended], [0, "end"]);
    },
  );
  await t.step("C2 a host without ALPN is challenged all the same", async () => {
    peer.setTls("no alpn");
    const { call } = asked(await stage.expect(stage.letter(), TAKEN));
    assert.equal(call.tls?.alpn, null);
    peer.setTls("good");
  });
  await t.step("C2 of a batch it is the host of who adds that is challenged", async () => {
    const other = await stage.world.peer({ domain: "other.test" });
    const original = stage.letter({ to: [alice, other.address("ben")] });
    await stage.expect(original, TAKEN);
    const before = peer.challenges.length;
    const batch = addTo(original, { from: other.address("ben"), to: [host.address("bob")] });
    asked(await stage.expect(batch, { codes: [65, 103, 200] }, {}, other));
    assert.equal(peer.challenges.length, before);
  });
  await t.step("C2 only for what passed the header's judgement", async () => {
    const before = peer.challenges.length;
    await stage.expect(stage.letter({ to: [] }), { codes: [1] });
    await stage.expect(stage.letter({ size: 2 ** 30 }), { codes: [4] });
    await stage.expect(stage.letter({ time: 0 }), { codes: [7] });
    await stage.expect(stage.letter({ pid: new Uint8Array(32) }), { codes: [6] });
    assert.equal(peer.challenges.length, before);
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

Deno.test("a challenge that names what all recipients here have is answered with 10", async (t) => {
  await using stage = await Stage.set({ challenge: "always", users: ["bob"] });
  const { host, alice } = stage;
  const bob = host.address("bob");
  const message = stage.letter({ to: [alice, bob, "@x@elsewhere.test"], body: noise(1000) });
  await t.step("C7 the same message again", async () => {
    await stage.expect(message, { codes: [64, 200, 200] });
    const sent = await stage.expect(message, { codes: [10] });
    assert.equal(sent.challenges.length, 1);
  });
  await t.step("C7 a compressed message again", async () => {
    const compressed = stage.letter({ body: "a".repeat(9000), compress: true });
    await stage.expect(compressed, TAKEN);
    await stage.expect(compressed, { codes: [10] });
  });
  await t.step("C7 not while one of them lacks it", async () => {
    await host.setUser(bob, "--accepting=false");
    const other = stage.letter({ to: [alice, bob] });
    await stage.expect(other, { codes: [64, 200, 102] });
    await stage.expect(other, { codes: [64, 103, 102] });
    await host.setUser(bob, "--accepting=true");
    await stage.expect(other, { codes: [64, 103, 200] });
    await stage.expect(other, { codes: [10] });
  });
  await t.step("C7 not where one of them is unknown", async () => {
    const other = stage.letter({ to: [host.address("nobody"), alice] });
    await stage.expect(other, { codes: [64, 100, 200] });
    await stage.expect(other, { codes: [64, 100, 103] });
  });
  await t.step(
    "C7 the answer counts, not the header: another content is another message",
    async () => {
      const time = message.fields.time ?? 0;
      const other = stage.letter({ ...message.fields, body: noise(1001).subarray(1), time });
      assert.deepEqual(other.header, message.header);
      await stage.expect(other, { codes: [64, 200, 200] });
    },
  );
  await t.step("C7 a batch again whose original is not here", async () => {
    const early = addTo(draft({ from: stage.ann, to: ["@x@elsewhere.test"] }), {
      from: stage.ann,
      to: [alice],
    });
    await stage.expect(early, TAKEN);
    await stage.expect(early, { codes: [10] });
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});
