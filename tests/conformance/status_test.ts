// fmsg host status of a running host, in many states; and that nothing of them is left afterwards.

import assert from "node:assert/strict";
import { noise } from "../support/message.ts";
import { World } from "../support/world.ts";
import { isHarmless } from "../cli/support.ts";
import { waitFor } from "../support/wait.ts";
import { addTo, command, retry, send } from "./command.ts";
import { comesToRest, statusOf, statusWhen } from "./operating.ts";
import { Stage } from "./stage.ts";

/** Those parts of the words that tell of a matter. */
function sectionOf(text: string, title: string): string {
  return text.split("\n\n").find((part) => part.startsWith(title)) ?? "";
}

Deno.test("fmsg host status", async (t) => {
  await using stage = await Stage.set({
    challenge: "always",
    users: [["bob", "--max-messages", "2"]],
    delivery: { retry_initial: "1h", retry_max: "1h" },
  });
  const { host, peer, alice, ann } = stage;
  const words = async (): Promise<string> => (await command(host, ["host", "status"])).stdout;
  const { counts: rest } = await statusOf(host);

  await t.step("of a host in which nothing goes on", async () => {
    const status = await statusOf(host);
    assert.deepEqual(rest, {
      connections: 0,
      exchanges_in: 0,
      exchanges_out: 0,
      sockets: 1,
      timers: 3,
      staging: 0,
      outgoing: 0,
      faults: 0,
    });
    assert.deepEqual([status.pid, status.domain, status.users], [host.pid, host.domain, 2]);
    assert.deepEqual(status.addresses, [`${host.ip}:${host.port}`]);
    assert.deepEqual([status.connections, status.last, status.queue.waiting], [[], [], 0]);
    assert.ok(status.uptime > 0 && status.uptime < 600);
    assert.ok(status.memory > 2 ** 20 && status.disk.store > 0 && status.disk.room);
    const text = await words();
    assert.match(text, new RegExp(`^Host +${host.domain}, fmsg .*, process ${host.pid}, up for`));
    assert.match(text, /^Exchanges since the start: none yet$/m);
  });

  await t.step("--json is the same, as one value", async () => {
    const printed: unknown = JSON.parse((await command(host, ["host", "status", "--json"])).stdout);
    assert.deepEqual(Object.keys(Object(printed)), Object.keys(await statusOf(host)));
    assert.deepEqual(Object(printed).counts, rest);
  });

  await t.step("who is connected, before the handshake, silent, and in an exchange", async () => {
    const tcp = await peer.dialTcp();
    const silent = await peer.dial();
    const { promise, resolve } = Promise.withResolvers<void>();
    const { promise: begun, resolve: begin } = Promise.withResolvers<number>();
    const sending = peer.send(stage.letter({ body: noise(200_000) }), {
      onFirst: begin,
      lastByteAfter: promise,
    });
    assert.equal(await begun, 64);
    const status = await statusWhen(
      host,
      "the content to be staged",
      ({ counts }) => counts.staging === 1,
    );
    assert.deepEqual(status.connections.map(({ peer: ip, state }) => [ip, state]), [
      [peer.ip, "handshake"],
      [peer.ip, "waiting"],
      [peer.ip, "exchange"],
    ]);
    assert.equal(status.counts.connections, 3);
    // A connection that said nothing yet is served, too.
    assert.equal(status.counts.exchanges_in, 2);
    assert.ok(status.counts.sockets > 3);
    const section = sectionOf(await words(), "Connected: 3");
    assert.match(section, /in the handshake .*\n.*has said nothing yet .*\n.*in an exchange /);
    resolve();
    assert.deepEqual((await sending).codes, [64, 200]);
    tcp.destroy();
    await silent.close();
    await comesToRest(host, rest);
  });

  await t.step("what was done is told, the last first, and why it went wrong", async () => {
    await stage.expect(stage.letter({ to: [] }), { codes: [1] });
    await stage.send(stage.letter(), { answer: "wrong" });
    const { last, exchanges } = await statusWhen(
      host,
      "the last one to be logged",
      ({ last }) => last[0]?.challenge === "failed",
    );
    assert.equal(last[0]?.terminated, "challenge answer wrong");
    assert.deepEqual([last[1]?.codes, last[1]?.domain], [[1], peer.domain]);
    assert.equal(exchanges["in accepted"], 1);
    assert.equal(exchanges["in rejected"], 1);
    const section = sectionOf(await words(), "Last exchanges");
    assert.match(section, /^ +\d+ s ago {2}in {2}peer1\.test .* challenge answer wrong$/m);
    assert.match(section, /1 invalid$/m);
    assert.match(section, /200 accept$/m);
    await comesToRest(host, rest);
  });

  await t.step("S5 users near their quotas", async () => {
    const bob = host.address("bob");
    await stage.expect(stage.letter({ to: [bob] }), { codes: [64, 200] });
    assert.deepEqual((await statusOf(host)).quotas, []);
    await stage.expect(stage.letter({ to: [bob] }), { codes: [64, 200] });
    assert.deepEqual((await statusOf(host)).quotas, [
      { address: bob, limit: "recv_messages", used: 2, max: 2 },
    ]);
    assert.match(sectionOf(await words(), "Quotas"), /@bob@.* recv_messages +2 of 2 +100 %/);
  });

  await t.step("S6 bans, and what they refused", async () => {
    const [ip, away] = [stage.world.address(), "192.0.2.9"];
    await host.configure({ ban: { allow: [] } });
    await host.reload();
    await command(host, ["host", "bans", "add", "--for", "1h", away]);
    await command(host, ["host", "bans", "add", ip]);
    assert.notEqual((await peer.send(stage.letter(), { source: ip })).error, null);
    const status = await statusOf(host);
    assert.deepEqual(status.bans.map(({ address }) => address).toSorted(), [away, ip].toSorted());
    assert.ok((status.refused["banned"] ?? 0) >= 1);
    const text = await words();
    assert.match(sectionOf(text, "Banned: 2"), /192\.0\.2\.9 .*banned by the operator/);
    assert.match(text, /^ {2}refused .*\b\d+ banned/m);
    for (const address of [ip, away]) await command(host, ["host", "bans", "lift", address]);
    assert.deepEqual((await statusOf(host)).bans, []);
  });

  await t.step("what waits, why, and what waits behind it", async () => {
    peer.deafen();
    const { id } = await send(host, { from: alice, to: [ann, "@x@nowhere.test"] });
    await send(host, { from: alice, to: [ann], replyTo: id });
    await addTo(host, id, alice, "@y@nowhere.test");
    const { queue, exchanges } = await statusWhen(
      host,
      "both domains to be tried",
      ({ queue }) => queue.domains.filter(({ last_error }) => last_error !== null).length === 2,
    );
    assert.equal(queue.waiting, 5);
    assert.ok(queue.oldest !== null && queue.oldest <= Date.now() / 1000);
    assert.ok((exchanges["out unreachable"] ?? 0) >= 2);
    const there = queue.domains.find(({ domain }) => domain === peer.domain);
    assert.deepEqual([there?.waiting, there?.attempts], [3, 1]);
    const section = sectionOf(await words(), "Waiting for delivery: 5, the oldest for");
    assert.match(section, /^ {2}peer1\.test: 3, tried 1×, next in (?:1 h|\d+ min)$/m);
    assert.match(section, /there is no fmsg host for this domain/);
  });

  await t.step("a message that is on its way, and nothing of it afterwards", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    await peer.listen();
    peer.script({ codesAfter: promise });
    await retry(host);
    const status = await statusWhen(
      host,
      "the exchange",
      ({ counts }) => counts.outgoing >= 1 && counts.exchanges_out >= 1,
    );
    assert.match(await words(), /^Under way +0 exchanges in, \d out$/m);
    assert.ok(status.counts.sockets >= 2);
    resolve();
    const waiting = await statusWhen(
      host,
      "the peer to have all",
      ({ queue }) => queue.domains.every(({ domain }) => domain === "nowhere.test"),
    );
    assert.equal(waiting.queue.waiting, 2);
    for (const { id } of await host.queue()) await command(host, ["queue", "cancel", String(id)]);
    assert.equal((await statusOf(host)).queue.waiting, 0);
  });

  await t.step("S1 a disk with less room than it should have", async () => {
    await host.configure({ limits: { min_free_disk: "1000000GiB" } });
    await host.reload();
    const { disk } = await statusOf(host);
    assert.deepEqual([disk.room, disk.floor], [false, 1e6 * 2 ** 30]);
    assert.match(await words(), /too little for new messages, which are refused/);
    await waitFor(async () => (await peer.send(stage.letter())).first === 5);
    await host.configure({ limits: { min_free_disk: 0 } });
    await host.reload();
    assert.equal((await statusOf(host)).disk.room, true);
  });

  await t.step("T5 a certificate that has expired, and one that cannot be used", async () => {
    const day = 86_400_000;
    await host.renewCertificate(
      await stage.world.authority.issue(`fmsg.${host.domain}`, {
        notBefore: new Date(Date.now() - 9 * day),
        notAfter: new Date(Date.now() - day),
      }),
    );
    await host.reload();
    const { certificate } = await statusOf(host);
    assert.ok(Date.parse(certificate.expires ?? "") < Date.now());
    const text = await words();
    assert.match(text, /^Certificate +expired on /m);
    await Deno.writeTextFile(`${host.folder}/key.pem`, "none");
    await waitFor(async () => (await statusOf(host)).certificate.warnings.length > 1, {
      what: "the new certificate to be looked at",
    });
    assert.match((await words()).replace(/\s+/g, " "), /key\.pem/);
    await host.renewCertificate();
    await host.reload();
    assert.deepEqual((await statusOf(host)).certificate.warnings, []);
  });

  await t.step("S3 afterwards everything is as it was, and there were no faults", async () => {
    await stage.expect(stage.letter(), { codes: [64, 200] });
    await comesToRest(host, rest);
    await stage.settles();
  });
});

