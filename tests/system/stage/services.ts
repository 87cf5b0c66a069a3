// What else the internet of the stage has, run inside it: Let's Encrypt's address, behind which pebble is, and the
// time. Arguments: the folder of certificates, the address of the one, and that of the other. Writes pebble's root there.

import { Buffer } from "node:buffer";
import { createSocket } from "node:dgram";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer, get, request } from "node:https";
import { join } from "node:path";

const [folder = "", acmeAddress, timeAddress] = Deno.args;
const [cert, key, ca] = ["cert", "key", "web"].map((name) =>
  readFileSync(join(folder, `${name}.pem`))
);
const PEBBLE = "https://127.0.0.1:14000";
const MANAGEMENT = "https://127.0.0.1:15000";

/** pebble makes all URLs from the name by which it is called; only its directory has another path. */
createServer({ cert, key }, (incoming, outgoing) => {
  const { method = "GET", headers, url = "/" } = incoming;
  const path = url === "/directory" ? "/dir" : url;
  const onward = request(new URL(path, PEBBLE), { method, headers, ca }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  onward.on("error", (error) => outgoing.writeHead(502).end(error.message));
  incoming.pipe(onward);
}).listen(443, acmeAddress);

fetchRoot();

/** pebble makes it anew at each start. */
function fetchRoot(): void {
  const retry = (): unknown => setTimeout(fetchRoot, 50);
  get(`${MANAGEMENT}/roots/0`, { ca }, async (answer) => {
    const chunks = await answer.toArray();
    if (answer.statusCode !== 200) {
      retry();
      return;
    }
    writeFileSync(join(folder, "root.new"), Buffer.concat(chunks));
    renameSync(join(folder, "root.new"), join(folder, "root.pem"));
  }).on("error", retry);
}

/** SNTP (RFC 5905), of a server that is always right. */
const time = createSocket("udp4");
time.on("message", (query, { address, port }) => {
  const answer = new Uint8Array(48);
  // Version 4, mode server, stratum 1.
  answer.set([4 << 3 | 4, 1, 6, 0xec]);
  answer.set(query.subarray(40, 48), 24);
  const now = Date.now() / 1000 + SECONDS_TO_1970;
  const view = new DataView(answer.buffer);
  for (const at of [16, 32, 40]) {
    view.setUint32(at, Math.floor(now) % 2 ** 32);
    view.setUint32(at + 4, Math.floor(now % 1 * 2 ** 32));
  }
  time.send(answer, port, address);
});
time.bind(123, timeAddress);

const SECONDS_TO_1970 = 2_208_988_800;
