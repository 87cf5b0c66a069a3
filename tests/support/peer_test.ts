// The scriptable peer against itself: what tests of a host rest on has to hold without a host.

import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeHeader, equal, headerHash, hex } from "../../src/wire/mod.ts";
import { decodableHeaders } from "./arbitraries.ts";
import { addTo, asMessage, compressed, draft, noise, replyTo, withHeader } from "./message.ts";
import type { Peer } from "./peer.ts";
import { type Answer, answeredRightly } from "./peer_receive.ts";
import type { Ending } from "./peer_send.ts";
import type { TlsMode } from "./peer_tls.ts";
import { waitFor } from "./wait.ts";
import { World } from "./world.ts";

/** Two peers: `ann` sends to `bob`. */
async function withPeers(
  use: (ann: Peer, bob: Peer, world: World) => Promise<void>,
): Promise<void> {
  await using world = await World.make();
  const bob = await world.peer({ domain: "bob.test" });
  const ann = await world.peer({ domain: "ann.test", to: bob });
  await use(ann, bob, world);
}

function letter(ann: Peer, bob: Peer, body: string | Uint8Array = "Hello") {
  return draft({ from: ann.address("ann"), to: [bob.address("bob")], topic: "Test", body });
}

Deno.test("a draft of any header has the bytes that the encoder gives it", () => {
  fc.assert(fc.property(decodableHeaders(), (header) => {
    const bytes = encodeHeader(header);
    const { fields } = asMessage({ header, bytes }, new Uint8Array(), []);
    assert.equal(hex(draft(fields).header), hex(bytes));
  }));
});

Deno.test("a peer takes a message as a conforming host does, and both sides see it whole", () =>
  withPeers(async (ann, bob) => {
    const message = draft({
      from: ann.address("ann"),
      to: [bob.address("bob"), ann.address("other"), bob.address("ben")],
      topic: "Test",
      body: "a".repeat(10_000),
      compress: true,
      attachments: [{ filename: "noise.bin", type: "image/png", body: noise(100_000) }],
    });
    const sent = await ann.send(message);
    const got = await bob.next();

    assert.deepEqual(sent.codes, [64, 200, 200]);
    assert.deepEqual([sent.error, sent.terminated, sent.ended, sent.closedBy], [
      null,
      false,
      "end",
      "host",
    ]);
    assert.equal(sent.dataSent, message.payload.length);
    assert.equal(sent.connection?.alpn, "fmsg/1");
    assert.deepEqual([got.first, got.codes, got.closedBy], [64, [200, 200], "peer"]);
    assert.deepEqual(got.raw, message.header);
    assert.deepEqual(got.payload, message.payload);
    assert.deepEqual(got.message?.hash, message.hash);
    assert.deepEqual([got.problem, got.early.length, got.extra.length], [null, 0, 0]);
    assert.deepEqual([got.call.from, got.call.to], [ann.ip, bob.ip]);
    const { cipher: _, ...tls } = got.call.tls ?? {};
    assert.deepEqual(tls, {
      sni: "fmsg.bob.test",
      alpn: "fmsg/1",
      protocol: "TLSv1.3",
      resumed: false,
    });
  }));

Deno.test("a challenged peer answers with the message hash, once that is wanted", () =>
  withPeers(async (ann, bob) => {
    const message = letter(ann, bob);
    const { promise, resolve } = Promise.withResolvers<void>();
    bob.script({ challenge: true });
    const sending = ann.send(message, { answerAfter: promise });
    const seen = await waitFor(() => ann.challenges[0]);
    await waitFor(() => seen.matched);
    assert.deepEqual([seen.answered, bob.received[0]?.first], [null, null]);
    resolve();

    const sent = await sending;
    const got = await bob.next();
    assert.deepEqual(sent.codes, [64, 200]);
    assert.deepEqual(sent.challenges, [seen]);
    assert.deepEqual([seen.headerHash, seen.answered], [message.headerHash, message.hash]);
    assert.deepEqual([seen.call.from, seen.call.tls?.sni], [bob.ip, "fmsg.ann.test"]);
    assert.deepEqual([seen.ended, seen.extra.length], ["end", 0]);
    assert.equal(answeredRightly(got), true);
  }));

