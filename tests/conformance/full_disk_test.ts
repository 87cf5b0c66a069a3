// A disk that is really full (row P8): nothing is half stored, the host goes on, and takes messages again by itself.

import assert from "node:assert/strict";
import * as v from "valibot";
import { hex } from "../../src/wire/mod.ts";
import { isWholeSoon } from "../crash/survival.ts";
import type { HostProcess } from "../support/host_process.ts";
import { draft, type Message, noise } from "../support/message.ts";
import type { Peer } from "../support/peer.ts";
import { answeredRightly } from "../support/peer_receive.ts";
import { view } from "../support/host_views.ts";
import { PROGRAM } from "../support/host_commands.ts";
import { SmallDisk, smallDiskTest } from "../support/small_disk.ts";
import { waitFor } from "../support/wait.ts";
import { type HostChoices, World } from "../support/world.ts";
import type { MessageView } from "../../src/store/mod.ts";
import { command, retry, send } from "./command.ts";
import { queued, received, settled, stored } from "./outcome.ts";

const MIB = 1024 * 1024;

/** The host keeps a reserve of 32 MiB of it. */
const SIZE = 60 * MIB;

const STATUS = v.object({
  counts: v.object({ faults: v.number(), staging: v.number(), exchanges_in: v.number() }),
});

const FULL = "fmsg: The disk is full: free some space and try again\n";

/** A host whose data lies on a small disk, and a peer that writes to its users. */
class FullDisk implements AsyncDisposable {
  readonly alice: string;
  readonly bob: string;
  /** Messages that were answered with 200 for both users, and what was said of the others. */
  readonly kept: Message[] = [];
  readonly refused: (readonly number[])[] = [];

  private constructor(
    readonly world: World,
    readonly host: HostProcess,
    readonly disk: SmallDisk,
    readonly pat: Peer,
    private readonly closing: AsyncDisposableStack,
  ) {
    this.alice = host.address("alice");
    this.bob = host.address("bob");
  }

  static async set(choices: HostChoices = {}): Promise<FullDisk> {
    await using made = new AsyncDisposableStack();
    const world = made.use(await World.make());
    const host = await world.host({
      challenge: "always",
      delivery: { retry_initial: "100ms", retry_max: "100ms" },
      ...choices,
      start: false,
    });
    const disk = made.use(await SmallDisk.at(host.dataDir, SIZE));
    await host.start();
    await host.addUsers([host.address("alice"), host.address("bob")]);
    const pat = await world.peer({ domain: "pat.test" });
    return new FullDisk(world, host, disk, pat, made.move());
  }

  /** One message for both users. It is taken for both, or for nobody: refused with 5, or terminated. */
  async receive(size: number): Promise<readonly number[]> {
    const to = [this.alice, this.bob];
    const message = draft({ from: this.pat.address("p"), to, body: noise(size) });
    const { codes, terminated } = await this.pat.send(message);
    if (codes.join() === "64,200,200") this.kept.push(message);
    else {
      if (codes.join() !== "5") assert.ok(terminated && codes.length <= 1, codes.join());
      this.refused.push(codes);
    }
    return codes;
  }

  /** Messages of several sizes at once, until none of them is taken. */
  async fillUp(): Promise<void> {
    for (let round = 0; round < 40; round++) {
      const before = this.kept.length;
      await Promise.all(
        [3 * MIB, 1, MIB, 70_000, 1000, 300_000, 100].map((size) => this.receive(size)),
      );
      if (this.kept.length === before) return;
    }
    assert.fail("the disk does not get full");
  }

  /** What was answered with 200 and not deleted is there, once and whole, and nothing else. */
  async isTrue(): Promise<void> {
    const wanted = this.kept.map(({ hash }) => hex(hash)).toSorted();
    for (const user of ["alice", "bob"]) {
      assert.deepEqual(received(this.host, user).map(({ hash }) => hash).toSorted(), wanted);
    }
    await isWholeSoon(this.host, { deleted: true });
  }

  /** Nothing that failed has left anything in the host, and nothing failed that nobody foresaw. */
  async isAtRest(): Promise<void> {
    await waitFor(async () => {
      const status: unknown = await this.host.json(["host", "status"]);
      const { counts } = view(STATUS, status);
      assert.equal(counts.faults, 0);
      return counts.staging === 0 && counts.exchanges_in === 0;
    });
  }

