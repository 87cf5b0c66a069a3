// The other side of tls_server.ts: how many connections a second, and how many bytes through one.

import { once } from "node:events";
import { orders as readOrders, say } from "./child.ts";
import { PeerConnections } from "./peer.ts";
import type { TlsOrders } from "./tls_server.ts";

async function run(orders: TlsOrders): Promise<void> {
  const { peer, warmUp, connections, atOnce } = orders;
  const perSecond = async (resume: boolean): Promise<number> => {
    const peers = new PeerConnections(peer, resume);
    await connectMany(peers, warmUp, atOnce);
    const started = performance.now();
    await connectMany(peers, connections, atOnce);
    return connections / (performance.now() - started) * 1000;
  };
  const first = await perSecond(false);
  const resumed = await perSecond(true);
  say({ first, resumed, stream: await megabytesPerSecond(orders) });
}

/** Connections with one byte each way. */
async function connectMany(peers: PeerConnections, count: number, atOnce: number): Promise<void> {
  let left = count;
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (left-- > 0) {
      const socket = peers.connect();
      socket.once("secureConnect", () => socket.write(Uint8Array.of(1)));
      await once(socket, "data");
      socket.end();
    }
  }));
}

async function megabytesPerSecond({ peer, streamBytes }: TlsOrders): Promise<number> {
  const socket = new PeerConnections(peer).connect();
  await once(socket, "secureConnect");
  const chunk = new Uint8Array(64 * 1024);
  let received = 0;
  socket.on("data", (bytes: Uint8Array) => received += bytes.length);
  const ended = once(socket, "end");
  const started = performance.now();
  for (let sent = 0; sent < streamBytes; sent += chunk.length) {
    if (!socket.write(chunk)) await once(socket, "drain");
  }
  await ended;
  if (received !== 2) throw new Error(`The server answered ${received} bytes, wanted 2`);
  return streamBytes / 1e6 / (performance.now() - started) * 1000;
}

if (import.meta.main) {
  const orders: TlsOrders = JSON.parse(readOrders());
  await run(orders);
  Deno.exit(0);
}