Deno.test("a challenged peer answers wrongly in every way that it is told", () =>
  withPeers(async (ann, bob) => {
    const answerTo = async (answer: "wrong" | "short" | "end" | "reset" | Uint8Array) => {
      bob.script({ challenge: true });
      await ann.send(letter(ann, bob), { answer });
      const got = await bob.next();
      assert.equal(answeredRightly(got), false);
      return [got.challenged?.answer.length, got.challenged?.ended];
    };
    assert.deepEqual(await answerTo("wrong"), [32, "end"]);
    assert.deepEqual(await answerTo("short"), [16, "end"]);
    assert.deepEqual(await answerTo("end"), [0, "end"]);
    assert.deepEqual(await answerTo("reset"), [0, "reset"]);
    assert.deepEqual(await answerTo(noise(40)), [40, "end"]);
  }));

Deno.test("a peer answers no challenge for what it does not send, or not to that address", async () => {
  await using world = await World.make();
  const bob = await world.peer({ ips: 2 });
  const ann = await world.peer({ to: bob });
  const [, second = ""] = bob.ips;
  const message = letter(ann, bob);

  const unknown = await bob.challenge(message.headerHash, { to: ann });
  assert.deepEqual([unknown.answer.length, unknown.ended], [0, "end"]);
  bob.script({ challenge: second });
  const sent = await ann.send(message);
  assert.deepEqual((await bob.next()).challenged?.answer.length, 0);
  assert.deepEqual(sent.challenges.map(({ matched, call }) => [matched, call.from]), [
    [false, second],
  ]);
});

Deno.test("a peer answers by its script, and then as before", () =>
  withPeers(async (ann, bob) => {
    bob.script({ first: 4 }, { codes: [101] }, { first: 77 }, { codes: () => [1, 2, 3] });
    const codes = [];
    for (let i = 0; i < 5; i++) codes.push((await ann.send(letter(ann, bob))).codes);
    assert.deepEqual(codes, [[4], [64, 101], [77], [64, 1, 2, 3], [64, 200]]);
    assert.equal(bob.held.size, 1);
  }));

Deno.test("a peer drops the connection where and how it is told", () =>
  withPeers(async (ann, bob) => {
    const drop = async (answer: Answer) => {
      bob.script(answer);
      const sent = await ann.send(letter(ann, bob, noise(100_000)));
      const got = await bob.next();
      assert.equal(got.closedBy, "peer");
      return [sent.codes, sent.ended, sent.terminated, got.payload.length];
    };
    assert.deepEqual(await drop({ drop: "accept" }), [[], "end", true, 0]);
    assert.deepEqual(await drop({ drop: "header", by: "fin" }), [[], "end", true, 0]);
    assert.deepEqual(await drop({ drop: "header", by: "reset" }), [[], "reset", true, 0]);
    assert.deepEqual(await drop({ drop: "data", dataBytes: 50_000 }), [[64], "end", true, 50_000]);
    assert.deepEqual(await drop({ drop: "codes" }), [[64], "end", true, 100_000]);
  }));

Deno.test("a header that is cut is followed by what was asked for", () =>
  withPeers(async (ann, bob) => {
    const cut = async (then: Ending) => {
      const sent = await ann.send(letter(ann, bob), { cutHeader: 10, then, ms: 300 });
      const got = await bob.next();
      assert.match(got.problem ?? "", /cut short/);
      assert.equal(got.raw.length, 10);
      assert.deepEqual(sent.codes, []);
      return [sent.closedBy, got.ended];
    };
    assert.deepEqual(await cut("end"), ["peer", "end"]);
    assert.deepEqual(await cut("fin"), ["peer", "end"]);
    assert.deepEqual(await cut("reset"), ["peer", "reset"]);
    assert.deepEqual(await cut("wait"), ["peer", "end"]);
  }));

