// The case of hearing_test.ts in which the process has no file descriptor left while somebody connects; it is run with
// few of them. Prints what the listener says of itself, and then whether it serves.
import { Listener } from "../../src/net/mod.ts";
import { sleep, waitFor } from "../support/wait.ts";
import { certificate, LOOPBACK, NAME, Peer } from "./tls_peer.ts";
import * as tcp from "node:net";

// As the host does. The runtime cannot prepare for signals once it has no file descriptor left, and wants to.
const onHangUp = (): void => {};
Deno.addSignalListener("SIGHUP", onHangUp);

let served = 0;
const told: string[] = [];
const listener = await Listener.listen({
  endpoints: [{ ip: LOOPBACK, port: 0 }],
  certificate,
  serverName: NAME,
  limits: () => ({
    maxConnections: 100,
    maxConnectionsPerIp: 100,
    headerMs: 10_000,
    idleMs: 10_000,
    minRate: 1,
  }),
  serve: () => {
    served++;
    return Promise.resolve();
  },
  refused: (_peer, reason) => told.push(reason),
  reopened: (_endpoint, problem) => told.push(problem ?? "reopened"),
  hearingCheckMs: 200,
});
const [endpoint] = listener.endpoints;
if (endpoint === undefined) throw new Error("It listens nowhere");
const { ip, port } = endpoint;

// What the runtime loads at its first connection, it cannot load later.
await exchange();
told.length = 0;

const files: Deno.FsFile[] = [];
try {
  for (;;) files.push(Deno.openSync("/dev/null"));
} catch {
  // All are taken.
}
// One for the client; there is none for the other end.
files.pop()?.close();
const first = tcp.connect(port, ip);
first.on("error", () => {});
await sleep(300);
for (const file of files) file.close();
first.destroy();

await waitFor(() => told.includes("reopened"));
await exchange();
await listener.close(0);
Deno.removeSignalListener("SIGHUP", onHangUp);
console.log(told.join(", "));

async function exchange(): Promise<void> {
  const before = served;
  const raw = tcp.connect(port, ip);
  const peer = await Peer.connect(raw, {});
  await waitFor(() => served > before);
  await peer.over();
  raw.destroy();
}
