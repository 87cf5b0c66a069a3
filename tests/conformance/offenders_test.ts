// Repeat offenders: slowed, then banned for a while, and never by accident (row S6).

import assert from "node:assert/strict";
import { draft, noise } from "../support/message.ts";
import { NoConnection } from "../support/line.ts";
import type { LogLine } from "../support/host_process.ts";
import type { Peer } from "../support/peer.ts";
import { sleep, waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { refusedUnheard } from "./banned.ts";
import { send } from "./command.ts";
import { settled } from "./outcome.ts";
import { Stage } from "./stage.ts";

const TAKEN = { codes: [64, 200] };

/** Half of it slows: two offences of 5, one of 10. */
const POINTS = 20;

/** Something that the peer does from one of its addresses, and whether the host let it connect. */
type Offence = (source: string) => Promise<boolean>;

interface Kind {
  readonly reason: string;
  /** How many of them are a ban; null where a refusal cannot be told from what the host does anyway. */
  readonly needed: number | null;
  readonly commit: Offence;
}

Deno.test("whoever misbehaves again and again is slowed, and then banned for a while", async (t) => {
  await using stage = await Stage.set({
    ips: 16,
    challenge: "always",
    limits: { header_timeout: "1s", idle_timeout: "1s" },
    config: { ban: { allow: [], points: POINTS } },
  });
  const { host, peer, alice, world } = stage;
  const nobodies = (count: number) =>
    Array.from({ length: count }, (_, i) => host.address(`nobody${i}`));
  const sends = (make: () => Parameters<Peer["send"]>): Offence => async (source) => {
    const [message, options] = make();
    return (await peer.send(message, { ...options, source })).error === null;
  };
  const cut = { body: noise(100_000) };
  const elsewhere = "@ann@elsewhere.test";
  const kinds: readonly Kind[] = [
    {
      reason: "invalid header",
      needed: 2,
      commit: sends(() => [stage.letter({ to: [] })]),
    },
    {
      reason: "malformed header",
      needed: 2,
      commit: sends(() => [stage.letter({ to: ["@alice@nowhere_"] })]),
    },
    {
      reason: "sender not authorised",
      needed: 2,
      commit: sends(() => [stage.letter({ from: elsewhere })]),
    },
    {
      reason: "challenge answer wrong",
      needed: 1,
      commit: sends(() => [stage.letter(), { answer: "wrong" }]),
    },
    {
      reason: "challenge not answered",
      needed: 4,
      commit: sends(() => [stage.letter(), { answer: "end" }]),
    },
    {
      reason: "bad compressed data",
      needed: 1,
      commit: sends(() => [stage.letter({ compress: true, wire: noise(50) })]),
    },
    {
      reason: "header not in time",
      needed: 4,
      commit: sends(() => [stage.letter(), { cutHeader: 10 }]),
    },
    { reason: "idle", needed: 4, commit: sends(() => [stage.letter(cut), { cutData: 0 }]) },
    { reason: "too slow", needed: 4, commit: sends(() => [stage.letter(cut), { cutData: 1 }]) },
    {
      reason: "unsupported version",
      needed: 10,
      commit: sends(() => [stage.letter({ version: 2 })]),
    },
    {
      reason: "challenge matches nothing",
      needed: 10,
      commit: async (source) => {
        const challenge = peer.challenge(noise(32), { source });
        return await challenge.then(() => true, notConnected);
      },
    },
    {
      reason: "unknown users",
      needed: 4,
      commit: sends(() => [stage.letter({ to: nobodies(5) })]),
    },
    {
      reason: "wrong server name",
      needed: null,
      commit: async (source) => {
        const dialled = peer.dial({ source, servername: "fmsg.elsewhere.test" });
        return await dialled.then(
          (connection) => connection.close().then(() => true),
          notConnected,
        );
      },
    },
    {
      reason: "handshake failed",
      needed: null,
      commit: async (source) => {
        const raw = await peer.dialTcp({ source });
        raw.end("GET / HTTP/1.1\r\n\r\n");
        await sleep(50);
        raw.destroy();
        return true;
      },
    },
  ];
  /** Offends until the host has had enough; the line of the ban. */
  const offend = async ({ commit, needed }: Kind, source: string): Promise<LogLine> => {
    const banned = () =>
      host.log.find(({ msg, address }) => msg === "banned" && address === source);
    let committed = 0;
    while (banned() === undefined) {
      const admitted = await commit(source);
      if (admitted) committed++;
      // What the host has counted it logs at once, but this process reads it a moment later.
      if (needed !== null && committed >= needed) break;
      if (!admitted) await sleep(100);
    }
    const line = await waitFor(banned, { what: `${source} to be banned` });
    assert.equal(needed ?? committed, committed);
    return line;
  };
  const sources = peer.ips.slice(1);

  await t.step("S6 each kind adds up to a ban, which the log tells", async () => {
    await Promise.all(kinds.map(async (kind, i) => {
      const source = sources[i] ?? "";
      const { level, reason, until } = await offend(kind, source);
      assert.deepEqual([level, reason], ["warn", kind.reason]);
      const left = Date.parse(String(until)) - Date.now();
      assert.ok(left > 3500_000 && left <= 3600_000, `${left} ms are left`);
    }));
  });
  await t.step(
    "S6 whoever is banned is refused before the handshake, and the log says why",
    async () => {
      for (const source of sources.slice(0, kinds.length)) await refusedUnheard(host, peer, source);
    },
  );
  await t.step("S6 on the way there an address was slowed", () => {
    const slowed = host.log.filter(({ msg, reason }) => msg === "refused" && reason === "too fast");
    assert.ok(slowed.length > 0);
    assert.ok(slowed.every(({ peer }) => sources.includes(String(peer))));
  });
  await t.step(
    "S6 an address that DNS does not list, with the name of a domain that has others",
    async () => {
      const source = world.address();
      for (let i = 0; i < 2; i++) {
        await waitFor(async () => (await peer.send(stage.letter(), { source })).error === null);
      }
      await refusedUnheard(host, peer, source);
    },
  );
  await t.step("S6 where users are not disclosed, unknown ones count all the same", async () => {
    await host.configure({ limits: { disclose_users: false } });
    await host.reload();
    const [source = ""] = sources.slice(kinds.length);
    const guess = stage.letter({ to: [...nobodies(POINTS), alice] });
    const { codes } = await peer.send(guess, { source });
    assert.deepEqual(codes, [64, ...new Array<number>(POINTS).fill(105), 200]);
    await refusedUnheard(host, peer, source);
  });
  await t.step("S6 other addresses are not touched, of the same domain neither", async () => {
    await stage.expect(stage.letter(), TAKEN);
    const other = await world.peer();
    const letter = draft({ from: other.address("bea"), to: [alice] });
    await stage.expect(letter, TAKEN, {}, other);
  });
  await t.step("S6 what an honest host meets now and then is no offence", async () => {
    const honest = await world.peer();
    const from = honest.address("bea");
    for (let i = 0; i < POINTS; i++) {
      await stage.expect(draft({ from, to: [alice], time: 0 }), { codes: [7] }, {}, honest);
      await stage.expect(
        draft({ from, to: [alice], pid: noise(32) }),
        { codes: [6] },
        {},
        honest,
      );
    }
    await honest.send(draft({ from, to: [alice] }), { cutHeader: 20, then: "reset" });
    await stage.expect(draft({ from, to: [alice] }), TAKEN, {}, honest);
    assert.ok(host.log.every(({ address }) => address !== honest.ip));
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

Deno.test("a ban ends by itself, and a changed configuration holds at once", async (t) => {
  await using stage = await Stage.set({
    ips: 4,
    config: { ban: { allow: [], points: POINTS, for: "5s" } },
  });
  const { host, peer } = stage;
  const [, first = "", second = "", third = ""] = peer.ips;
  const offend = async (source: string) => {
    const invalid = stage.letter({ to: [] });
    await waitFor(async () => (await peer.send(invalid, { source })).error === null);
  };
  const reload = async (ban: Readonly<Record<string, unknown>>) => {
    await host.configure({ ban });
    await host.reload();
  };
  await t.step("S6 it ends when its time is over", async () => {
    await offend(first);
    await offend(first);
    await refusedUnheard(host, peer, first);
    const served = async () => (await peer.send(stage.letter(), { source: first })).error === null;
    await waitFor(served, { what: "the ban to end" });
    // It begins anew: one offence is none too many.
    await offend(first);
    await stage.expect(stage.letter(), TAKEN, { source: first });
  });
  await t.step("S6 who comes onto the allow list by a reload is banned no longer", async () => {
    await reload({ for: "1h" });
    await offend(second);
    await offend(second);
    await refusedUnheard(host, peer, second);
    await reload({ allow: [`${second}/32`] });
    await stage.expect(stage.letter(), TAKEN, { source: second });
    for (let i = 0; i < 5; i++) await offend(second);
    await stage.expect(stage.letter(), TAKEN, { source: second });
  });
  await t.step("S6 who leaves it has the ban back that is not over", async () => {
    await reload({ allow: [] });
    await refusedUnheard(host, peer, second);
  });
  await t.step("S6 other points hold from the next offence on", async () => {
    await reload({ points: 1000 });
    for (let i = 0; i < 4; i++) await offend(third);
    await stage.expect(stage.letter(), TAKEN, { source: third });
    await reload({ points: 50 });
    await offend(third);
    await refusedUnheard(host, peer, third);
  });
  await t.step("S6 a restart forgives", async () => {
    assert.equal(await host.stop(), 0);
    await host.start();
    await stage.expect(stage.letter(), TAKEN, { source: third });
  });
  await t.step("S3 afterwards all is in order", () => stage.settles());
});

Deno.test("S6 with the defaults nothing on loopback is ever banned", async () => {
  await using stage = await Stage.set();
  const { host, peer } = stage;
  for (let i = 0; i < 15; i++) await stage.expect(stage.letter({ to: [] }), { codes: [1] });
  await stage.expect(stage.letter(), TAKEN);
  assert.ok(host.log.every(({ msg }) => msg !== "banned"));
  assert.equal((await peer.send(stage.letter())).error, null);
  await stage.settles();
});

Deno.test("a host that is banned and that we send to", async (t) => {
  await using world = await World.make();
  const host = await world.host({
    users: ["alice"],
    config: { ban: { allow: [], points: POINTS } },
  });
  const peer = await world.peer();
  const alice = host.address("alice");
  for (let i = 0; i < 2; i++) {
    const invalid = draft({ from: peer.address("ann"), to: [] });
    await waitFor(async () => (await peer.send(invalid)).error === null);
  }
  await refusedUnheard(host, peer, peer.ip);
  await t.step("S6 can challenge us, and gets its message", async () => {
    peer.script({ challenge: true });
    const { id } = await send(host, { from: alice, to: [peer.address("ann")] });
    const { message, challenged } = await peer.next();
    assert.ok(challenged !== null && message !== null);
    assert.deepEqual(challenged.answer, message.hash);
    assert.deepEqual(await settled(host, id), [`${peer.address("ann")} delivered 200`]);
  });
  await t.step("S6 and is refused again when that is done", async () => {
    await assert.rejects(peer.dial(), NoConnection);
  });
});

function notConnected(error: unknown): false {
  assert.ok(error instanceof NoConnection, String(error));
  return false;
}
