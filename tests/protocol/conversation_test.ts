// Whole conversations between hosts in memory, over the real exchange on both sides.

import assert from "node:assert/strict";
import fc from "fast-check";
import { type ChallengeMode, isProblem, Terminate } from "../../src/protocol/mod.ts";
import { type Address, hex, isParticipant, participants, recipients } from "../../src/wire/mod.ts";
import { addressOf } from "../support/arbitraries.ts";
import { type Link, PLAIN_LINK } from "./support.ts";
import {
  type Attempt,
  type Content,
  contentHash,
  type Kept,
  TinyHost,
  TinyNetwork,
} from "./tiny_host.ts";

const DOMAINS = ["a.test", "b.test", "c.test"];
const USERS = DOMAINS.flatMap((domain) =>
  ["one", "two"].map((name) => addressOf(`@${name}@${domain}`))
);
const MODES: readonly ChallengeMode[] = [
  "never",
  "always",
  "has_not_participated",
  "different_domain",
];

interface World {
  readonly modes: readonly ChallengeMode[];
  /** All hosts behind one address, or each behind its own. */
  readonly shared: boolean;
  readonly clocks: readonly number[];
  readonly delays: readonly number[];
  readonly pieces: readonly number[];
}

const worlds: fc.Arbitrary<World> = fc.record({
  modes: fc.array(fc.constantFrom(...MODES), { minLength: 3, maxLength: 3 }),
  shared: fc.boolean(),
  clocks: fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 3, maxLength: 3 }),
  delays: fc.array(fc.nat(400), { minLength: 1, maxLength: 5 }),
  pieces: fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 5 }),
});

/** Values in turn, over and over. */
function inTurn(values: readonly number[]): () => number {
  let at = 0;
  return () => values[at++ % values.length] ?? 0;
}

function networkOf(world: World): TinyNetwork {
  const delay = inTurn(world.delays);
  const pieceSize = inTurn(world.pieces);
  const network = new TinyNetwork(() => ({ delay, pieceSize, cutAfter: Infinity }));
  for (const [i, domain] of DOMAINS.entries()) {
    const host = new TinyHost(network, {
      domain,
      ip: world.shared ? "192.0.2.1" : `192.0.2.${i + 1}`,
      challenge: world.modes[i] ?? "always",
      clock: world.clocks[i] ?? 0,
    });
    for (const { key, domain: at } of USERS) {
      if (at === domain) host.users.set(key, { full: false, accepting: true });
    }
  }
  return network;
}

/** Delivers to all domains at once, and waits for everything to end. */
async function deliverAll(network: TinyNetwork, host: TinyHost, kept: Kept): Promise<Attempt[]> {
  const attempts = await Promise.all(
    host.domainsOf(kept).map((domain) => network.simulation.run(() => host.deliver(kept, domain))),
  );
  await network.settled();
  return attempts;
}

/** Sender and receiver agree on the message, and whoever was promised it has it. */
async function assertAgreement(network: TinyNetwork, kept: Kept, attempt: Attempt): Promise<void> {
  const { outcome, domain } = attempt;
  const there = network.host(domain);
  const copy = there.messages.get(hex(kept.hash));
  if (copy !== undefined) {
    assert.deepEqual(copy.decoded.bytes, kept.decoded.bytes);
    assert.deepEqual(await contentHash(copy.decoded, copy.wire, copy.layout), kept.hash);
  }
  if (outcome instanceof Terminate) return;
  if (outcome.kind === "add to accepted") return assert.ok(copy, "a batch that got 11 is recorded");
  if (outcome.kind !== "codes") return;
  const asked = recipients(kept.decoded.header).filter((address) => address.domain === domain);
  for (const [i, code] of outcome.codes.entries()) {
    if (code !== 200) continue;
    assert.ok(copy?.holders.has(asked[i]?.key ?? ""), `${asked[i]} was promised the message`);
  }
}

/** Nothing is left of the exchanges, and none ended in a way that nobody foresaw. */
function assertQuiet(network: TinyNetwork): void {
  for (const host of network.hosts.values()) assert.equal(host.outgoing.size, 0);
  for (const { terminated } of network.endings) {
    assert.notEqual(terminated?.reason, "internal error", `${terminated}`);
  }
}

type Command =
  & { readonly who: number; readonly whom: readonly number[]; readonly which: number }
  & ({ readonly kind: "write" | "reply"; readonly content: readonly Content[] } | {
    readonly kind: "add";
  });

const contents: fc.Arbitrary<Content[]> = fc.array(
  fc.record({ bytes: fc.uint8Array({ maxLength: 300 }), compressed: fc.boolean() }),
  { minLength: 1, maxLength: 3 },
);

