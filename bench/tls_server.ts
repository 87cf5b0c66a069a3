// A bare TLS server, to compare the host with: answers the first byte of a connection with one byte, and the last one of
// a stream as well. Started by machine.ts.

import { readFileSync } from "node:fs";
import { createServer, type TLSSocket } from "node:tls";
import { heard, orders as readOrders, say } from "./child.ts";
import type { Peer } from "./peer.ts";

export interface TlsOrders {
  readonly peer: Peer;
  readonly cert: string;
  readonly key: string;
  /** Connections before those that are counted. */
  readonly warmUp: number;
  readonly connections: number;
  readonly atOnce: number;
  /** Bytes through one connection. */
  readonly streamBytes: number;
}

async function serve({ peer, cert, key, streamBytes }: TlsOrders): Promise<void> {
  const server = createServer({
    cert: readFileSync(cert),
    key: readFileSync(key),
    minVersion: "TLSv1.3",
    ALPNProtocols: ["fmsg/1"],
    noDelay: true,
  }, (socket: TLSSocket) => {
    let received = 0;
    socket.on("error", () => {});
    socket.on("data", (bytes: Uint8Array) => {
      if (received === 0) socket.write(bytes.subarray(0, 1));
      received += bytes.length;
      if (received >= streamBytes) socket.end(bytes.subarray(0, 1));
    });
  });
  await new Promise<void>((resolve) => server.listen(peer.port, peer.ip, () => resolve()));
  say("listening");
  await heard();
}

if (import.meta.main) {
  const orders: TlsOrders = JSON.parse(readOrders());
  await serve(orders);
}
