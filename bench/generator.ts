// A load generator: plays the hosts of a sending domain in a process of its own, over real TLS with the challenge.
//
// Started by main.ts with its orders as JSON in the arguments; prints what it measured as JSON.

import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { connect, createSecureContext, createServer, type TLSSocket } from "node:tls";
import {
  Address,
  type Bytes,
  encodeHeader,
  headerHash,
  hex,
  mediaType,
  MessageHasher,
} from "../src/wire/mod.ts";

export interface Orders {
  /** Where the generator listens for challenges and sends from. */
  readonly ip: string;
  readonly port: number;
  readonly domain: string;
  readonly cert: string;
  readonly key: string;
  /** The host under load. */
  readonly target: { readonly ip: string; readonly domain: string; readonly to: string };
  readonly senders: number;
  readonly messages: number;
  /** Messages before those that are counted. */
  readonly warmUp: number;
  readonly bodySize: number;
  readonly attachmentSize: number;
}

export interface Measured {
  readonly seconds: number;
  /** Milliseconds of each counted exchange, from connecting to the last code. */
  readonly latencies: readonly number[];
}

interface Exchange {
  readonly header: Bytes;
  readonly content: Bytes;
}

const outgoing = new Map<string, Uint8Array>();
let session: Buffer | undefined;

async function run(orders: Orders): Promise<Measured> {
  const server = await listen(orders);
  const context = createSecureContext({ minVersion: "TLSv1.3" });
  const latencies: number[] = [];
  let next = 0;
  let counted = 0;
  const sender = async (until: number, count: boolean): Promise<void> => {
    while (next < until) {
      const message = compose(orders, next++);
      const started = performance.now();
      await exchange(orders, context, message);
      if (count) latencies.push(performance.now() - started);
      counted++;
    }
  };
  const together = (until: number, count: boolean): Promise<unknown> =>
    Promise.all(Array.from({ length: orders.senders }, () => sender(until, count)));
  await together(orders.warmUp, false);
  console.error(`warm ${counted}`);
  const started = performance.now();
  await together(orders.warmUp + orders.messages, true);
  const seconds = (performance.now() - started) / 1000;
  server.close();
  return { seconds, latencies };
}

function compose(orders: Orders, number: number): Exchange {
  const from = Address.parse(`@sender@${orders.domain}`);
  const to = Address.parse(orders.target.to);
  if (from === null || to === null) throw new TypeError("The orders name no addresses");
  const content = new Uint8Array(orders.bodySize + orders.attachmentSize).fill(0x61 + number % 26);
  const header = encodeHeader({
    pid: null,
    topic: `message ${number}`,
    important: false,
    noReply: false,
    reservedBits: 0,
    from,
    to: [to],
    addTo: null,
    time: Date.now() / 1000 + number * 1e-6,
    type: mediaType("text/plain;charset=UTF-8"),
    size: orders.bodySize,
    expandedSize: null,
    attachments: orders.attachmentSize === 0 ? [] : [{
      type: mediaType("application/octet-stream"),
      filename: "load.bin",
      size: orders.attachmentSize,
      expandedSize: null,
      reservedBits: 0,
    }],
  });
  return { header, content };
}

function exchange(
  orders: Orders,
  context: ReturnType<typeof createSecureContext>,
  { header, content }: Exchange,
): Promise<void> {
  const hasher = new MessageHasher(header);
  hasher.update(content);
  const key = hex(headerHash(header));
  outgoing.set(key, hasher.digest());
  return new Promise((resolve, reject) => {
    let codes = 0;
    const socket = connect({
      host: orders.target.ip,
      port: orders.port,
      localAddress: orders.ip,
      servername: `fmsg.${orders.target.domain}`,
      secureContext: context,
      minVersion: "TLSv1.3",
      ALPNProtocols: ["fmsg/1"],
      ...(session === undefined ? {} : { session }),
    });
    socket.on("session", (data: Buffer) => session = data);
    socket.on("secureConnect", () => {
      socket.setNoDelay(true);
      socket.write(header);
    });
    socket.on("data", (bytes: Uint8Array) => {
      for (const code of bytes) {
        codes++;
        if (codes === 1 && code === 64) socket.write(content);
        else if (codes === 2 && code === 200) {
          outgoing.delete(key);
          socket.end();
          resolve();
        } else {
          socket.destroy();
          reject(new Error(`code ${code}`));
        }
      }
    });
    socket.on("error", reject);
    socket.on("close", () => {
      if (codes < 2) reject(new Error("closed before the codes"));
    });
  });
}

/** Answers challenges for what is on its way. */
function listen(orders: Orders): Promise<ReturnType<typeof createServer>> {
  const server = createServer({
    cert: readFileSync(orders.cert),
    key: readFileSync(orders.key),
    minVersion: "TLSv1.3",
    ALPNProtocols: ["fmsg/1"],
    noDelay: true,
  }, (socket: TLSSocket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes: Uint8Array) => {
      const answer = outgoing.get(hex(bytes.subarray(1, 33)));
      if (answer === undefined) socket.destroy();
      else socket.end(answer);
    });
  });
  return new Promise((resolve) => server.listen(orders.port, orders.ip, () => resolve(server)));
}

if (import.meta.main) {
  const [orders = "{}"] = Deno.args;
  console.log(JSON.stringify(await run(JSON.parse(orders))));
  Deno.exit(0);
}