Deno.test("a peer sends early, too much, too little, in drops and against a refusal", () =>
  withPeers(async (ann, bob) => {
    const message = letter(ann, bob, "0123456789");
    bob.script({ firstAfter: 200 }, {}, {}, {}, { first: 4 });

    assert.deepEqual((await ann.send(message, { pipeline: true })).codes, [64, 200]);
    assert.equal((await bob.next()).early.length, 10);
    const extra = new Uint8Array(3);
    assert.deepEqual((await ann.send(message, { extra })).dataSent, 13);
    assert.equal((await bob.next()).extra.length, 3);
    assert.deepEqual((await ann.send(message, { cutData: 9, then: "end" })).codes, [64]);
    assert.match((await bob.next()).problem ?? "", /9 of 10/);
    assert.deepEqual(
      (await ann.send(message, { headerGap: 1, dataGap: 1, piece: 1 })).codes,
      [64, 200],
    );
    assert.equal((await bob.next()).problem, null);
    const sent = await ann.send(message, { ignoreCodes: true });
    assert.deepEqual([sent.codes, sent.dataSent], [[4], 10]);
    assert.equal((await bob.next()).extra.length, 10);
  }));

Deno.test("a wrong message goes out as it is, and its fault is seen", () =>
  withPeers(async (ann, bob) => {
    const good = letter(ann, bob);
    const send = async (message: typeof good) => {
      await ann.send(message);
      return (await bob.next()).problem ?? "";
    };
    const fields = good.fields;
    assert.match(await send(draft({ ...fields, from: Uint8Array.of(255) })), /UTF-8/);
    assert.match(await send(draft({ ...fields, to: ["bob"] })), /no address/);
    assert.match(
      await send(draft({ ...fields, compress: true, expandedSize: 4 })),
      /inflates to 5 bytes, 4 are declared|does not inflate/,
    );
    const wire = compressed("Hello").subarray(0, 8);
    assert.match(await send(draft({ ...fields, compress: true, wire })), /does not inflate/);
    const header = good.header.slice();
    header.set([0xff], 3);
    assert.match(await send(withHeader(good, header)), /UTF-8|no address/);
  }));

Deno.test("replies and batches refer to what they are about", () =>
  withPeers(async (ann, bob) => {
    const original = letter(ann, bob);
    await ann.send(original);
    const reply = replyTo(original, { from: ann.address("ann"), to: [bob.address("bob")] });
    await ann.send(reply);
    const batch = (name: string) =>
      addTo(original, { from: ann.address("ann"), to: [`@carl@${name}`] });
    const here = batch("bob.test");
    const elsewhere = batch("elsewhere.test");

    assert.deepEqual((await ann.send(here)).codes, [65, 200, 200]);
    assert.deepEqual((await ann.send(elsewhere)).codes, [11]);
    await bob.next();
    assert.deepEqual((await bob.next()).header?.pid, original.hash);
    const got = await bob.next();
    assert.deepEqual(got.message?.hash, here.hash);
    assert.deepEqual([got.extra.length, got.header?.addTo?.to.map(String)], [
      0,
      ["@carl@bob.test"],
    ]);
    assert.deepEqual((await bob.next()).message?.hash, elsewhere.hash);

    const all = [original, reply, here, elsewhere].map(({ hash }) => hex(hash));
    assert.deepEqual([[...ann.held.keys()], [...bob.held.keys()]], [all, all]);
    bob.held.clear();
    assert.deepEqual((await ann.send(here)).codes, [64, 200, 200]);
    bob.held.clear();
    const { from, body } = original.fields;
    const foreign = draft({ from: "@x@bob.test", to: ["@y@c.test"], body: body ?? "" });
    const notice = addTo(foreign, { from: from, to: ["@z@c.test"] });
    assert.deepEqual((await ann.send(notice)).codes, [6]);
  }));

Deno.test("one peer serves several domains behind its address", async () => {
  await using world = await World.make();
  const bob = await world.peer({ domain: "bob.test", aliases: ["carl.test"] });
  const ann = await world.peer({ to: bob });
  const message = draft({
    from: ann.address("a"),
    to: ["@b@bob.test", "@c@carl.test", "@d@carl.test"],
  });
  const to = { ip: bob.ip, port: bob.port, domain: "carl.test" };

  assert.deepEqual((await ann.send(message)).codes, [64, 200]);
  assert.deepEqual((await ann.send(message, { to })).codes, [64, 200, 200]);
  assert.equal(bob.calls[1]?.tls?.sni, "fmsg.carl.test");
});

