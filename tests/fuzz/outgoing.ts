// A step in which the host under test sends to the odd host, and is answered in odd ways once; then as it should be.

import {
  ACCEPT_ADD_TO,
  concat,
  equal,
  headerHash,
  hex,
  UNSUPPORTED_VERSION,
  wireSize,
} from "../../src/wire/mod.ts";
import { draft, noise } from "../support/message.ts";
import { waitFor } from "../support/wait.ts";
import type { Plan, Played } from "./odd_host.ts";
import { lineTo, type Outcome, signatureOf } from "./outcome.ts";
import type { Outgoing } from "./recipe.ts";
import { understand } from "./understanding.ts";
import { ALICE, type Lane, type Scene, SINK, type Slot } from "./scene.ts";

export async function playOutgoing(recipe: Outgoing, lane: Lane, scene: Scene): Promise<Outcome> {
  const slot = slotOf(recipe, lane);
  const original = await prepare(recipe, slot, lane, scene);
  using plan = scene.odd.plan(slot.domain, slot.ip, recipe.acts);
  const seen = scene.host.log.length;
  const calls = scene.odd.calls.length;
  if (recipe.line !== null) lane.down.arm(recipe.line);
  scene.odd.setTls(recipe.tls, lane.faked.ip);
  try {
    const id = await start(recipe, slot, original, scene);
    if (recipe.tls !== "good") {
      // The next attempt meets a host that is in order.
      await waitFor(() => scene.odd.calls.slice(calls).some(({ to }) => to === slot.ip), {
        what: "an attempt to deliver",
      });
      scene.odd.setTls("good", lane.faked.ip);
    }
    await waitFor(() => isThrough(id, original, scene), {
      ms: THROUGH_MS,
      what: `message ${id} to ${slot.domain} to be delivered or given up`,
    });
    const line = await lineTo(slot.domain, scene.host, seen);
    const problem = playedProblem(plan) ?? resultProblem(id, original, slot, plan, scene);
    const codes = line?.codes;
    const phase = recipe.tls === "good" ? recipe.what : recipe.tls;
    return {
      signature: signatureOf({ kind: "outgoing", phase, codes: numbers(codes), line }),
      problem,
      exchanges: plan.played.length,
    };
  } finally {
    lane.down.arm(null);
    scene.odd.setTls("good", lane.faked.ip);
  }
}

/** Attempts go on until one meets a host in order: a second later, unless the machine is slow. */
const THROUGH_MS = 60_000;

/** The domain that is sent to; at that of the line or of the certificate, where those are odd. */
function slotOf({ line, tls }: Outgoing, lane: Lane): Slot {
  if (tls !== "good") return lane.faked;
  return line === null ? lane.plain : lane.spoilt;
}

/** The original that a batch adds to: alice's own, or one that she got from that domain. Null for a message. */
async function prepare(
  { what }: Outgoing,
  slot: Slot,
  lane: Lane,
  scene: Scene,
): Promise<number | null> {
  const uma = `@uma@${slot.domain}`;
  switch (what) {
    case "message":
      return null;
    case "added": {
      const { id } = await scene.send(ALICE, [uma], noise(100));
      await waitFor(() => isThrough(id, null, scene), { what: `message ${id} to be delivered` });
      return id;
    }
    case "notification": {
      const message = draft({ from: uma, to: [ALICE], body: "Hello" });
      using _ = scene.odd.answerChallenges(
        headerHash(message.header),
        { hash: message.hash, how: "right" },
      );
      const connection = await scene.dial(lane, { source: slot.ip });
      try {
        await connection.write(message.header);
        await connection.write(message.payload);
        const codes = [...await connection.take(2)];
        if (codes.join() !== "64,200") throw new Error(`A good message got ${codes.join()}`);
      } finally {
        await connection.close();
      }
      return scene.idOf(message.hash);
    }
  }
}