  /** Deletes messages, as an operator does to make room. */
  async deletes(messages: readonly MessageView[]): Promise<void> {
    for (const { id, hash } of messages) {
      const deleted = await command(this.host, ["message", "delete", String(id)]);
      assert.deepEqual([deleted.status, deleted.stderr], [0, ""]);
      this.kept.splice(this.kept.findIndex((message) => hex(message.hash) === hash), 1);
    }
  }

  async takesAgain(): Promise<void> {
    await waitFor(async () => (await this.receive(1000)).includes(200));
    assert.deepEqual(await this.receive(3 * MIB), [64, 200, 200]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.closing.disposeAsync();
  }
}

smallDiskTest("a disk that messages fill", import.meta.filename, SIZE, async (t) => {
  await using stage = await FullDisk.set();
  const { world, host, disk, alice, bob } = stage;
  const far = await world.peer({ domain: "far.test", listen: false });
  far.answerAll({ challenge: true });
  await stage.receive(100_000);
  const { id: waiting } = await send(host, {
    from: alice,
    to: [far.address("f")],
    body: "x".repeat(50_000),
  });
  const first = received(host, "alice")[0]?.id ?? 0;
  await disk.fill(6 * MIB);

  await t.step(
    "P8 while it fills, what is answered with 200 is stored, the rest is not",
    async () => {
      // One after the other these have room, whichever of the others comes first then.
      for (let i = 0; i < 6; i++) assert.deepEqual(await stage.receive(1000), [64, 200, 200]);
      await stage.fillUp();
      assert.ok(stage.kept.length > 5 && stage.refused.length > 5);
      await stage.isTrue();
    },
  );
  await t.step("P8 reading needs no room", async () => {
    for (const words of [["list", alice], ["show", String(first)], ["queue", "list"]]) {
      assert.equal((await command(host, words)).status, 0);
    }
    assert.deepEqual(await host.save(first), noise(100_000));
    await stage.isAtRest();
    assert.equal((await host.user(bob)).usage.recv_messages, stage.kept.length);
  });
  await t.step("P8 sending is refused in words", async () => {
    const refused = await command(host, ["send", "--from", alice, "--to", bob, "--", "Hello"]);
    assert.deepEqual([refused.status, refused.stdout, refused.stderr], [1, "", FULL]);
  });
  await t.step("P8 a challenge is answered, and what came of a delivery is recorded", async () => {
    await far.listen();
    await retry(host, waiting);
    assert.deepEqual(await settled(host, waiting), [`${far.address("f")} delivered 200`]);
    assert.equal(far.received.filter(({ message }) => message !== null).length, 1);
    assert.ok(far.received.every(answeredRightly));
    assert.equal(queued(host), 0);
  });
  await t.step("P8 a user can be told not to accept, and is asked nothing more", async () => {
    await host.setUser(bob, "--accepting=false");
    await host.setUser(bob, "--accepting=true");
  });
  await t.step("P8 somebody takes the last byte: the host goes on", async () => {
    await disk.fill();
    await stage.fillUp();
    assert.equal((await command(host, ["list", alice])).status, 0);
    await stage.isTrue();
    await stage.isAtRest();
  });
  await t.step("P8 when there is room, messages are taken again", async () => {
    await disk.clear();
    await stage.takesAgain();
    await stage.isTrue();
    await send(host, { from: alice, to: [bob] });
    assert.equal(await host.stop(), 0);
  });
});

smallDiskTest("a disk that others fill", import.meta.filename, SIZE, async (t) => {
  await using stage = await FullDisk.set();
  const { world, host, disk, alice, bob } = stage;
  const far = await world.peer({ domain: "far.test" });
  far.answerAll({ drop: "codes" });
  const { id: waiting } = await send(host, { from: alice, to: [far.address("f")] });
  for (let i = 0; i < 4; i++) await stage.receive(MIB);
  // From the log into the store's file, which gets shorter again with what is deleted.
  assert.equal(await host.stop(), 0);
  await host.start();

  await t.step("P8 to the last byte: what came of a delivery is recorded", async () => {
    await disk.fill();
    assert.equal(disk.room < 65_536, true);
    await stage.fillUp();
    far.answerAll({});
    await retry(host);
    assert.deepEqual(await settled(host, waiting), [`${far.address("f")} delivered 200`]);
    await stage.isTrue();
  });
  await t.step("P8 deleting works, and gives room back", async () => {
    const room = disk.room;
    await stage.deletes(received(host, "bob"));
    await waitFor(() => disk.room > room + 3 * MIB);
    await stage.isTrue();
  });
  await t.step("P8 the host stops in order, and starts on a full disk", async () => {
    assert.equal(await host.stop(), 0);
    await disk.fill(5 * MIB);
    await host.start();
    assert.equal((await command(host, ["list", alice])).status, 0);
    await host.setUser(bob, "--accepting=true");
    await stage.isTrue();
  });
  await t.step("P8 where nothing at all is left it does not start, and says why", async () => {
    assert.equal(await host.stop(), 0);
    await disk.fill();
    await assert.rejects(host.start(), /full|No space/);
  });
  await t.step("P8 with room it starts and takes messages", async () => {
    await disk.clear();
    await host.start();
    await stage.takesAgain();
    assert.equal(await host.stop(), 0);
  });
});

smallDiskTest(
  "P8 killed while a disk gets full, a host starts on the full disk, and nothing is left staged",
  import.meta.filename,
  SIZE,
  async () => {
    await using stage = await FullDisk.set({ challenge: "never" });
    const { host, disk, pat, alice } = stage;
    const large = draft({ from: pat.address("p"), to: [alice], body: noise(6 * MIB) });
    const never = new Promise<void>(() => {});
    const sending = [large].map((message) => pat.send(message, { lastByteAfter: never, ms: 5000 }));
    await waitFor(() => disk.room < SIZE - 38 * MIB);
    await host.kill();
    await Promise.all(sending);
    await disk.fill();
    await host.start();
    await stage.isTrue();
    await disk.clear();
    await stage.takesAgain();
    assert.equal(await host.stop(), 0);
  },
);

smallDiskTest("below the floor", import.meta.filename, SIZE, async (t) => {
  await using stage = await FullDisk.set({ limits: { min_free_disk: "8MiB" } });
  const { world, host, disk, alice, bob } = stage;
  const far = await world.peer({ domain: "far.test", listen: false });
  far.answerAll({ challenge: true });
  await stage.receive(200_000);
  const { id } = await send(host, { from: alice, to: [far.address("f")] });
  await disk.fill(7 * MIB);
  await t.step("P8 messages are answered with 5, whatever their size", async () => {
    await waitFor(async () => (await stage.receive(1)).join() === "5");
    await stage.fillUp();
    assert.deepEqual(new Set(stage.refused.map(String)), new Set(["5"]));
  });
  await t.step("P8 the host goes on with what needs no room", async () => {
    await far.listen();
    await retry(host, id);
    assert.deepEqual(await settled(host, id), [`${far.address("f")} delivered 200`]);
    assert.ok(far.received.every(answeredRightly));
    assert.equal(stored(host, id).delivery.length, 1);
    await host.setUser(bob, "--accepting=true");
    await stage.deletes(received(host, "bob").slice(0, 1));
    await stage.isTrue();
  });
  await t.step("P8 above it messages are taken again", async () => {
    await disk.clear();
    await stage.takesAgain();
    assert.equal(await host.stop(), 0);
  });
});

Deno.test("S3 a log that nothing can be written to is no reason to end", async () => {
  await using world = await World.make();
  const host = await world.host({ challenge: "never", start: false });
  await host.addUser(host.address("alice"));
  const pat = await world.peer();
  const words = [Deno.execPath(), ...PROGRAM, "host", "run"].map((word) => `'${word}'`).join(" ");
  await using child = new Deno.Command("sh", {
    args: ["-c", `exec ${words} 2>/dev/full`],
    env: { FMSG_CONFIG: host.configFile },
    stdin: "null",
  }).spawn();
  try {
    const message = () => draft({ from: pat.address("p"), to: [host.address("alice")] });
    await waitFor(async () => (await pat.send(message())).codes.includes(200));
    for (let i = 0; i < 20; i++) assert.deepEqual((await pat.send(message())).codes, [64, 200]);
  } finally {
    child.kill("SIGTERM");
  }
  assert.equal((await child.status).code, 0);
});
