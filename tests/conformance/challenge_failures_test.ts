// A challenge that is not answered, answered wrongly, or overtaken by the end of connection 1 (rows C2 to C4).

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { hex } from "../../src/wire/mod.ts";
import { addTo, draft, type Message, noise, replyTo } from "../support/message.ts";
import type { ChallengeAnswer } from "../support/peer_challenge.ts";
import type { Call } from "../support/peer_server.ts";
import type { TlsMode } from "../support/peer_tls.ts";
import { waitFor } from "../support/wait.ts";
import { received } from "./outcome.ts";
import { Stage } from "./stage.ts";

const NOT_ANSWERED = { terminated: "challenge not answered" };
const NOT_CONNECTED = { terminated: "challenge connection failed" };
const WRONG = { terminated: "challenge answer wrong" };

Deno.test("a challenge without an answer is terminated before any code", async (t) => {
  await using stage = await Stage.set({
    challenge: "always",
    limits: { idle_timeout: "1s" },
    delivery: { connect_timeout: "1s" },
  });
  const { world, host, peer, ann, alice } = stage;
  const original = stage.letter();
  await stage.expect(original, { codes: [64, 200] });
  const message = stage.letter({ body: noise(100_000) });
  const batch = (to: string) => addTo(original, { from: ann, to: [to] });
  const paths = { 64: message, 65: batch(alice), 11: batch("@x@elsewhere.test") };

  const answers: readonly (readonly [string, ChallengeAnswer])[] = [
    ["closed without a byte", "end"],
    ["reset", "reset"],
    ["half an answer", "short"],
    ["an answer less its last byte", message.hash.slice(0, 31)],
    ["silence", "silent"],
  ];
  for (const [what, answer] of answers) {
    await t.step(`C3 ${what}`, async () => {
      for (const message of Object.values(paths)) {
        const { line, challenges } = await stage.expect(message, NOT_ANSWERED, { answer });
        assert.deepEqual([line.challenge, challenges.length], ["failed", 1]);
      }
    });
  }
  await t.step("C3 nobody listens at the sender's address", async () => {
    peer.deafen();
    await stage.expect(message, NOT_CONNECTED);
    await peer.listen();
  });
  // FMSG-001: the sending host's certificate is for its own name, and TLS 1.3 is the least.
  const modes: readonly TlsMode[] = [
    "wrong name",
    "bare name",
    "self-signed",
    "expired",
    "tls 1.2",
    "refuse",
    "mute",
  ];
  for (const mode of modes) {
    await t.step(`C2 the sender's server is not what it should be: ${mode}`, async () => {
      // One that was not called before: a session that is resumed shows no certificate.
      const other = await world.peer();
      other.setTls(mode);
      const message = draft({ from: other.address("ann"), to: [alice] });
      await stage.expect(message, NOT_CONNECTED, {}, other);
      assert.deepEqual(other.challenges, []);
    });
  }
  await t.step("C3 nothing of all that is stored, and with an answer all are taken", async () => {
    await stage.expect(replyTo(message, { from: ann, to: [alice] }), { codes: [6] });
    const [shown] = received(host, "alice");
    assert.deepEqual([shown?.hash, shown?.add_to], [original.hash.toHex(), []]);
    await stage.expect(paths[64], { codes: [64, 200] });
    await stage.expect(paths[65], { codes: [65, 103, 200] });
    await stage.expect(paths[11], { codes: [11] });
  });
  await t.step("C3 an answer that takes its time", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const sending = peer.send(stage.letter(), { answerAfter: promise });
    await waitFor(() =>
      peer.challenges.at(-1)?.answered === null && peer.challenges.at(-1)?.matched
    );
    await peer.send(stage.letter());
    resolve();
    assert.deepEqual((await sending).codes, [64, 200]);
  });
  await t.step("C3 32 bytes are the answer, whatever follows them", async () => {
    const message = stage.letter();
    const answer = new Uint8Array([...message.hash, ...noise(1000)]);
    await stage.expect(message, { codes: [64, 200] }, { answer });
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

Deno.test("a challenge with a wrong answer is terminated once the message is known", async (t) => {
  await using stage = await Stage.set({ challenge: "always", users: ["bob"] });
  const { host, ann, alice } = stage;
  const original = stage.letter({ body: "a".repeat(9000), compress: true });
  const overWire = (message: Message) =>
    createHash("sha256").update(message.header).update(message.payload).digest();
  const batch = (to: string) => addTo(original, { from: ann, to: [to] });
  const here = batch(host.address("bob"));
  const elsewhere = batch("@x@elsewhere.test");
  const recorded = batch("@y@elsewhere.test");

  const refuse = async (message: Message, codes: readonly number[]) => {
    for (
      const answer of [
        "wrong",
        new Uint8Array(32),
        message.headerHash,
        original.headerHash,
        overWire(message),
      ] as const
    ) {
      const { line } = await stage.expect(message, { codes, ...WRONG }, { answer });
      assert.equal(line.challenge, "failed");
    }
    // 6: it is not stored.
    await stage.expect(replyTo(message, { from: ann, to: [alice] }), { codes: [6] });
  };

  await t.step("C4 behind 64 and all the data", async () => {
    await refuse(original, [64]);
    await stage.expect(original, { codes: [64, 200] });
  });
  await t.step("C4 behind 65, where the hash is that of the stored content", async () => {
    await refuse(here, [65]);
    await stage.expect(here, { codes: [65, 103, 200] });
  });
  await t.step("C4 in place of 11", async () => {
    await refuse(elsewhere, []);
    await stage.expect(elsewhere, { codes: [11] });
  });
  await t.step("C4 in place of 10 for a batch that is recorded", async () => {
    await stage.expect(recorded, { codes: [11] });
    await stage.expect(recorded, { ...WRONG }, { answer: "wrong" });
    await stage.expect(recorded, { codes: [10] });
  });
  await t.step("C4 the sender's own message, and other data of the same size", async () => {
    const promised = stage.letter({ body: noise(5000) });
    const other = stage.letter({ ...promised.fields, body: noise(5001).subarray(1) });
    assert.deepEqual(other.header, promised.header);
    await stage.expect(other, { codes: [64], ...WRONG }, { answer: promised.hash });
    assert.equal(await stage.stores(other), false);
    assert.equal(await stage.stores(promised), false);
  });
  await t.step("C4 the hash of what somebody has already is no way around it", async () => {
    const known = stage.letter();
    await stage.expect(known, { codes: [64, 200] });
    // 10 is all that this says, and nothing is stored.
    const other = stage.letter({ body: "something else" });
    await stage.expect(other, { codes: [10] }, { answer: known.hash });
    assert.equal(await stage.stores(other), false);
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

Deno.test("a challenge ends at once when connection 1 does", async (t) => {
  // So long that only the loss can end it within the test.
  await using stage = await Stage.set({
    challenge: "always",
    limits: { idle_timeout: "10m", max_challenges_per_ip: 2 },
    delivery: { connect_timeout: "10m" },
  });
  const { world, host, peer, alice } = stage;
  await stage.expect(stage.letter(), { codes: [64, 200] });
  const lost = async (call: Call | undefined) => {
    await waitFor(() => call?.closed);
    await host.logLine(({ terminated }) => terminated === "connection lost");
  };

  for (const ending of ["reset", "end", "fin"] as const) {
    await t.step(`C3 in the handshake of connection 2: ${ending}`, async () => {
      peer.setTls("mute");
      const calls = peer.calls.length;
      const connection = await peer.dial();
      await connection.write(stage.letter().header);
      const call = await waitFor(() => peer.calls[calls]);
      assert.equal(call.closed, null);
      connection[ending]();
      await lost(call);
      peer.setTls("good");
    });
    await t.step(`C3 while the answer is awaited, and only its own: ${ending}`, async () => {
      const message = stage.letter();
      const { promise, resolve } = Promise.withResolvers<void>();
      const before = peer.challenges.length;
      const staying = peer.send(message, { answerAfter: promise });
      const other = await waitFor(() => peer.challenges[before]);
      const connection = await peer.dial();
      await connection.write(message.header);
      const own = await waitFor(() => peer.challenges[before + 1]);
      await waitFor(() => own.matched);
      connection[ending]();
      await lost(own.call);
      assert.deepEqual([other.call.closed, own.answered], [null, null]);
      resolve();
      assert.deepEqual((await staying).codes, [64, 200]);
    });
  }

  await t.step("C2 so many challenges to an address are under way at once", async () => {
    const before = peer.challenges.length;
    const since = () => peer.challenges.slice(before);
    const unanswered = () => since().filter(({ answered }) => answered === null);
    const letters = Array.from({ length: 5 }, () => ({
      message: stage.letter(),
      gate: Promise.withResolvers<void>(),
    }));
    const sending = letters.map(({ message, gate }) =>
      peer.send(message, { answerAfter: gate.promise })
    );
    await waitFor(() => since().filter(({ matched }) => matched).length === 2);
    // One that waits for its turn is lost, and is not challenged any more.
    const connection = await peer.dial();
    const impatient = stage.letter();
    await connection.write(impatient.header);
    connection.reset();
    // Another address has places of its own. Its exchange takes long enough for challenges that should not be.
    const other = await world.peer();
    const message = draft({ from: other.address("ann"), to: [alice] });
    await stage.expect(message, { codes: [64, 200] }, {}, other);

    for (let challenged = 2; challenged <= letters.length; challenged++) {
      await waitFor(() => since().filter(({ matched }) => matched).length === challenged);
      assert.equal(unanswered().length, 2);
      const next = hex(unanswered()[0]?.headerHash ?? new Uint8Array());
      letters.find(({ message }) => hex(message.headerHash) === next)?.gate.resolve();
    }
    for (const { gate } of letters) gate.resolve();
    for (const { codes } of await Promise.all(sending)) assert.deepEqual(codes, [64, 200]);
    assert.equal(since().length, letters.length);
    const line = await host.logLine(({ header_hash }) => header_hash === hex(impatient.headerHash));
    assert.equal(line.terminated, "connection lost");
    assert.equal(line.peer, peer.ip);
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});
