// Who may connect, and how often.
import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { type Config, parseConfig } from "../../src/config.ts";
import type { Exchange } from "../../src/host/exchange.ts";
import { Gate } from "../../src/host/gate.ts";
import { Log } from "../../src/host/log.ts";
import { Statistics } from "../../src/host/statistics.ts";
import { OutgoingRecord } from "../../src/protocol/mod.ts";
import { asHeaderHash, asMessageHash } from "../../src/wire/mod.ts";

const IP = "198.51.100.1";
const OTHER = "198.51.100.2";
const HEADER_HASH = asHeaderHash(new Uint8Array(32));
const HASH = asMessageHash(new Uint8Array(32));

class Scene implements Disposable {
  readonly clock = { now: 0 };
  readonly outgoing = new OutgoingRecord();
  readonly statistics = new Statistics();
  readonly gate: Gate;
  config: Config;
  #written = "";

  constructor(...lines: string[]) {
    this.config = configOf(lines);
    const log = new Log({ level: "info", readable: false, write: (text) => this.#written += text });
    this.gate = new Gate(
      () => this.config,
      this.outgoing,
      this.statistics,
      log,
      () => this.clock.now,
    );
  }

  reconfigure(...lines: string[]): void {
    this.config = configOf(lines);
  }

  /** How many of so many connections at once are admitted. */
  admitted(ip: string, attempts: number): number {
    return Array.from({ length: attempts }, () => this.gate.admit(ip))
      .filter((reason) => reason === null).length;
  }

  /** An exchange that was misbehaviour worth 10 points. */
  misbehave(ip: string, times = 1, direction: Exchange["direction"] = "in"): void {
    for (let i = 0; i < times; i++) {
      this.gate.ended({
        direction,
        peer: ip,
        domain: null,
        headerHash: null,
        codes: [],
        challenge: "none",
        terminated: "malformed header",
        detail: null,
        bytes: 0,
        ms: 0,
      });
    }
  }

  async lines(): Promise<Record<string, unknown>[]> {
    await Promise.resolve();
    return this.#written.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  }

  [Symbol.dispose](): void {
    this.gate[Symbol.dispose]();
  }
}

function configOf(lines: readonly string[]): Config {
  return parseConfig(["domain: here.test", ...lines].join("\n"), "fmsg.yaml");
}

Deno.test("S1 without a rate for an address any number of connections is admitted", () => {
  using scene = new Scene();
  assert.equal(scene.admitted(IP, 10_000), 10_000);
});

Deno.test("S1 so many connections a second of an address are admitted, others are not touched", () => {
  using scene = new Scene("limits: {accept_rate_per_ip: 5}");
  assert.equal(scene.admitted(IP, 20), 5);
  assert.equal(scene.gate.admit(IP), "too fast");
  assert.equal(scene.admitted(OTHER, 20), 5);
  scene.clock.now += 1;
  assert.equal(scene.admitted(IP, 20), 5);
  // Of IPv6 the network counts.
  assert.equal(scene.admitted("2001:db8::1", 3) + scene.admitted("2001:db8::2", 3), 5);
});

Deno.test("S1 a rate that is changed, or taken away, holds for the next connection", () => {
  using scene = new Scene("limits: {accept_rate_per_ip: 0.1}");
  assert.equal(scene.admitted(IP, 5), 1);
  scene.reconfigure("limits: {accept_rate_per_ip: 100}");
  scene.clock.now += 1;
  assert.equal(scene.admitted(IP, 200), 100);
  scene.reconfigure();
  assert.equal(scene.admitted(IP, 200), 200);
});

Deno.test("S6 with half of the points an address may connect once a second, with all of them not at all", () => {
  using scene = new Scene();
  scene.misbehave(IP, 4);
  assert.equal(scene.admitted(IP, 10), 10);
  scene.misbehave(IP);
  assert.equal(scene.admitted(IP, 10), 1);
  scene.clock.now += 1;
  assert.equal(scene.admitted(IP, 10), 1);
  scene.misbehave(IP, 5);
  scene.clock.now += 10;
  assert.equal(scene.gate.admit(IP), "banned");
  assert.equal(scene.admitted(OTHER, 10), 10);
  scene.clock.now += 3600;
  assert.equal(scene.admitted(IP, 10), 10);
});

Deno.test("S6 a rate under one a second is not raised for whoever is slowed", () => {
  using scene = new Scene("limits: {accept_rate_per_ip: 0.1}");
  scene.misbehave(IP, 5);
  assert.equal(scene.admitted(IP, 5), 1);
  scene.clock.now += 5;
  assert.equal(scene.gate.admit(IP), "too fast");
});

Deno.test("S6 a ban is told in the log with address, until and reason, and counted", async () => {
  using scene = new Scene();
  scene.misbehave("2001:db8::5", 12);
  const [line, ...more] = await scene.lines();
  assert.equal(more.length, 0);
  const { level, msg, address, until, reason } = line ?? {};
  assert.deepEqual(
    { level, msg, address, reason },
    { level: "warn", msg: "banned", address: "2001:db8::/64", reason: "malformed header" },
  );
  const ends = Date.parse(String(until));
  assert.ok(Math.abs(ends - Date.now() - 3600_000) < 60_000);
  assert.deepEqual(scene.statistics.bans.counts, [{ values: [], count: 1 }]);
});

Deno.test("S6 an operator's ban is told too", async () => {
  using scene = new Scene();
  const ban = scene.gate.ban(IP, 60, "banned by the operator");
  const [line] = await scene.lines();
  assert.deepEqual([line?.address, line?.reason], [ban.address, ban.reason]);
  assert.equal(scene.gate.admit(IP), "banned");
  assert.equal(scene.gate.offenders.lift(IP), true);
  assert.equal(scene.gate.admit(IP), null);
});

Deno.test("S6 a host that is sent to may connect, though it is banned, slowed or too fast", () => {
  using scene = new Scene("limits: {accept_rate_per_ip: 1}");
  scene.misbehave(IP, 10);
  {
    using _sending = scene.outgoing.register(HEADER_HASH, IP, HASH);
    assert.equal(scene.admitted(IP, 10), 10);
    assert.equal(scene.admitted(OTHER, 10), 1);
    // Another address of the machine is not the one that is sent to.
    scene.misbehave(OTHER, 10);
    assert.equal(scene.gate.admit(OTHER), "banned");
  }
  assert.equal(scene.gate.admit(IP), "banned");
});

Deno.test("S6 what other hosts do with what they are sent is no offence", () => {
  using scene = new Scene();
  scene.misbehave(IP, 100, "out");
  assert.equal(scene.admitted(IP, 10), 10);
});

Deno.test("S6 with the defaults nothing on loopback is ever slowed or banned", () => {
  using scene = new Scene();
  for (const ip of ["127.0.0.1", "127.9.8.7", "::1"]) {
    scene.misbehave(ip, 100);
    assert.equal(scene.admitted(ip, 10), 10);
  }
  scene.reconfigure("ban: {allow: []}");
  scene.misbehave("127.0.0.1", 10);
  assert.equal(scene.gate.admit("127.0.0.1"), "banned");
});

Deno.test("S6 this machine's own addresses are never slowed or banned: its check misbehaves on purpose", () => {
  using scene = new Scene("ban: {allow: []}");
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
    .filter(({ internal }) => !internal).map(({ address }) => address);
  for (const ip of own) {
    scene.misbehave(ip, 100);
    assert.equal(scene.admitted(ip, 5), 5, ip);
  }
  scene.misbehave("127.0.0.1", 100);
  assert.equal(scene.admitted("127.0.0.1", 5), 0);
});

Deno.test("S6 handshakes that fail add up to a ban, and refusals for being too many never do", async () => {
  using scene = new Scene();
  for (let i = 0; i < 500; i++) {
    for (
      const reason of [
        "too many connections",
        "too many connections from this address",
        "too fast",
        "banned",
      ] as const
    ) scene.gate.refused(IP, reason, null);
  }
  assert.equal(scene.gate.admit(IP), null);
  for (let i = 0; i < 100; i++) scene.gate.refused(IP, "handshake failed", "no shared cipher");
  assert.equal(scene.gate.admit(IP), "banned");
  const counts = scene.statistics.refused.counts;
  assert.equal(counts.find(({ values }) => values[0] === "handshake failed")?.count, 100);
  const lines = await scene.lines();
  assert.equal(lines.filter(({ msg }) => msg === "refused").length, 5);
  assert.equal(lines.filter(({ msg }) => msg === "banned").length, 1);
});