Deno.test("S3 what strangers say reaches no terminal by the status", async () => {
  const evil = "evil\u009b31m\u202e";
  await using stage = await Stage.set({ config: { limits: { disclose_users: true } } });
  const { host, peer } = stage;
  await stage.send(stage.letter({ from: `@${evil}@${peer.domain}` }), {});
  await stage.send(stage.letter({ topic: evil, to: [host.address(evil)] }), {});
  for (const words of [["host", "status"], ["host", "status", "--json"]]) {
    const { status, stdout } = await command(host, words);
    assert.equal(status, 0);
    assert.ok(isHarmless(stdout), stdout);
  }
});

Deno.test("the status of two hosts in one world is that of each", async () => {
  await using world = await World.make();
  const [one, two] = [await world.host({ users: ["a"] }), await world.host({ users: ["b"] })];
  await send(one, { from: one.address("a"), to: [two.address("b")] });
  await statusWhen(two, "the message to be there", ({ messages }) => messages === 1);
  await statusWhen(one, "the message to be delivered", ({ queue }) => queue.waiting === 0);
  const [from, to] = [await statusOf(one), await statusOf(two)];
  assert.deepEqual([from.exchanges["out accepted"], to.exchanges["in accepted"]], [1, 1]);
  assert.equal(from.last[0]?.header_hash, to.last[0]?.header_hash);
  assert.deepEqual([from.last[0]?.to, to.last[0]?.domain], [two.domain, one.domain]);
});
