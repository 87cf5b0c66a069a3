// How a host ends: in order, within a bounded time, with everything kept; and how it begins again.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { audit } from "../store/audit.ts";
import type { HostProcess } from "../support/host_process.ts";
import { draft, noise } from "../support/message.ts";
import type { Peer } from "../support/peer.ts";
import { waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { command, send } from "./command.ts";
import { operatorOf, statusOf, statusWhen } from "./operating.ts";
import { settled, stored } from "./outcome.ts";
import { Stage } from "./stage.ts";

const STOPPING = /^stopping: exchanges under way may finish/;

/** Sends a signal that the host takes for the first one to stop. */
async function signal(host: HostProcess, name: "SIGTERM" | "SIGINT" = "SIGTERM"): Promise<void> {
  const seen = host.log.length;
  Deno.kill(host.pid, name);
  await host.logLine(({ msg }) => STOPPING.test(String(msg)), seen);
}

/** Something that waits until it is let go. */
function gate(): { readonly open: Promise<void>; letGo(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { open: promise, letGo: resolve };
}

/** A message in the middle of its data. */
async function held(stage: Stage, last: Promise<void>): Promise<Promise<readonly number[]>[]> {
  const { promise: begun, resolve: begin } = Promise.withResolvers<number>();
  const sending = stage.peer.send(stage.letter({ body: noise(100_000) }), {
    onFirst: begin,
    lastByteAfter: last,
  });
  assert.equal(await begun, 64);
  // In an array: a promise alone would be waited for.
  return [sending.then(({ codes }) => codes)];
}

/** Does nobody get in any more, be it for want of a listener or before the handshake? */
async function isShut(host: HostProcess, peer: Peer): Promise<boolean> {
  const letter = draft({ from: peer.address("x"), to: [host.address("nobody")] });
  return (await peer.send(letter)).error !== null;
}

for (const name of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`${name}: a message that is coming in is taken, nobody else gets in, and the exit status is 0`, async () => {
    await using stage = await Stage.set();
    const { host, world } = stage;
    const stranger = await world.peer();
    const silent = await stage.peer.dial();
    const { open, letGo } = gate();
    const [codes] = await held(stage, open);
    await signal(host, name);
    await waitFor(() => isShut(host, stranger));
    // Whoever said nothing yet is not waited for.
    await waitFor(() => silent.ended !== null);
    // A terminal that is closed now, or a reload, ends nothing.
    for (let i = 0; i < 3; i++) Deno.kill(host.pid, "SIGHUP");
    assert.ok(await isShut(host, stranger));
    letGo();
    assert.deepEqual(await codes, [64, 200]);
    assert.equal(await host.ended(), 0);
    assert.equal(host.log.at(-1)?.msg, "stopped");
    assert.ok(!host.log.some(({ msg }) => msg === "reloaded"));
    assert.ok(!existsSync(`${host.dataDir}/control.sock`));
    audit(host.dataDir);
  });
}

Deno.test("SIGTERM: a message that is going out is delivered, its challenge answered, and nobody else gets in", async () => {
  await using stage = await Stage.set();
  const { host, peer, alice, ann, world } = stage;
  const stranger = await world.peer();
  const { open, letGo } = gate();
  // It challenges when the host is stopping already.
  peer.script({ challenge: true, firstAfter: open });
  const { id } = await send(host, { from: alice, to: [ann] });
  await statusWhen(host, "the exchange", ({ counts }) => counts.outgoing === 1);
  await signal(host);
  await waitFor(() => isShut(host, stranger));
  letGo();
  assert.equal(await host.ended(), 0);
  const { challenged } = await peer.next();
  assert.ok(challenged !== null);
  assert.deepEqual(stored(host, id).delivery.map(({ state, code }) => [state, code]), [
    ["delivered", 200],
  ]);
  const line = host.log.find(({ direction }) => direction === "out");
  assert.deepEqual([line?.codes, line?.challenge, line?.terminated], [[64, 200], "ok", null]);
});

Deno.test("what takes longer than shutdown_timeout is cut, stays in the queue, and goes out at the next start", async () => {
  await using stage = await Stage.set({ config: { shutdown_timeout: "1s" } });
  const { host, peer, alice, ann } = stage;
  const { open, letGo } = gate();
  peer.script({ hang: "codes" });
  const { id } = await send(host, { from: alice, to: [ann] });
  const [codes] = await held(stage, open);
  await statusWhen(host, "the exchange", ({ counts }) => counts.outgoing === 1);
  await signal(host);
  assert.equal(await host.ended(), 0);
  letGo();
  assert.deepEqual(await codes, [64]);
  const lines = host.log.filter(({ msg }) => msg === "exchange");
  assert.deepEqual(
    lines.map(({ direction, terminated }) => [direction, terminated]).toSorted(),
    [["in", "host is stopping"], ["out", "host is stopping"]],
  );
  assert.deepEqual(stored(host, id).delivery.map(({ state, attempts }) => [state, attempts]), [
    ["pending", 0],
  ]);
  audit(host.dataDir);
  await host.start();
  await settled(host, id);
  assert.equal((await statusOf(host)).counts.faults, 0);
});

Deno.test("a delivery that is not through the handshake is cut in time as well", async () => {
  await using stage = await Stage.set({ config: { shutdown_timeout: "1s" } });
  const { host, peer, alice, ann } = stage;
  peer.setTls("mute");
  const { id } = await send(host, { from: alice, to: [ann] });
  await statusWhen(host, "the attempt", ({ counts }) => counts.exchanges_out === 1);
  await signal(host);
  assert.equal(await host.ended(), 0);
  assert.equal(stored(host, id).delivery[0]?.attempts, 0);
  assert.equal(
    host.log.find(({ direction }) => direction === "out")?.terminated,
    "host is stopping",
  );
});

for (
  const [first, second] of [["SIGTERM", "SIGTERM"], ["SIGINT", "SIGINT"], [
    "SIGTERM",
    "SIGINT",
  ]] as const
) {
  Deno.test(`a second signal, ${second} after ${first}, ends the host at once with 1, and all is whole`, async () => {
    await using stage = await Stage.set({ config: { shutdown_timeout: "1h" } });
    const { host, peer, alice, ann } = stage;
    await stage.expect(stage.letter(), { codes: [64, 200] });
    peer.script({ hang: "codes" });
    const { id } = await send(host, { from: alice, to: [ann] });
    const { open, letGo } = gate();
    const [codes] = await held(stage, open);
    await statusWhen(host, "the exchange", ({ counts }) => counts.outgoing === 1);
    await signal(host, first);
    Deno.kill(host.pid, second);
    assert.equal(await host.ended(), 1);
    letGo();
    assert.deepEqual(await codes, [64]);
    await host.start();
    await settled(host, id);
    await stage.settles();
  });
}

Deno.test("a host in which nothing goes on stops at once, whoever is connected", async () => {
  await using stage = await Stage.set({ config: { shutdown_timeout: "1h" } });
  const { host, peer } = stage;
  const idle = [await peer.dial(), await peer.dial()];
  const tcp = await peer.dialTcp();
  using _operator = await operatorOf(host);
  await statusWhen(host, "them to be there", ({ connections }) => connections.length === 3);
  await signal(host);
  assert.equal(await host.ended(), 0);
  await waitFor(() => idle.every(({ ended }) => ended !== null));
  tcp.destroy();
});

Deno.test("a command that comes while the host stops is carried out afterwards", async () => {
  await using stage = await Stage.set();
  const { host } = stage;
  const { open, letGo } = gate();
  const [codes] = await held(stage, open);
  await signal(host);
  const added = command(host, ["user", "add", host.address("late")]);
  const told = await command(host, ["host", "status"]);
  assert.equal(told.status, 1);
  assert.match(told.stderr, new RegExp(`^fmsg: Process ${host.pid} holds .*starts or stops.*\n$`));
  letGo();
  assert.deepEqual(await codes, [64, 200]);
  assert.equal(await host.ended(), 0);
  assert.equal((await added).status, 0, (await added).stderr);
});

Deno.test("a second host on the same data directory is refused with the first one's process id", async () => {
  await using stage = await Stage.set();
  const { host, world } = stage;
  await host.configure({ listen: [`${world.address()}:${host.port}`] });
  const { code, stderr } = await host.cli(["host", "run"]);
  assert.equal(code, 1);
  const errors = stderr.split("\n").filter((line) => line !== "" && !line.startsWith("{"));
  assert.deepEqual(errors, [
    `fmsg: Process ${host.pid} runs on ${host.dataDir} already: stop it first, or use another data_dir`,
  ]);
  await stage.expect(stage.letter(), { codes: [64, 200] });
  await stage.settles();
});

Deno.test("a host starts again at once on the same port, after a stop and after a crash", async () => {
  await using stage = await Stage.set();
  const { host, peer } = stage;
  for (const end of ["stop", "kill", "stop"] as const) {
    await Promise.all(
      Array.from({ length: 5 }, async () => {
        assert.deepEqual((await peer.send(stage.letter())).codes, [64, 200]);
      }),
    );
    const open = await peer.dial();
    await host[end]();
    await host.start();
    await open.close();
  }
  await stage.settles();
});

Deno.test("a port that is taken ends the start with one line, and nothing is left", async () => {
  await using world = await World.make();
  const host = await world.host({ start: false });
  {
    using _taken = Deno.listen({ hostname: host.ip, port: host.port });
    const { code, stderr } = await host.cli(["host", "run"]);
    const errors = stderr.split("\n").filter((line) => line !== "" && !line.startsWith("{"));
    assert.deepEqual([code, errors], [1, [
      `fmsg: Cannot listen on ${host.ip}:${host.port}: another program listens there; stop it, or choose another port`,
    ]]);
  }
  await host.start();
  assert.equal(await host.stop(), 0);
});

Deno.test("started as root, the host says once that a user of its own is safer, and serves", async () => {
  await using stage = await Stage.set();
  const { host } = stage;
  const lines = host.log.filter(({ msg }) => /runs as root/.test(String(msg)));
  assert.deepEqual(lines.map(({ level }) => level), Deno.uid() === 0 ? ["warn"] : []);
  await stage.expect(stage.letter(), { codes: [64, 200] });
});