function start(
  { what, length }: Outgoing,
  { domain }: Slot,
  original: number | null,
  scene: Scene,
): Promise<number> {
  if (original === null) {
    return scene.send(ALICE, [`@uma@${domain}`], noise(length)).then(({ id }) => id);
  }
  return scene.addTo(original, ALICE, [what === "added" ? `@vic@${domain}` : `@vic@${SINK}`]);
}

/** Nothing waits for delivery any more: of a message, or of the batch on an original. */
function isThrough(id: number, original: number | null, { mailbox }: Scene): boolean {
  return mailbox.queue().every((entry) =>
    original === null ? entry.id !== id : entry.batch_id !== id
  );
}

function playedProblem({ played }: Plan): string | null {
  const headers = new Set(
    played.flatMap(({ header }) => header === null ? [] : [hex(header.bytes)]),
  );
  return played.map(({ problem }) => problem).find((problem) => problem !== null) ??
    played.map(challengeProblem).find((problem) => problem !== null) ??
    (headers.size > 1 ? "the next attempt comes with another header" : null);
}

/** C5: the message hash for who asks rightly (one and the same), not a byte for others. */
function challengeProblem({ asked }: Played): string | null {
  const [right, ...more] = asked.filter(({ rightly }) => rightly);
  const others = asked.filter(({ rightly }) => !rightly);
  // What begins like a message of an unknown version is no challenge: it gets code 2.
  const odd = others.find(({ version, answer }) =>
    answer.length > 0 && !(version <= 128 && answer.join() === String(UNSUPPORTED_VERSION))
  );
  if (odd !== undefined) return `a wrong challenge is answered with ${odd.answer.toHex()}`;
  if (right === undefined) return null;
  if (right.answer.length !== 32) {
    return `a challenge is answered with ${right.answer.length} bytes`;
  }
  return more.some(({ answer }) => !equal(answer, right.answer)) ? "the answers differ" : null;
}

/** D4 and D5: what is recorded of the recipient was said by the odd host. */
function resultProblem(
  id: number,
  original: number | null,
  { domain }: Slot,
  { played }: Plan,
  { mailbox }: Scene,
): string | null {
  const said = played.flatMap(({ said }) => said);
  const message = mailbox.message(original ?? id);
  if (message === null) return `message ${id} is lost`;
  const address = original === null ? `@uma@${domain}` : `@vic@${domain}`;
  const delivery = message.delivery.find((delivery) => delivery.address === address);
  if (delivery === undefined) {
    const informed = said.includes(ACCEPT_ADD_TO) || said.some((code) => code >= 1 && code <= 10);
    return original !== null && informed ? null : `nothing is recorded of ${address}`;
  }
  const { state, code } = delivery;
  if (state === "pending" || code === null) return `${address} is ${state}, and nothing waits`;
  if (!said.includes(code)) return `${address} is recorded as ${code}, and ${said.join()} was said`;
  const good = original === null ? [200, 103, 105, 10] : [200, 103, 105, 10, ACCEPT_ADD_TO];
  if (state === "delivered" && !good.includes(code)) return `${address} is delivered with ${code}`;
  const { hash } = original === null
    ? message
    : message.add_to.find((batch) => batch.batch_id === id) ?? { hash: null };
  if (played.some((exchange) => hash !== (contentHash(exchange) ?? hash))) {
    return "the data is not what was sent";
  }
  const answers = played.flatMap(({ asked }) => asked).filter(({ rightly }) => rightly);
  const wrong = answers.find(({ answer }) => answer.toHex() !== hash);
  return wrong === undefined ? null : `a challenge is answered with ${wrong.answer.toHex()}`;
}

/** The message hash of what came, where all of it did. */
function contentHash({ header, data }: Played): string | null {
  const bytes = concat(data);
  if (header === null || bytes.length === 0 || bytes.length < wireSize(header.header)) return null;
  const { hash } = understand(concat([header.bytes, bytes]), null);
  return hash === null ? "none" : hex(hash);
}

function numbers(values: unknown): number[] {
  return Array.isArray(values) ? values.map(Number) : [];
}
