// A host is killed while much and many things come in (rows P4 and P7), also in the midst of commits and of checkpoints:
// what it answered with 200 or 11 is there, whole and once.

import assert from "node:assert/strict";
import { join } from "node:path";
import { hex } from "../../src/wire/mod.ts";
import { received } from "../conformance/outcome.ts";
import type { HostProcess } from "../support/host_process.ts";
import { World } from "../support/world.ts";
import type { Order } from "./killer.ts";
import { cutIn, type Exchanged, isTaken, Mixture } from "./mixture.ts";
import { count, killAll, type Random, revive, ROUNDS, seeded } from "./survival.ts";

/** When a host dies. Only checkpoints write to the store's file, only commits to its log. */
const TRIGGERS = ["a checkpoint", "a commit", "any moment"] as const;

/** Bytes that a store may have before another one takes its place: each round reads all of it. */
const ENOUGH = 60_000_000;

Deno.test("a host that is killed while everything comes in", async (t) => {
  await using world = await World.make();
  const host = await world.host({ challenge: "always", start: false });
  await host.addUsers([host.address("alice"), host.address("bob")]);
  const peers = [await world.peer(), await world.peer(), await world.peer()];
  await using empty = await Copy.of(host);
  await host.start();

  for (const trigger of TRIGGERS) {
    await t.step(`P4 killed at ${trigger}`, () =>
      seeded(async (random) => {
        const mixture = new Mixture(host, peers, random);
        let known = new Known(host);
        for (let round = 0; round < ROUNDS; round++) {
          if (Deno.statSync(file(host)).size > ENOUGH) {
            await empty.putBack();
            mixture.forget();
            known = new Known(host);
          }
          const killer = new Killer(order(host, trigger, random));
          const exchanged = await mixture.run(1 + random.below(6), () => killer.done);
          await killer.end();
          await killAll(host);
          for (const { message, sent } of exchanged) {
            const cut = cutIn(sent, message);
            if (cut !== null) count(`exchanges cut in their ${cut}`);
          }
          await revive(host);
          await known.survive(exchanged);
        }
        await empty.putBack();
      }));
  }
});

function file(host: HostProcess): string {
  return join(host.dataDir, "fmsg.db");
}

function order(host: HostProcess, trigger: typeof TRIGGERS[number], random: Random): Order {
  const common = { pid: host.pid, ms: 15_000 };
  switch (trigger) {
    case "a checkpoint":
      return { ...common, file: file(host), changes: 1, delay: random.below(2) * random.below(40) };
    case "a commit":
      return {
        ...common,
        file: `${file(host)}-wal`,
        changes: 1 + random.below(30),
        delay: random.below(3) / 2,
      };
    case "any moment":
      return { ...common, file: file(host), changes: 0, delay: random.below(800) };
  }
}

/** A thread with an order to kill. */
class Killer {
  done = false;
  readonly #worker = new Worker(new URL("./killer.ts", import.meta.url), { type: "module" });
  readonly #over: Promise<void>;

  constructor(order: Order) {
    this.#over = new Promise((resolve) => {
      this.#worker.onmessage = () => {
        this.done = true;
        resolve();
      };
    });
    this.#worker.postMessage(order);
  }

  async end(): Promise<void> {
    await this.#over;
    this.#worker.terminate();
  }
}

/** What a store has. */
class Known {
  readonly #sent = new Set<string>();
  readonly #listed = { alice: new Set<string>(), bob: new Set<string>() };

  constructor(readonly host: HostProcess) {}

  /** After a crash: what was answered is all there, what was there before still is, and nothing is there twice. */
  async survive(exchanged: readonly Exchanged[]): Promise<void> {
    for (const { peer, message, sent } of exchanged) {
      this.#sent.add(hex(message.hash));
      if (!isTaken(sent)) continue;
      count("200s and 11s checked", sent.rest.filter((code) => code === 200).length || 1);
      const { codes } = await peer.send(message);
      assert.deepEqual(codes, [10], `${sent.codes} was answered, and it is not all there`);
    }
    for (const user of ["alice", "bob"] as const) {
      const before = this.#listed[user];
      const hashes = received(this.host, user).map(({ hash }) => hash ?? "");
      const now = new Set(hashes);
      assert.equal(now.size, hashes.length, "a message is listed twice");
      assert.deepEqual(hashes.filter((hash) => !this.#sent.has(hash)), [], "nobody sent it");
      assert.deepEqual([...before].filter((hash) => !now.has(hash)), [], "it was there before");
      this.#listed[user] = now;
    }
  }
}

/** The store of a host with users and without messages. */
class Copy implements AsyncDisposable {
  private constructor(readonly host: HostProcess, readonly folder: string) {}

  /** Of a host that does not run. */
  static async of(host: HostProcess): Promise<Copy> {
    const copy = new Copy(host, await Deno.makeTempDir({ prefix: "fmsg-test-" }));
    await Deno.copyFile(file(host), join(copy.folder, "fmsg.db"));
    return copy;
  }

  async putBack(): Promise<void> {
    assert.equal(await this.host.stop(), 0);
    await Deno.copyFile(join(this.folder, "fmsg.db"), file(this.host));
    await this.host.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}
