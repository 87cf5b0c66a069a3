// A world with a real host in it: that the helpers drive the program, and see what it does.

import assert from "node:assert/strict";
import { hex } from "../../src/wire/mod.ts";
import { addTo, draft, noise, replyTo } from "./message.ts";
import { answeredRightly, messageOf } from "./peer_receive.ts";
import { waitFor } from "./wait.ts";
import { World } from "./world.ts";

Deno.test("a host under test takes a peer's message, challenges it and logs the exchange", async () => {
  await using world = await World.make();
  const host = await world.host({
    challenge: "always",
    users: ["alice", ["bob", "--max-messages", "0"]],
  });
  const peer = await world.peer();
  const [alice, bob] = [host.address("alice"), host.address("bob")];
  const message = draft({
    from: peer.address("ann"),
    to: [alice, bob, host.address("nobody")],
    topic: "Plans",
    body: "Hello",
  });

  const sent = await peer.send(message);
  assert.deepEqual(sent.codes, [64, 200, 101, 100]);
  assert.deepEqual([sent.ended, sent.closedBy, sent.terminated], ["end", "host", false]);
  assert.deepEqual(
    sent.challenges.map(({ call, answered }) => [call.from, call.tls?.sni, answered]),
    [
      [host.ip, `fmsg.${peer.domain}`, message.hash],
    ],
  );
  assert.ok(await host.openFiles() > 3);
  assert.ok(await host.memory() > 1024 * 1024);
  const [shown] = await host.list(alice);
  assert.deepEqual([shown?.hash, shown?.topic], [hex(message.hash), "Plans"]);
  const line = await host.logLine(({ direction }) => direction === "in");
  assert.equal(line.header_hash, hex(message.headerHash));
  assert.equal((await host.user(alice)).usage.recv_messages, 1);

  const wrong = await peer.send(draft({ ...message.fields }), { answer: "wrong" });
  assert.deepEqual([wrong.first, wrong.rest, wrong.terminated], [64, [], true]);
  const stranger = await world.peer();
  assert.equal((await stranger.send(message)).terminated, true);
});

Deno.test("a host under test sends, replies and adds recipients, and answers a peer's challenge", async () => {
  await using world = await World.make();
  const host = await world.host({ challenge: "never", users: ["alice"] });
  const peer = await world.peer();
  const alice = host.address("alice");
  const ann = peer.address("ann");

  peer.answerAll({ challenge: true });
  const attach = [{ filename: "noise.bin", body: noise(200_000) }];
  const { id, hash } = await host.send({ from: alice, to: [ann], topic: "Plans", attach });
  const first = await peer.next();
  const original = messageOf(first);
  assert.equal(hex(original.hash), hash);
  assert.equal(answeredRightly(first), true);
  assert.equal(first.call.from, host.ip);
  const { delivery } = await waitFor(async () => {
    const shown = await host.show(id);
    return shown.delivery[0]?.state === "delivered" && shown;
  });
  assert.equal(delivery[0]?.code, 200);
  assert.deepEqual(await host.save(id, "noise.bin"), noise(200_000));

  const batch = await host.addTo(id, alice, peer.address("ben"));
  const added = await peer.next();
  assert.deepEqual([added.first, added.codes, hex(messageOf(added).hash)], [
    65,
    [200, 200],
    batch.hash,
  ]);
  const reply = replyTo(original, { from: ann });
  assert.deepEqual((await peer.send(reply)).codes, [64, 200]);
  const answer = addTo(original, { from: ann, to: ["@carl@elsewhere.test"] });
  assert.deepEqual((await peer.send(answer)).codes, [11]);
});

Deno.test("a host under test is stopped, killed, started and reloaded, and delivers what waited", async () => {
  await using world = await World.make();
  const host = await world.host({ challenge: "never", users: ["alice"] });
  const peer = await world.peer({ listen: false });
  const { id } = await host.send({ from: host.address("alice"), to: [peer.address("ann")] });
  const [waiting] = await waitFor(async () => {
    const queue = await host.queue();
    return queue[0]?.last_error !== null && queue;
  });
  assert.deepEqual([waiting?.id, waiting?.domain], [id, peer.domain]);

  assert.equal(await host.stop(), 0);
  assert.equal(
    (await peer.send(draft({ from: peer.address("a"), to: ["@b@c.test"] }))).error?.step,
    "tcp",
  );
  await host.start();
  await host.kill();
  await peer.listen();
  await host.start();
  assert.equal((await peer.next()).codes[0], 200);

  await host.renewCertificate();
  await host.configure({ limits: { max_size: 10 } });
  await host.reload();
  const large = draft({ from: peer.address("a"), to: [host.address("alice")], body: noise(11) });
  assert.deepEqual((await peer.send(large)).codes, [4]);
});

Deno.test("what fails tells why: a command, and a host that cannot start", async () => {
  await using world = await World.make();
  const host = await world.host({ start: false });
  const { code, stdout, stderr } = await host.cli(["user", "add", "nobody"]);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /nobody/);
  await assert.rejects(host.json(["user", "show", host.address("x")]), /ended with 1: .*@x@/);
  await host.configure({ challenge: "sometimes" });
  await assert.rejects(host.start(), /ended at its start: .*sometimes/s);
});

Deno.test("a host that had ended by itself does not end in order", async () => {
  await using world = await World.make();
  const host = await world.host();
  Deno.kill(host.pid, "SIGKILL");
  await assert.rejects(host[Symbol.asyncDispose](), /by itself|stopped with/);
});
