// One query and its answer over one socket of its own. A promise here settles only when its socket
// is closed: the runtime does not tell of sockets left open.
import { Buffer } from "node:buffer";
import { createSocket } from "node:dgram";
import { connect, isIP } from "node:net";
import { canonicalAddress } from "./name.ts";
import type { Server } from "./servers.ts";

/** Reads an answer; null if the bytes are no answer to the query. */
export type Reader<T> = (bytes: Uint8Array) => T | null;

export type Exchanged<T> =
  | { readonly kind: "answered"; readonly answer: T }
  /** Nothing that answers the query came in time. */
  | { readonly kind: "silent" }
  | { readonly kind: "broken"; readonly reason: string };

export interface ExchangeScope {
  /** Milliseconds. */
  readonly timeout: number;
  /** Ends the exchange early, as `silent`. */
  readonly signal: AbortSignal;
  /** Counts the sockets that are open. */
  readonly sockets: { open: number };
}

/** What comes from elsewhere or does not answer the query is passed over (RFC 5452, 9.1). */
export function exchangeUdp<T>(
  server: Server,
  query: Uint8Array,
  read: Reader<T>,
  scope: ExchangeScope,
): Promise<Exchanged<T>> {
  const source = canonicalAddress(server.ip);
  return new Promise((resolve) => {
    // A fresh socket each time: its random port is half of what a forger has to guess.
    const socket = createSocket(isIP(server.ip) === 6 ? "udp6" : "udp4");
    const finish = endOnce(scope, resolve, () => socket.close());
    socket.once("close", finish.closed);
    socket.on("error", (error) => finish({ kind: "broken", reason: error.message }));
    // Checked here because `connect` of a UDP socket filters nothing on this runtime.
    socket.on("message", (bytes, from) => {
      if (from.port !== server.port || canonicalAddress(from.address) !== source) return;
      const answer = read(bytes);
      if (answer !== null) finish({ kind: "answered", answer });
    });
    socket.send(query, server.port, server.ip, (error) => {
      if (error) finish({ kind: "broken", reason: error.message });
    });
  });
}

/** Over TCP the message's length comes first, in two bytes, and bounds it (RFC 1035, 4.2.2). */
export function exchangeTcp<T>(
  server: Server,
  query: Uint8Array,
  read: Reader<T>,
  scope: ExchangeScope,
): Promise<Exchanged<T>> {
  return new Promise((resolve) => {
    const socket = connect({ host: server.ip, port: server.port, noDelay: true });
    const finish = endOnce(scope, resolve, () => socket.destroy());
    socket.once("close", finish.closed);
    socket.on("error", (error) => finish({ kind: "broken", reason: error.message }));
    const chunks: Buffer[] = [];
    let received = 0;
    let expected: number | null = null;
    socket.on("data", (chunk) => {
      chunks.push(Buffer.from(chunk));
      received += chunk.length;
      if (received < 2) return;
      expected ??= 2 + Buffer.concat(chunks).readUInt16BE(0);
      if (received < expected) return;
      const answer = read(Buffer.concat(chunks).subarray(2, expected));
      finish(
        answer === null
          ? { kind: "broken", reason: "the answer is to another question" }
          : { kind: "answered", answer },
      );
    });
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.length);
    socket.write(Buffer.concat([length, query]));
  });
}

interface Finish<T> {
  /** The first call counts and closes the socket. */
  (result: Exchanged<T>): void;
  /** To be called when the socket is closed. */
  closed(): void;
}

function endOnce<T>(
  { timeout, signal, sockets }: ExchangeScope,
  resolve: (result: Exchanged<T>) => void,
  close: () => void,
): Finish<T> {
  let result: Exchanged<T> | null = null;
  const end = (ended: Exchanged<T>): void => {
    if (result !== null) return;
    result = ended;
    clearTimeout(timer);
    signal.removeEventListener("abort", giveUp);
    close();
  };
  const giveUp = (): void => end({ kind: "silent" });
  const closed = (): void => {
    sockets.open--;
    end({ kind: "broken", reason: "the connection ended early" });
    if (result !== null) resolve(result);
  };
  const timer = setTimeout(giveUp, timeout);
  signal.addEventListener("abort", giveUp);
  sockets.open++;
  return Object.assign(end, { closed });
}