Deno.test("a peer's server has every fault that it is told to have", () =>
  withPeers(async (ann, bob) => {
    const problemOf = async (mode: TlsMode) => {
      bob.setTls(mode);
      return (await ann.send(letter(ann, bob))).error?.message ?? null;
    };
    assert.equal(await problemOf("good"), null);
    assert.equal(await problemOf("no alpn"), null);
    assert.match(await problemOf("wrong name") ?? "", /altnames/);
    assert.match(await problemOf("bare name") ?? "", /altnames/);
    assert.match(await problemOf("self-signed") ?? "", /self-signed/);
    assert.match(await problemOf("expired") ?? "", /^tls:/);
    assert.match(await problemOf("tls 1.2") ?? "", /^tls:/);
    assert.match(await problemOf("refuse") ?? "", /closed|ECONNRESET/);
    bob.deafen();
    assert.match(await problemOf("good") ?? "", /ECONNREFUSED/);
    await bob.listen();
    assert.equal(await problemOf("good"), null);
    assert.equal(bob.calls.filter(({ kind }) => kind === "message").length, 3);
  }));

Deno.test("a peer dials with another name, without one, without ALPN, with TLS 1.2", () =>
  withPeers(async (ann, bob) => {
    const message = letter(ann, bob);
    await ann.send(message, { servername: "fmsg.other.test" });
    await ann.send(message, { servername: null, alpn: [] });
    assert.deepEqual(bob.calls.map(({ tls }) => [tls?.sni, tls?.alpn]), [
      ["fmsg.other.test", "fmsg/1"],
      [null, null],
    ]);
    assert.equal((await ann.send(message, { version: "1.2" })).error?.step, "tls");
    bob.setTls("tls 1.2");
    assert.deepEqual((await ann.send(message, { version: "1.2" })).codes, [64, 200]);
  }));

Deno.test("a peer resumes a session where it has a ticket", () =>
  withPeers(async (ann, bob) => {
    const servername = "fmsg.bob.test";
    const first = await ann.send(letter(ann, bob), { servername });
    const session = first.connection?.session ?? null;
    const second = await ann.send(letter(ann, bob), { servername, session });
    assert.deepEqual([first.connection?.resumed, second.connection?.resumed], [false, true]);
    assert.deepEqual(bob.calls.map(({ tls }) => tls?.resumed), [false, true]);
  }));

Deno.test("a world ends at once, whatever hangs in it, and leaves nothing", async () => {
  const sendings = [];
  let peers: readonly Peer[];
  {
    await using world = await World.make();
    const bob = await world.peer({ ips: 3 });
    const ann = await world.peer({ to: bob });
    peers = world.peers;
    const hang = (answer: Answer) => {
      bob.script(answer);
      sendings.push(ann.send(letter(ann, bob, noise(3_000_000))));
      return waitFor(() => bob.received.length === sendings.length);
    };
    await hang({ hang: "header" });
    await hang({ hang: "data", dataBytes: 0 });
    await hang({ firstAfter: new Promise(() => {}) });
    bob.setTls("mute");
    sendings.push(ann.send(letter(ann, bob)));
    await ann.dialTcp();
    await waitFor(() => bob.calls.length === 5);
    assert.equal(bob.open.length > 3, true);
  }
  assert.deepEqual(peers.flatMap(({ open }) => open), []);
  assert.deepEqual((await Promise.all(sendings)).map(({ rest }) => rest.length), [0, 0, 0, 0]);
});

Deno.test("two worlds share no address", async () => {
  await using one = await World.make();
  await using two = await World.make();
  const block = (world: World) => world.address().replace(/\.\d+$/, "");
  assert.notEqual(block(one), block(two));
});

Deno.test("the header hash of a message is that of its bytes", () => {
  const message = draft({ from: "@a@a.test", to: ["@b@b.test"] });
  assert.equal(equal(message.headerHash, headerHash(message.header)), true);
});
