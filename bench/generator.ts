// A load generator: plays the host of a sending domain, over real TLS, and answers challenges. A process of its own,
// started by load.ts.

import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type TLSSocket } from "node:tls";
import {
  Address,
  type Bytes,
  CONTINUE,
  encodeHeader,
  headerHash,
  hex,
  mediaType,
  type MessageHash,
  MessageHasher,
} from "../src/wire/mod.ts";
import { heard, orders as readOrders, say } from "./child.ts";
import { type Peer, PeerConnections } from "./peer.ts";

export interface Orders {
  /** Where the generator sends from, and listens for challenges. */
  readonly ip: string;
  readonly port: number;
  readonly domain: string;
  readonly cert: string;
  readonly key: string;
  /** The host under load, and its user. */
  readonly target: { readonly ip: string; readonly domain: string; readonly to: string };
  readonly senders: number;
  /** Messages that are counted. */
  readonly messages: number;
  /** Small messages before those. */
  readonly warmUp: number;
  readonly body: number;
  readonly attachment: number;
}

export interface Message {
  readonly header: Bytes;
  readonly content: Bytes;
  /** Its header hash, in the words of a challenge. */
  readonly key: string;
}

/** The answers to challenges for everything that is sent. */
const answers = new Map<string, MessageHash>();

async function run(orders: Orders): Promise<void> {
  await answerChallenges(orders);
  const connections = new PeerConnections(peerOf(orders));
  let number = 0;
  const compose = (count: number, attachment: number): Message[] => {
    const content = new Uint8Array(randomBytes(orders.body + attachment));
    return Array.from({ length: count }, () => composeOne(orders, number++, content, attachment));
  };
  await sendAll(connections, compose(orders.warmUp, 0), orders.senders);
  if (orders.attachment > 0) {
    await sendAll(connections, compose(orders.senders, orders.attachment), orders.senders);
  }
  const messages = compose(orders.messages, orders.attachment);
  say("warm");
  await heard();
  const started = performance.now();
  const latencies = await sendAll(connections, messages, orders.senders);
  say({ seconds: (performance.now() - started) / 1000, latencies });
}

export function peerOf({ ip, port, target }: Orders): Peer {
  return { from: ip, ip: target.ip, port, serverName: `fmsg.${target.domain}` };
}

/** Sends everything, `senders` messages at once; the milliseconds of each, from connecting to the last code. */
async function sendAll(
  connections: PeerConnections,
  messages: readonly Message[],
  senders: number,
): Promise<number[]> {
  const latencies: number[] = [];
  const queue = messages.values();
  await Promise.all(Array.from({ length: senders }, async () => {
    for (const message of queue) {
      const started = performance.now();
      await send(connections.connect(), message);
      latencies.push(performance.now() - started);
    }
  }));
  return latencies;
}

export function send(socket: TLSSocket, { header, content, key }: Message): Promise<void> {
  return new Promise((resolve, reject) => {
    const codes: number[] = [];
    socket.on("secureConnect", () => socket.write(header));
    socket.on("data", (bytes: Uint8Array) => {
      codes.push(...bytes);
      if (codes.length === 1 && codes[0] === CONTINUE) socket.write(content);
      else if (codes.length === 2 && codes[1] === 200) {
        answers.delete(key);
        socket.end();
        resolve();
      } else socket.destroy(new Error(`The host answered ${codes}, wanted 64 and 200`));
    });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error(`The host closed the connection after ${codes}`)));
  });
}

export function composeOne(
  orders: Orders,
  number: number,
  content: Bytes,
  attachment: number,
): Message {
  const from = Address.parse(`@sender@${orders.domain}`);
  const to = Address.parse(orders.target.to);
  if (from === null || to === null) throw new TypeError("The orders name no addresses");
  const header = encodeHeader({
    pid: null,
    topic: `message ${number}`,
    important: false,
    noReply: false,
    reservedBits: 0,
    from,
    to: [to],
    addTo: null,
    time: Date.now() / 1000,
    type: mediaType("text/plain;charset=UTF-8"),
    size: orders.body,
    expandedSize: null,
    attachments: attachment === 0 ? [] : [{
      type: mediaType("application/octet-stream"),
      filename: "load.bin",
      size: attachment,
      expandedSize: null,
      reservedBits: 0,
    }],
  });
  const hasher = new MessageHasher(header);
  hasher.update(content);
  const key = hex(headerHash(header));
  answers.set(key, hasher.digest());
  return { header, content, key };
}

export function answerChallenges(orders: Orders): Promise<void> {
  const server = createServer({
    cert: readFileSync(orders.cert),
    key: readFileSync(orders.key),
    minVersion: "TLSv1.3",
    ALPNProtocols: ["fmsg/1"],
    noDelay: true,
  }, (socket: TLSSocket) => {
    let request = Buffer.alloc(0);
    socket.on("error", () => {});
    socket.on("data", (bytes: Buffer) => {
      request = Buffer.concat([request, bytes]);
      // A version byte, and the header hash.
      if (request.length < 33) return;
      const answer = answers.get(hex(request.subarray(1, 33)));
      if (answer === undefined) socket.destroy();
      else socket.end(answer);
    });
  });
  return new Promise((resolve) => server.listen(orders.port, orders.ip, () => resolve()));
}

if (import.meta.main) {
  const orders: Orders = JSON.parse(readOrders());
  await run(orders);
  Deno.exit(0);
}
