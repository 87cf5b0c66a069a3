// Commands that write while the host they talk to is killed, or are killed themselves (row P4).

import assert from "node:assert/strict";
import { received, stored } from "../conformance/outcome.ts";
import { PROGRAM, type Ran } from "../support/host_commands.ts";
import type { HostProcess } from "../support/host_process.ts";
import { noise } from "../support/message.ts";
import { sleep } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { isWholeSoon, killAll, revive, ROUNDS, seeded } from "./survival.ts";

Deno.test("commands in a crash", async (t) => {
  await using world = await World.make();
  const host = await world.host({ challenge: "never", users: ["alice", "bob"] });
  const [alice, bob] = [host.address("alice"), host.address("bob")];
  const { id: original } = await host.send({ from: alice, to: [bob], body: noise(100_000) });
  const large = `${world.folder}/large.bin`;
  await Deno.writeFile(large, new Uint8Array(noise(3_000_000)));
  const letter = ["send", "--from", alice, "--to", bob, "--json"];
  const known = new Set<string>();

  /** What a command said is true: what it printed is there once, and what failed says why in one line. */
  const tellsTruth = ({ code, stdout, stderr }: Ran): void => {
    if (code !== 0) {
      assert.deepEqual([code, stdout], [1, ""], stderr);
      assert.match(stderr, /^fmsg: [^\n]+\n$/);
      return;
    }
    const printed: unknown = JSON.parse(stdout);
    const hash: unknown = Reflect.get(Object(printed), "hash");
    if (typeof hash !== "string") return;
    const id = Number(Reflect.get(Object(printed), "id"));
    const message = stored(host, id);
    assert.ok([message.hash, ...message.add_to.map((batch) => batch.hash)].includes(hash), hash);
    assert.ok(!known.has(hash));
    known.add(hash);
  };

  await t.step(
    "P4 the host is killed while commands write: what they printed is there",
    () =>
      seeded(async (random) => {
        for (let round = 0; round < ROUNDS; round++) {
          const commands = [
            host.cli([...letter, "Hello"]),
            host.cli([...letter, "--attach", large, "Hello"]),
            host.cli(["add-to", String(original), "--from", alice, `@u${round}@x.test`, "--json"]),
            host.cli(["user", "add", host.address(`user${round}`), "--json"]),
          ];
          await sleep(150 + random.below(400));
          await killAll(host);
          const ran = await Promise.all(commands);
          await revive(host);
          ran.forEach(tellsTruth);
          // A user that could not be added can be, and one that was is there.
          const address = host.address(`user${round}`);
          if (ran[3]?.code !== 0) await host.cli(["user", "add", address]);
          assert.equal((await host.user(address)).address, address);
          assertNothingTwice(host);
        }
      }),
  );

  await t.step(
    "P4 a command is killed while the host runs: nothing of it stays staged",
    () =>
      seeded(async (random) => {
        for (let round = 0; round < ROUNDS; round++) {
          await killed([...letter, "--attach", large, "Hello"], host, 150 + random.below(300));
          await isWholeSoon(host);
          assertNothingTwice(host);
        }
      }),
  );

  await t.step(
    "P4 a command is killed while no host runs: the next start finds all in order",
    () =>
      seeded(async (random) => {
        await host.stop();
        for (let round = 0; round < ROUNDS; round++) {
          await killed([...letter, "--attach", large, "Hello"], host, 150 + random.below(300));
          if (round % 2 === 0) tellsTruth(await host.cli([...letter, "Hello"]));
        }
        await revive(host);
        assertNothingTwice(host);
        tellsTruth(await host.cli([...letter, "--attach", large, "Hello"]));
      }),
  );
});

/** Starts a command and kills it after `ms`; it may have come to its end before. */
async function killed(args: readonly string[], host: HostProcess, ms: number): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...PROGRAM, ...args],
    env: { FMSG_CONFIG: host.configFile },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const timer = setTimeout(() => tryToKill(child), ms);
  await child.status;
  clearTimeout(timer);
}

/** It may end at this very moment. */
function tryToKill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}

function assertNothingTwice(host: HostProcess): void {
  const hashes = received(host, "bob").map(({ hash }) => hash);
  assert.equal(new Set(hashes).size, hashes.length);
}
