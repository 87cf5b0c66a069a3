// The case of listener_memory_test.ts; it is run with a collector that can be called. Prints how many bytes of the heap
// each connection kept whose handshake failed.
import { once } from "node:events";
import { connect } from "node:net";
import { Listener } from "../../src/net/mod.ts";
import { sleep, waitFor } from "../support/wait.ts";
import { certificate, LOOPBACK, NAME } from "./tls_peer.ts";

const CONNECTIONS = 500;

let failed = 0;
const listener = await Listener.listen({
  endpoints: [{ ip: LOOPBACK, port: 0 }],
  certificate,
  serverName: NAME,
  limits: () => ({
    maxConnections: 100,
    maxConnectionsPerIp: 100,
    headerMs: 60_000,
    idleMs: 10_000,
    minRate: 1,
  }),
  serve: () => Promise.resolve(),
  refused: () => failed++,
});
const [{ port } = { port: 0 }] = listener.endpoints;

await failMany();
const before = await heapUsed();
await failMany();
console.log(Math.round((await heapUsed() - before) / CONNECTIONS));
await listener.close(0);

async function failMany(): Promise<void> {
  const wanted = failed + CONNECTIONS;
  for (let i = 0; i < CONNECTIONS; i++) {
    const socket = connect(port, LOOPBACK);
    socket.on("error", () => {});
    socket.write("This is no TLS.\r\n");
    socket.resume();
    await once(socket, "close");
  }
  await waitFor(() => failed === wanted && listener.connections === 0);
}

/** What is left when everything was collected that can be. */
async function heapUsed(): Promise<number> {
  const collect: unknown = Reflect.get(globalThis, "gc");
  if (typeof collect !== "function") throw new Error("The collector cannot be called");
  for (let i = 0; i < 5; i++) {
    await sleep(10);
    collect();
  }
  return Deno.memoryUsage().heapUsed;
}
