// Two hosts, of which one or both are killed while messages go from one to the other (rows D7 and P7).

import assert from "node:assert/strict";
import { addTo, send } from "../conformance/command.ts";
import { queued, received, settled } from "../conformance/outcome.ts";
import type { HostProcess } from "../support/host_process.ts";
import { sleep, waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { count, killAll, type Random, revive, ROUNDS, seeded } from "./survival.ts";

Deno.test("hosts that are killed while one sends to the other", async (t) => {
  await using world = await World.make();
  const delivery = { retry_initial: "100ms", retry_max: "100ms" };
  const common = { challenge: "always", delivery } as const;
  const sender = await world.host({ ...common, users: ["alice"] });
  const receiver = await world.host({ ...common, users: ["bob", "bert"] });

  const victims: Readonly<Record<string, readonly HostProcess[]>> = {
    "the sender": [sender],
    "the receiver": [receiver],
    "both": [sender, receiver],
  };
  for (const [name, hosts] of Object.entries(victims)) {
    await t.step(`D7 ${name} killed: each message arrives, once`, () =>
      seeded(async (random) => {
        for (let round = 0; round < ROUNDS; round++) {
          const seen = receiver.log.length;
          const { ids, hashes, batches } = await sendSome(sender, receiver, random);
          await sleep(random.below(200));
          await killAll(...hosts);
          for (const host of hosts) await revive(host);

          for (const id of ids) {
            // 10 is what a host says of a batch, and of a message, that everybody has.
            for (const line of await settled(sender, id)) {
              assert.match(line, / delivered (200|103|10)$/);
            }
          }
          await waitFor(() => queued(sender) === 0);
          const listed = received(receiver, "bob").map(({ hash }) => hash);
          for (const hash of hashes) {
            assert.equal(listed.filter((other) => other === hash).length, 1, "lost, or twice");
          }
          const added = received(receiver, "bert").flatMap(({ add_to }) => add_to);
          for (const hash of batches) {
            assert.equal(added.filter((batch) => batch.hash === hash).length, 1, "lost, or twice");
          }
          assertTakenOnce(receiver, seen);
          count("deliveries checked", hashes.length + batches.length);
        }
      }));
  }
});

/** Small and large messages for bob, one of which is a reply, and batches that add bert to two of them. */
async function sendSome(
  sender: HostProcess,
  receiver: HostProcess,
  random: Random,
): Promise<{
  readonly ids: readonly number[];
  readonly hashes: readonly string[];
  readonly batches: readonly string[];
}> {
  const from = sender.address("alice");
  const to = [receiver.address("bob")];
  const sent = [];
  for (const length of [1, 40_000, 300_000 + random.below(3_000_000)]) {
    sent.push(await send(sender, { from, to, body: "x".repeat(length) }));
  }
  const batches = [];
  for (const { id } of sent.slice(1)) {
    batches.push(await addTo(sender, id, from, receiver.address("bert")));
  }
  sent.push(await send(sender, { from, to, replyTo: sent[0]?.id ?? 0 }));
  return {
    ids: sent.map(({ id }) => id),
    hashes: sent.map(({ hash }) => hash),
    batches: batches.map(({ hash }) => hash),
  };
}

/** The receiver said 200 to nothing twice: a second time it is 103 for those who have it, and 10 when all have. */
function assertTakenOnce(receiver: HostProcess, from: number): void {
  const taken = new Set<unknown>();
  for (const line of receiver.log.slice(from)) {
    const { direction, header_hash, codes } = line;
    if (direction !== "in" || !Array.isArray(codes) || !codes.includes(200)) continue;
    assert.ok(!taken.has(header_hash), `taken twice: ${JSON.stringify(line)}`);
    taken.add(header_hash);
  }
}
