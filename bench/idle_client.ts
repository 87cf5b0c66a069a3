// Holds connections on which nothing happens. Started by memory.ts.

import { once } from "node:events";
import { heard, orders as readOrders, say } from "./child.ts";
import { type Peer, PeerConnections } from "./peer.ts";

export interface IdleOrders {
  readonly peer: Peer;
  readonly connections: number;
}

/** Handshakes under way at once. */
const AT_ONCE = 16;

async function hold({ peer, connections }: IdleOrders): Promise<void> {
  const peers = new PeerConnections(peer);
  let left = connections;
  let open = 0;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (left-- > 0) {
      const socket = peers.connect();
      await once(socket, "secureConnect");
      open++;
      socket.on("error", () => {});
      socket.on("close", () => open--);
    }
  }));
  say({ open });
  await heard();
  say({ open });
}

if (import.meta.main) {
  const orders: IdleOrders = JSON.parse(readOrders());
  await hold(orders);
  Deno.exit(0);
}
