// A host is killed while it receives (rows P4 and P7): what it answered with 200 or 11 is there, whole and once.

import assert from "node:assert/strict";
import { openForReading } from "../../src/store/opening.ts";
import { hex } from "../../src/wire/mod.ts";
import { received } from "../conformance/outcome.ts";
import type { HostProcess } from "../support/host_process.ts";
import { addTo, draft, type Message, noise, recipientsAt, replyTo } from "../support/message.ts";
import type { Peer } from "../support/peer.ts";
import { PATIENCE, waitFor } from "../support/wait.ts";
import { World } from "../support/world.ts";
import { killAll, revive } from "./survival.ts";

/** Where an exchange is when the host dies. */
const PHASES = [
  "the header is sent",
  "the first code is read",
  "half of the data is sent",
  "all of the data is sent",
  "the last code is read",
] as const;

type Phase = typeof PHASES[number];

Deno.test("a host that is killed while it receives", async (t) => {
  await using world = await World.make();
  const host = await world.host({ challenge: "never", users: ["alice", "bob"] });
  const pat = await world.peer({ domain: "pat.test" });
  const [alice, bob, p] = [host.address("alice"), host.address("bob"), "@p@pat.test"];
  const original = draft({ from: p, to: [alice], body: noise(200_000) });
  assert.deepEqual((await pat.send(original)).codes, [64, 200]);
  const everything: Message[] = [original];

  /** A message of every kind: in one piece and staged, compressed, a batch with and without somebody here. */
  const oneOfEach = (): Message[] => {
    const messages = [
      draft({ from: p, to: [alice, bob], body: "Hello" }),
      draft({ from: p, to: [alice, bob], body: noise(300_000) }),
      draft({ from: p, to: [bob], body: "x".repeat(500_000), compress: true }),
      replyTo(original, { from: p, to: [alice] }),
      addTo(original, { from: p, to: [bob] }),
      addTo(original, { from: p, to: ["@x@elsewhere.test"] }),
      addTo(draft({ from: p, to: [alice], body: noise(100_000) }), { from: p, to: [bob] }),
    ];
    everything.push(...messages);
    return messages;
  };

  /** After the crash: what was answered is there, and the rest can be sent again. */
  const survives = async (answers: readonly Answered[]): Promise<void> => {
    await revive(host);
    for (const { message, codes } of answers) {
      const again = (await pat.send(message)).codes;
      const verdicts = (codes[0] ?? 0) >= 64 ? codes.slice(1) : [];
      if (codes.includes(11)) assert.deepEqual(again, [10]);
      // A batch that is recorded is a duplicate as a whole.
      if (again[0] === 10) continue;
      for (const [i, code] of verdicts.entries()) {
        if (code === 200) assert.equal(again[1 + i], 103, "what was answered with 200 is lost");
      }
    }
    for (const user of ["alice", "bob"]) assertOnce(host, user, everything);
  };

  for (const phase of PHASES) {
    await t.step(`P4 killed when ${phase}`, async () => {
      const reached: Promise<void>[] = [];
      const sendings = oneOfEach().map((message) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        reached.push(promise);
        return sendUpTo(pat, message, host, phase, resolve);
      });
      await Promise.all(reached);
      if (phase === "half of the data is sent") await waitFor(() => stagesSomething(host));
      await killAll(host);
      await survives(await Promise.all(sendings));
    });
  }

  await t.step("P4 the same again after it all, and nothing is left staged", async () => {
    await killAll(host);
    await survives([]);
    const { codes } = await pat.send(draft({ from: p, to: [alice, bob] }));
    assert.deepEqual(codes, [64, 200, 200]);
  });
});

/** A message and every byte that came in answer to it. */
interface Answered {
  readonly message: Message;
  readonly codes: readonly number[];
}

/** Sends a message, tells when the phase is reached, and stays in it where the next step is the sender's. */
async function sendUpTo(
  peer: Peer,
  message: Message,
  host: HostProcess,
  phase: Phase,
  reached: () => void,
): Promise<Answered> {
  const connection = await peer.dial();
  const codes: number[] = [];
  const read = async (count: number): Promise<void> => {
    codes.push(...await connection.take(count));
  };
  const { header, payload } = message;
  await connection.write(header);
  if (phase === "the header is sent") reached();
  await read(1);
  if (phase === "the first code is read") reached();
  if (codes[0] === 64) {
    const half = payload.length >> 1;
    if (phase === "the first code is read") await connection.linger(PATIENCE);
    await connection.write(payload.subarray(0, half));
    if (phase === "half of the data is sent") {
      reached();
      await connection.linger(PATIENCE);
    }
    await connection.write(payload.subarray(half));
  }
  if (phase === "half of the data is sent" || phase === "all of the data is sent") reached();
  await read(recipientsAt(message, host.domain));
  if (phase === "the last code is read") reached();
  await connection.close();
  return { message, codes };
}

/** Has content on its way in reached the store? */
function stagesSomething(host: HostProcess): boolean {
  using db = openForReading(host.dataDir);
  return db.get("SELECT 1 FROM content WHERE staged = 1") !== null;
}

/** No message is listed twice, and none that was never sent. */
function assertOnce(host: HostProcess, user: string, sent: readonly Message[]): void {
  const hashes = received(host, user).map(({ hash }) => hash);
  assert.equal(new Set(hashes).size, hashes.length);
  const known = new Set(sent.map(({ hash }) => hex(hash)));
  assert.deepEqual(hashes.filter((hash) => !known.has(hash ?? "")), []);
}
