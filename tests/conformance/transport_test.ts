// Rows T1 to T3 (FMSG-001): versions, names and certificates, and how a connection ends.

import assert from "node:assert/strict";
import { makeAuthority } from "../../src/certificate/make.ts";
import { addTo, draft, type Message, noise } from "../support/message.ts";
import { Peer } from "../support/peer.ts";
import { sleep, waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { greet } from "./client_hello.ts";
import { cancel, send } from "./command.ts";
import { received, stored } from "./outcome.ts";

const TLS_1_2 = 0x0303;
const TLS_1_3 = 0x0304;
const PROTOCOL_VERSION = 70;
const TLS_AES_128_GCM_SHA256 = 0x1301;
const ECDHE_ECDSA_AES_128 = 0xc02b;

Deno.test("who connects to a host", async (t) => {
  await using world = await World.make();
  const host = await world.host({
    challenge: "never",
    limits: { max_size: 50_000 },
    users: ["alice"],
  });
  const pat = await world.peer({ domain: "pat.test" });
  const alice = host.address("alice");
  const letter = (body: string | Uint8Array = "Hello"): Message =>
    draft({ from: "@p@pat.test", to: [alice], body });
  const serverName = `fmsg.${host.domain}`;
  const greeting = async (versions: number[] | null, ...ciphers: number[]) =>
    await greet(await pat.dialTcp(), { serverName, versions, ciphers });

  await t.step("T1 a hello of TLS 1.2 is refused with an alert", async () => {
    for (const versions of [null, [TLS_1_2]]) {
      assert.deepEqual(await greeting(versions, ECDHE_ECDSA_AES_128), {
        kind: "alert",
        description: PROTOCOL_VERSION,
      });
    }
    assert.equal((await pat.send(letter(), { version: "1.2" })).error?.step, "tls");
  });

  await t.step("T1 of 1.2 and 1.3, 1.3 is chosen", async () => {
    const answer = await greeting([TLS_1_2, TLS_1_3], ECDHE_ECDSA_AES_128, TLS_AES_128_GCM_SHA256);
    assert.equal(answer.kind === "hello" && answer.version, TLS_1_3);
  });

  await t.step("T1 TLS_AES_128_GCM_SHA256 is enough", async () => {
    assert.deepEqual(await greeting([TLS_1_3], TLS_AES_128_GCM_SHA256), {
      kind: "hello",
      version: TLS_1_3,
      cipher: TLS_AES_128_GCM_SHA256,
    });
  });

  await t.step(
    "T1 fmsg/1 is chosen if it is offered; without ALPN a peer is served",
    async () => {
      for (
        const [alpn, chosen] of [[["fmsg/1"], "fmsg/1"], [["h2", "fmsg/1"], "fmsg/1"], [
          [],
          null,
        ]] as const
      ) {
        const sent = await pat.send(letter(), { alpn });
        assert.deepEqual([sent.codes, sent.connection?.alpn], [[64, 200], chosen]);
        assert.equal(sent.connection?.protocol, "TLSv1.3");
      }
    },
  );

  for (
    const [servername, reason] of [
      [null, "no server name"],
      ["fmsg.other.test", "wrong server name"],
      [host.domain, "wrong server name"],
    ] as const
  ) {
    await t.step(
      `T2 a hello for ${servername ?? "no name"}: no byte is read`,
      async () => {
        const seen = host.log.length;
        const message = letter();
        // One address has one line for all that it is refused for the same reason.
        const source = world.address();
        const sent = await pat.send(message, { servername, pipeline: true, source });
        assert.deepEqual([sent.codes, sent.closedBy], [[], "host"]);
        const line = await host.logLine((line) => line.reason === reason, seen);
        assert.deepEqual([line.msg, line.peer], ["refused", source]);
        const hash = message.headerHash.toHex();
        assert.equal(host.log.some(({ header_hash }) => header_hash === hash), false);
      },
    );
  }

  await t.step("T2 the case of a name is no difference", async () => {
    assert.deepEqual((await pat.send(letter(), { servername: "FMSG.Host1.Test" })).codes, [
      64,
      200,
    ]);
  });

  await t.step("T3 the connection is closed after the exchange, however it ends", async () => {
    const original = letter();
    const unsupported = draft({ from: "@p@pat.test", to: [alice], version: 2 });
    const elsewhere = addTo(original, { from: "@p@pat.test", to: ["@x@x.test"] });
    for (
      const [message, codes] of [
        [original, [64, 200]],
        [elsewhere, [11]],
        [elsewhere, [10]],
        [letter(noise(50_001)), [4]],
        [unsupported, [2]],
      ] as const
    ) {
      const sent = await pat.send(message);
      assert.deepEqual([sent.codes, sent.ended, sent.closedBy], [codes, "end", "host"]);
    }
  });

  await t.step("T3 one exchange for each connection: a second message is not served", async () => {
    const [one, two] = [letter("One"), letter("Two")];
    const connection = await pat.dial();
    await connection.write(one.header);
    assert.deepEqual([...await connection.take(1)], [64]);
    await connection.write(one.payload);
    assert.deepEqual([...await connection.take(1)], [200]);
    await connection.write(two.header);
    assert.deepEqual([...await connection.take(1)], []);
    assert.equal(connection.ended, "end");
    await connection.close();
    const hashes = received(host, "alice").map(({ hash }) => hash);
    assert.equal(hashes.includes(two.hash.toHex()), false);
    assert.equal(hashes[0], one.hash.toHex());
  });

  await t.step("T3 the last byte reaches a peer that is still sending", async () => {
    const large = letter(noise(900_000));
    for (let i = 0; i < 10; i++) {
      const sent = await pat.send(large, { pipeline: true });
      assert.deepEqual([sent.codes, sent.ended], [[4], "end"]);
    }
  });

  await t.step("T3 who goes on sending after the last byte is cut off", async () => {
    const connection = await pat.dial();
    await connection.write(letter(noise(50_001)).header);
    assert.deepEqual([...await connection.take(2)], [4]);
    const mebibyte = new Uint8Array(1024 * 1024);
    let sent = 0;
    while (sent < 64 && await connection.write(mebibyte)) sent++;
    assert.ok(sent < 64, "it takes everything");
    await connection.close();
  });

  await t.step("T3 who does not close is cut off too, a while after the last byte", async () => {
    const connection = await pat.dial();
    await connection.write(letter(noise(50_001)).header);
    assert.deepEqual([...await connection.take(2)], [4]);
    // Each byte is discarded, until the host has gone.
    await waitFor(async () => {
      await sleep(200);
      return !(await connection.write(Uint8Array.of(0)));
    });
    await connection.close();
  });
});

Deno.test("whom a host connects to", async (t) => {
  await using world = await World.make();
  const host = await world.host({
    challenge: "always",
    delivery: { retry_initial: "1h", retry_max: "1h" },
    users: ["alice"],
  });
  const alice = host.address("alice");
  const modes = ["tls 1.2", "wrong name", "bare name", "self-signed", "expired"] as const;
  const wrong = new Map<string, Peer>();
  for (const mode of modes) {
    const peer = await world.peer({ domain: `${mode.replace(/[ .]/g, "-")}.test` });
    peer.setTls(mode);
    wrong.set(mode, peer);
  }
  const foreign = new Peer({
    domain: "foreign.test",
    aliases: [],
    ips: [world.address()],
    port: world.port,
    authority: await makeAuthority("Nobody's authority"),
    target: () => host,
  });
  world.peers.push(foreign);
  world.dns.set("fmsg.foreign.test", "A", foreign.ips);
  await foreign.listen();
  wrong.set("other CA", foreign);
  const pat = await world.peer({ domain: "pat.test" });

  await t.step("T1 T2 a good host gets TLS 1.3, fmsg/1 and its own name", async () => {
    await send(host, { from: alice, to: ["@p@pat.test"] });
    const { call } = await pat.next();
    assert.deepEqual([call.tls?.protocol, call.tls?.alpn, call.tls?.sni], [
      "TLSv1.3",
      "fmsg/1",
      "fmsg.pat.test",
    ]);
  });

  await t.step("T1 a host that chooses no ALPN is served", async () => {
    const plain = await world.peer({ domain: "plain.test" });
    plain.setTls("no alpn");
    await send(host, { from: alice, to: ["@p@plain.test"] });
    const got = await plain.next();
    assert.deepEqual([got.codes, got.call.tls?.alpn], [[200], null]);
  });

  const to = [...wrong.values()].map((peer) => peer.address("p"));
  const { id } = await send(host, { from: alice, to });
  await waitFor(() => stored(host, id).delivery.every(({ attempts }) => attempts === 1));
  for (const [mode, peer] of wrong) {
    await t.step(`${mode === "tls 1.2" ? "T1" : "T2"} ${mode}: no header is sent there`, () => {
      const outcome = stored(host, id).delivery.find(({ address }) =>
        address === peer.address("p")
      );
      assert.equal(outcome?.state, "pending");
      assert.match(outcome?.reason ?? "", new RegExp(`No host of ${peer.domain} could be reached`));
      assert.ok(peer.calls.length > 0);
      assert.ok(peer.calls.every(({ kind }) => kind === null || kind === "empty"));
      assert.deepEqual(peer.received, []);
    });
  }
  await cancel(host, id);

  for (const [mode, peer] of wrong) {
    await t.step(
      `${mode === "tls 1.2" ? "T1" : "T2"} ${mode}: it is not challenged either`,
      async () => {
        // The foreign peer does not trust the host's certificate either.
        const servername = `fmsg.${host.domain}`;
        const sent = await peer.send(draft({ from: peer.address("p"), to: [alice] }), {
          servername,
        });
        assert.deepEqual([sent.codes, sent.challenges], [[], []]);
        const line = await host.logLine(({ direction, domain }) =>
          direction === "in" && domain === peer.domain
        );
        assert.equal(line.terminated, "challenge connection failed");
      },
    );
  }

  await t.step(
    "T2 no authority is trusted but the system's and tls.ca",
    async () => {
      await host.stop();
      await host.configure({ tls: { ca: null } });
      await host.start();
      const late = await world.peer({ domain: "late.test" });
      const sent = await send(host, { from: alice, to: ["@p@late.test"] });
      await waitFor(() => stored(host, sent.id).delivery.every(({ attempts }) => attempts === 1));
      assert.ok(late.calls.every(({ kind }) => kind === null || kind === "empty"));
      await cancel(host, sent.id);
    },
  );
});
