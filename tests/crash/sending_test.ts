// A host is killed while it sends (row D7): what was queued goes out once, or again to a host that says it has it.

import assert from "node:assert/strict";
import { encodeHeader, type Header, headerHash, hex, recipients } from "../../src/wire/mod.ts";
import { addTo, send } from "../conformance/command.ts";
import { queued, settled, stored } from "../conformance/outcome.ts";
import { noise } from "../support/message.ts";
import type { Peer } from "../support/peer.ts";
import type { Answer, Received } from "../support/peer_receive.ts";
import { sleep, waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { count, killAll, revive, ROUNDS, seeded } from "./survival.ts";

/** A phase of an exchange in which the host dies, and what comes of it when it lives again. */
interface Phase {
  /** What keeps the host there. */
  readonly answer?: Answer;
  readonly isReached: (got: Received) => boolean;
  /** The peer took the message, so that it says 103 the next time. */
  readonly taken?: true;
}

const PHASES: Readonly<Record<string, Phase>> = {
  header: { answer: { hang: "header" }, isReached: ({ header }) => header !== null },
  data: {
    answer: { hang: "data", dataBytes: 1000 },
    isReached: ({ payload }) => payload.length === 1000,
  },
  codes: { answer: { hang: "codes" }, isReached: ({ message }) => message !== null },
  midway: { answer: { close: false }, isReached: ({ codes }) => codes.length === 1, taken: true },
};

Deno.test("a host that is killed while it sends", async (t) => {
  await using world = await World.make();
  const host = await world.host({
    challenge: "never",
    delivery: { retry_initial: "100ms", retry_max: "100ms" },
    users: ["alice"],
  });
  const from = host.address("alice");

  await t.step("D7 killed in every phase of an exchange: it is made once more", async () => {
    const peers = new Map<string, Careful>();
    for (const name of ["handshake", ...Object.keys(PHASES), "end"]) {
      const careful = new Careful(await world.peer({ domain: `${name}.test` }));
      peers.set(name, careful);
      const phase = PHASES[name];
      if (phase?.answer !== undefined) careful.once(phase.answer, phase.taken === true ? 1 : 2);
    }
    peers.get("handshake")?.peer.setTls("mute");
    const to = [...peers.values()].flatMap(({ peer }) => [peer.address("a"), peer.address("b")]);
    const attach = [{ filename: "noise.png", body: noise(300_000) }];
    const { id } = await host.send({ from, to, attach });
    for (const [name, { peer }] of peers) {
      const isReached = PHASES[name]?.isReached ?? (({ codes }) => codes.length === 2);
      await waitFor(() =>
        name === "handshake" ? peer.calls.length > 0 : peer.received.some(isReached)
      );
    }
    await killAll(host);
    peers.get("handshake")?.peer.setTls("good");
    await revive(host);

    const words = await settled(host, id);
    for (const [name, { peer }] of peers) {
      const [a, b] = words.filter((line) => line.includes(`@${name}.test `));
      const [code] = /\d+$/.exec(a ?? "") ?? [];
      assert.deepEqual([a, b], ["a", "b"].map((user) => `${peer.address(user)} delivered ${code}`));
      const times = peer.received.length;
      if (name === "handshake") assert.deepEqual([code, times], ["200", 1]);
      // Whether the end was recorded is a matter of microseconds; what was recorded is not sent again.
      else if (name === "end") {
        assert.deepEqual([code, times], times === 1 ? ["200", 1] : ["103", 2]);
      } else assert.deepEqual([code, times], [PHASES[name]?.taken ? "103" : "200", 2]);
    }
    assert.equal(queued(host), 0);
  });

  await t.step(
    "D7 killed at random moments: nothing is lost, nothing recorded goes out again",
    () =>
      seeded(async (random) => {
        const peers: Careful[] = [];
        for (let i = 0; i < 3; i++) {
          peers.push(new Careful(await world.peer({ domain: `random${i}.test` }), 15));
        }
        const to = peers.map(({ peer }) => peer.address("a"));
        for (let round = 0; round < ROUNDS; round++) {
          for (const peer of peers) peer.forget();
          const sent = [];
          for (let i = 0; i < 4; i++) {
            sent.push(
              await send(host, { from, to, body: "All work and no play. ".repeat(5000 * i) }),
            );
          }
          const [first, second] = sent;
          const reply = await send(host, { from, to, replyTo: first?.id ?? 0 });
          const batch = await addTo(host, second?.id ?? 0, from, "@b@random0.test");
          await sleep(random.below(120));
          await killAll(host);

          const ids = [...sent, reply].map(({ id }) => id);
          const recorded = ids.map((id) => stored(host, id)).flatMap(({ hash, delivery }) =>
            delivery.filter(({ state }) => state === "delivered")
              .map(({ address }) => `${hash} ${address}`)
          );
          const before = peers.map(({ peer }) => peer.received.length);
          await revive(host);
          for (const id of ids) {
            for (const line of await settled(host, id)) assert.match(line, / delivered (200|103)$/);
          }
          await waitFor(() => queued(host) === 0);

          for (const [i, careful] of peers.entries()) {
            const { peer } = careful;
            const restart = before[i] ?? 0;
            const [early, late] = [careful.hashes(0, restart), careful.hashes(restart)];
            for (const hashes of [early, late]) {
              assert.equal(new Set(hashes).size, hashes.length, "nothing twice in one run");
            }
            for (const hash of late) {
              assert.ok(!recorded.includes(`${hash} ${peer.address("a")}`), "it was recorded");
            }
            const wanted: string[] = [...sent, reply, batch].map(({ hash }) => hash);
            const got = [...new Set([...early, ...late])];
            count("deliveries checked", got.length);
            assert.deepEqual(got.toSorted(), wanted.toSorted(), "nothing is lost, or not ours");
            assert.ok(got.indexOf(first?.hash ?? "") < got.indexOf(reply.hash), "the parent first");
            assert.ok(
              got.indexOf(second?.hash ?? "") < got.indexOf(batch.hash),
              "the original first",
            );
          }
        }
      }),
  );
});

/** A peer that takes each message once, and says 103 when it comes again. */
class Careful {
  /** Header hashes of what was taken. */
  readonly #taken = new Set<string>();
  #start = 0;

  constructor(readonly peer: Peer, codesAfter = 0) {
    peer.answerAll({ codesAfter, codes: (header) => this.#codes(header) });
  }

  /** The next message is answered so, and with that many codes. */
  once(answer: Answer, codes: number): void {
    this.peer.script({ codes: (header) => this.#codes(header).slice(0, codes), ...answer });
  }

  /** What came so far is no matter of what follows. */
  forget(): void {
    this.#start = this.peer.received.length;
  }

  /** Hashes of the messages that came whole, from one position up to another. */
  hashes(from: number, to = Infinity): string[] {
    return this.peer.received.slice(Math.max(from, this.#start), to)
      .flatMap(({ message }) => message === null ? [] : [hex(message.hash)]);
  }

  #codes(header: Header): number[] {
    const key = hex(headerHash(encodeHeader(header)));
    const known = this.#taken.has(key);
    this.#taken.add(key);
    const here = recipients(header).filter(({ domain }) => domain === this.peer.domain);
    return here.map(() => known ? 103 : 200);
  }
}
