// An honest sender beside an attack, in a process of its own: a message every so often, whatever became of the last.

import { randomBytes } from "node:crypto";
import { heard, orders as readOrders, say } from "./child.ts";
import { answerChallenges, composeOne, type Orders, peerOf, send } from "./generator.ts";
import { PeerConnections } from "./peer.ts";

export interface SenderOrders extends Orders {
  /** Milliseconds from one message to the next. */
  readonly every: number;
}

/** What is given up: a host would, too. */
const LATE_MS = 20_000;

async function run(orders: SenderOrders): Promise<void> {
  await answerChallenges(orders);
  const connections = new PeerConnections(peerOf(orders));
  const content = new Uint8Array(randomBytes(orders.body));
  let number = 0;
  const sendOne = async (): Promise<number> => {
    const message = composeOne(orders, number++, content, 0);
    const started = performance.now();
    const socket = connections.connect();
    const timer = setTimeout(() => socket.destroy(new Error("The host is late")), LATE_MS);
    try {
      await send(socket, message);
      return performance.now() - started;
    } finally {
      clearTimeout(timer);
    }
  };
  for (let i = 0; i < orders.warmUp; i++) await sendOne();
  say("warm");
  await heard();
  const latencies: number[] = [];
  const problems: string[] = [];
  const sending: Promise<void>[] = [];
  const timer = setInterval(() => {
    sending.push(
      sendOne().then(
        (ms) => void latencies.push(ms),
        (error: unknown) => void problems.push(error instanceof Error ? error.message : "unknown"),
      ),
    );
  }, orders.every);
  await heard();
  clearInterval(timer);
  await Promise.all(sending);
  say({ latencies, problems });
}

if (import.meta.main) {
  const orders: SenderOrders = JSON.parse(readOrders());
  await run(orders);
  Deno.exit(0);
}