function commands(): fc.Arbitrary<Command[]> {
  const common = {
    who: fc.nat(USERS.length - 1),
    whom: fc.uniqueArray(fc.nat(USERS.length - 1), { minLength: 1, maxLength: 4 }),
    which: fc.nat(20),
  };
  const command = fc.oneof(
    fc.record({ kind: fc.constantFrom("write", "reply", "reply"), content: contents, ...common }),
    fc.record({ kind: fc.constant("add"), ...common }),
  );
  return fc.array(command, { minLength: 2, maxLength: 14 });
}

function userAt(index: number): Address {
  const user = USERS[index % USERS.length];
  assert.ok(user);
  return user;
}

/** What the command makes the user's host send, or null when it makes no sense as things are. */
async function carryOut(network: TinyNetwork, command: Command): Promise<Kept | null> {
  const user = userAt(command.who);
  const host = network.host(user.domain);
  const whom = command.whom.map(userAt);
  if (command.kind === "write") {
    const start = { pid: null, topic: "Hello" } as const;
    return await host.write({ from: user, to: whom, start }, command.content);
  }
  const known = [...host.messages.values()].filter(({ decoded }) =>
    isParticipant(decoded.header, user)
  );
  const message = known[command.which % Math.max(1, known.length)];
  if (message === undefined) return null;
  if (command.kind === "add") {
    // As the host's own store has it: an address of an earlier batch is refused.
    const earlier = host.batchesOn(message.hash).flatMap(({ decoded }) =>
      decoded.header.addTo?.to ?? []
    );
    if (whom.some(({ key }) => earlier.some((address) => address.key === key))) return null;
    const batch = await host.add(message, user, whom);
    return isProblem(batch) ? null : batch;
  }
  const inThread = participants(message.decoded.header);
  const keys = new Set(command.whom.map((index) => inThread[index % inThread.length]?.key));
  const to = USERS.filter(({ key }) => keys.has(key));
  const pid = host.parentFor(user, to, message);
  assert.ok(pid instanceof Uint8Array, "participants of one message can reply to each other");
  return await host.write({ from: user, to, start: { pid, topic: null } }, command.content);
}

Deno.test("hosts that follow the protocol understand each other: each message, reply and batch arrives", async () => {
  await fc.assert(
    fc.asyncProperty(worlds, commands(), async (world, commands) => {
      const network = networkOf(world);
      for (const command of commands) {
        const kept = await carryOut(network, command);
        if (kept === null) continue;
        const host = network.host(userAt(command.who).domain);
        for (const attempt of await deliverAll(network, host, kept)) {
          await assertAgreement(network, kept, attempt);
          assertArrived(attempt, kept);
        }
      }
      assertQuiet(network);
      for (const { terminated } of network.endings) assert.equal(terminated, null);
    }),
    { numRuns: 250 },
  );
});

/** With nothing in the way, everybody gets it; only on a batch may someone have it already. */
function assertArrived({ outcome, domain }: Attempt, { decoded: { header } }: Kept): void {
  assert.ok(!(outcome instanceof Terminate), `${outcome}`);
  const batch = header.addTo !== null;
  if (outcome.kind === "add to accepted") return assert.ok(batch);
  assert.equal(outcome.kind, "codes", JSON.stringify(outcome));
  if (outcome.kind !== "codes") return;
  const there = recipients(header).filter((address) => address.domain === domain);
  assert.equal(outcome.codes.length, there.length);
  assert.equal(outcome.lost, null);
  for (const code of outcome.codes) assert.ok(code === 200 || (batch && code === 103), `${code}`);
  assert.ok(outcome.codes.includes(200));
}

Deno.test("the log of the receiving host says what the sending host heard", async () => {
  await fc.assert(
    fc.asyncProperty(worlds, contents, async (world, content) => {
      const network = networkOf(world);
      const host = network.host("a.test");
      const start = { pid: null, topic: "Hello" } as const;
      const kept = await host.write(
        { from: userAt(0), to: [userAt(2), userAt(5)], start },
        content,
      );
      for (const { domain, codes } of await deliverAll(network, host, kept)) {
        const mode = network.host(domain).challenge;
        const [ending, ...others] = network.endings.filter((ending) =>
          ending.host.domain === domain && ending.record.kind === "message"
        );
        assert.deepEqual(others, []);
        assert.deepEqual(ending?.record, {
          kind: "message",
          domain: "a.test",
          headerHash: kept.headerHash,
          codes,
          challenge: mode === "never" ? "none" : "ok",
          bytes: kept.decoded.bytes.length + kept.wire.length,
        });
      }
    }),
    { numRuns: 40 },
  );
});

