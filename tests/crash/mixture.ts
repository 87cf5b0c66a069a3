// Mixed traffic to a host that may die at any moment: small and large messages, compressed ones, replies, batches.

import type { HostProcess } from "../support/host_process.ts";
import { addTo, draft, type Message, noise, replyTo } from "../support/message.ts";
import type { Peer } from "../support/peer.ts";
import type { Sent } from "../support/peer_send.ts";
import type { Random } from "./survival.ts";

/** A message, and what became of it. */
export interface Exchanged {
  readonly peer: Peer;
  readonly message: Message;
  readonly sent: Sent;
}

/** Where an exchange was when the host died, as its sender saw it. */
export type Cut = "header" | "data" | "codes";

/** As long as the longest message; random, so that nothing of it can be compressed. */
const NOISE = noise(10_000_000);

export class Mixture {
  /** Messages that were taken, for replies and batches. */
  #taken: Message[] = [];
  #batches = 0;

  constructor(
    readonly host: HostProcess,
    readonly peers: readonly Peer[],
    readonly random: Random,
  ) {}

  /** Nothing that was sent so far is there any more. */
  forget(): void {
    this.#taken = [];
  }

  /** Sends from several peers at once until the host is gone, or `stop` says so. */
  async run(senders: number, stop: () => boolean): Promise<Exchanged[]> {
    const exchanged: Exchanged[] = [];
    const sender = async (peer: Peer): Promise<void> => {
      for (;;) {
        const message = this.#next(peer);
        const sent = await peer.send(message, { ms: 10_000 });
        if (sent.error !== null) return;
        exchanged.push({ peer, message, sent });
        if (isTaken(sent) && message.fields.addTo === undefined) this.#taken.push(message);
        if (cutIn(sent, message) !== null || stop()) return;
      }
    };
    await Promise.all(Array.from({ length: senders }, (_, i) => {
      const peer = this.peers[i % this.peers.length];
      return peer === undefined ? null : sender(peer);
    }));
    return exchanged;
  }

  #next(peer: Peer): Message {
    const { host, random } = this;
    const [alice, bob] = [host.address("alice"), host.address("bob")];
    const from = peer.address("p");
    const original = this.#takenFrom(peer);
    const kind = random.below(12);
    if (original !== undefined) {
      if (kind === 0) return replyTo(original, { from, to: [alice] });
      // 65 or 11, by whether somebody here is added.
      if (kind === 1) return addTo(original, { from, to: [bob] });
      if (kind === 2) return addTo(original, { from, to: [`@x${++this.#batches}@elsewhere.test`] });
    }
    const to = kind % 2 === 0 ? [alice] : [alice, bob];
    if (kind < 5) return draft({ from, to, body: `Hello ${kind}` });
    if (kind < 7) return draft({ from, to, body: NOISE.subarray(0, 1 + random.below(300_000)) });
    if (kind === 7) return draft({ from, to, body: "x".repeat(500_000), compress: true });
    // A batch that comes before its original.
    if (kind === 8) return addTo(draft({ from, to: [alice], body: "Early" }), { from, to: [bob] });
    return draft({ from, to, body: NOISE.subarray(0, 1_000_000 + random.below(9_000_000)) });
  }

  #takenFrom(peer: Peer): Message | undefined {
    const own = this.#taken.filter(({ fields }) => fields.from === peer.address("p"));
    return own[this.random.below(own.length)];
  }
}

/** Did all get what they were promised: 200 for everybody whom the message is new to, or 11? */
export function isTaken({ first, rest }: Sent): boolean {
  return first === 11 || rest.includes(200);
}

/** Null for an exchange that came to its end. */
export function cutIn({ first, terminated, dataSent }: Sent, { payload }: Message): Cut | null {
  if (!terminated) return null;
  if (first === null) return "header";
  return first === 64 && dataSent < payload.length ? "data" : "codes";
}