Deno.test("connections that break anywhere: no promise is broken, and trying again brings it to an end", async () => {
  const cuts = fc.array(fc.nat(900), { minLength: 1, maxLength: 8 });
  const troubled = fc.record({
    full: fc.subarray([0, 1, 2, 3, 4, 5]),
    refusing: fc.subarray([0, 1, 2, 3, 4, 5]),
  });
  await fc.assert(
    fc.asyncProperty(worlds, cuts, troubled, contents, async (world, cuts, troubled, content) => {
      const network = networkOf(world);
      for (const i of troubled.full) settle(network, i, { full: true });
      for (const i of troubled.refusing) settle(network, i, { accepting: false });
      const whole = network.link;
      const cut = inTurn(cuts);
      const host = network.host("a.test");
      const start = { pid: null, topic: "Hello" } as const;
      const to = [2, 3, 4, 5].map(userAt);
      const kept = await host.write({ from: userAt(0), to, start }, content);
      network.link = (): Link => ({ ...whole(), cutAfter: cut() });
      for (let i = 0; i < 2; i++) {
        for (const attempt of await deliverAll(network, host, kept)) {
          await assertAgreement(network, kept, attempt);
          if (attempt.outcome instanceof Terminate) {
            assert.notEqual(attempt.outcome.reason, "internal error", `${attempt.outcome}`);
          }
        }
      }
      network.link = whole;
      for (const attempt of await deliverAll(network, host, kept)) {
        await assertAgreement(network, kept, attempt);
        assertSettled(network, kept, attempt);
      }
      assertQuiet(network);
    }),
    { numRuns: 150 },
  );
});

function settle(
  network: TinyNetwork,
  index: number,
  facts: { readonly full?: boolean; readonly accepting?: boolean },
): void {
  const { domain, key } = userAt(index);
  const user = network.host(domain).users.get(key);
  if (user !== undefined) Object.assign(user, facts);
}

/** After an attempt that went through, each recipient has it once, or there is a reason why not. */
function assertSettled(network: TinyNetwork, kept: Kept, { outcome, domain }: Attempt): void {
  assert.ok(!(outcome instanceof Terminate), `${outcome}`);
  const there = network.host(domain);
  const holders = there.messages.get(hex(kept.hash))?.holders ?? new Set();
  const asked = recipients(kept.decoded.header).filter((address) => address.domain === domain);
  if (outcome.kind === "rejected") {
    assert.equal(outcome.code, 10);
    assert.ok(asked.every(({ key }) => holders.has(key)));
    return;
  }
  assert.ok(outcome.kind === "codes" && outcome.codes.length === asked.length);
  for (const [i, { key }] of asked.entries()) {
    const user = there.users.get(key);
    const expected = user?.full ? [101] : user?.accepting ? [200, 103] : [102];
    const code: number = outcome.codes[i] ?? 0;
    assert.ok(expected.includes(code), `${code} where ${expected} was expected`);
    assert.equal(holders.has(key), code === 200 || code === 103);
  }
}

Deno.test("P7 copies of a message, and of a batch, that arrive at once are taken once for each recipient", async () => {
  await fc.assert(
    fc.asyncProperty(worlds, contents, async (world, content) => {
      const network = networkOf(world);
      const host = network.host("a.test");
      const start = { pid: null, topic: "Hello" } as const;
      const message = await host.write({ from: userAt(0), to: [userAt(2)], start }, content);
      await deliverTwice(network, host, message, "b.test", [userAt(2)]);
      const batch = await host.add(message, userAt(0), [userAt(3)]);
      assert.ok(!isProblem(batch));
      await deliverTwice(network, host, batch, "b.test", [userAt(3)]);
      assertQuiet(network);
    }),
    { numRuns: 60 },
  );
});

async function deliverTwice(
  network: TinyNetwork,
  host: TinyHost,
  kept: Kept,
  domain: string,
  expected: readonly Address[],
): Promise<void> {
  const attempts = await Promise.all(
    [1, 2].map(() => network.simulation.run(() => host.deliver(kept, domain))),
  );
  await network.settled();
  const there = recipients(kept.decoded.header).filter((address) => address.domain === domain);
  const takers = attempts.flatMap(({ outcome }) =>
    outcome instanceof Terminate || outcome.kind !== "codes"
      ? []
      : there.filter((_, i) => outcome.codes[i] === 200)
  );
  assert.deepEqual(takers, expected);
  for (const { codes } of attempts) {
    const settled = codes.filter((code) => code !== 64 && code !== 65);
    assert.ok(settled.every((code) => code === 10 || code === 103 || code === 200), `${codes}`);
  }
}

Deno.test("a host that is not there: the exchange ends, and nothing is left of it", async () => {
  const world = { modes: ["always", "always", "always"], shared: false } as const;
  const network = networkOf({ ...world, clocks: [0, 0, 0], delays: [1], pieces: [99] });
  const host = network.host("a.test");
  const start = { pid: null, topic: "Hello" } as const;
  const kept = await host.write({ from: userAt(0), to: [userAt(2)], start }, []);
  network.link = () => ({ ...PLAIN_LINK, cutAfter: 0 });
  const [attempt] = await deliverAll(network, host, kept);
  assert.ok(attempt?.outcome instanceof Terminate);
  assert.equal(attempt.outcome.reason, "connection lost");
  assertQuiet(network);
});
