// One POST over TLS to an address that was chosen before: nothing is looked up, nothing is followed, and of the answer no
// more is read than what became of it.
// Not by node:https, where the chain of the other side can end the process (see the dialler).

import { Buffer } from "node:buffer";
import { connect, createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import { hideChain } from "./dialler.ts";
import { explicitRoots } from "./roots.ts";

export interface HttpsPost {
  readonly ip: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface PostAnswer {
  readonly status: number;
  /** `Retry-After` as it stands there; null where it does not, or not among the first bytes. */
  readonly retryAfter: string | null;
}

const HUNG_UP = "it hung up without an answer";

/** Bytes of an answer that are read. */
const MOST_READ = 4096;

/** Trusts the roots of the runtime and of the system, and `extra` (PEM). To be shared: there are hundreds. */
export function httpsContext(extra: string | null): SecureContext {
  return createSecureContext({ minVersion: "TLSv1.2", ca: explicitRoots(extra) });
}

/**
 * Sends, and gives the answer once its head is there; the connection is closed then. The certificate has to be for the
 * URL's host. Throws an Error for what goes wrong on the way, or the reason of `signal`.
 */
export function httpsPost(
  { ip, url, headers, body }: HttpsPost,
  secureContext: SecureContext,
  signal: AbortSignal,
): Promise<PostAnswer> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const socket = connect({
      host: ip,
      port: url.port === "" ? 443 : Number(url.port),
      servername: url.hostname,
      secureContext,
      minVersion: "TLSv1.2",
      ALPNProtocols: ["http/1.1"],
    });
    hideChain(socket);
    let ending: (() => void) | null = null;
    const end = (settle: () => void): void => {
      if (ending !== null) return;
      ending = settle;
      socket.destroy();
    };
    const abort = (): void => end(() => reject(signal.reason));
    signal.addEventListener("abort", abort);
    socket.on("error", (error) => end(() => reject(error)));
    // Told when nothing is left open.
    socket.on("close", () => {
      signal.removeEventListener("abort", abort);
      (ending ?? (() => reject(new Error(HUNG_UP))))();
    });
    socket.on("secureConnect", () => {
      socket.write(head(url, headers, body));
      socket.write(body);
    });
    readAnswer(socket, (answer) => end(() => resolve(answer)), (error) => end(() => reject(error)));
  });
}

function head(url: URL, headers: HttpsPost["headers"], body: Uint8Array): string {
  const lines = Object.entries({
    host: url.host,
    ...headers,
    "content-length": String(body.length),
    connection: "close",
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

function readAnswer(
  socket: TLSSocket,
  answered: (answer: PostAnswer) => void,
  failed: (error: Error) => void,
): void {
  let read = Buffer.alloc(0);
  let left = MOST_READ;
  const look = (isAll: boolean): void => {
    for (;;) {
      const text = read.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      const isWhole = end >= 0;
      if (!isWhole && !isAll) return;
      const found = readHead(isWhole ? text.slice(0, end) : text);
      if (found === null) return failed(new Error("it does not answer as HTTP does"));
      // An interim answer has the answer behind it (RFC 9110 15.2).
      if (found.status >= 200) return answered(found);
      if (!isWhole) return failed(new Error("it gives interim answers only"));
      read = read.subarray(end + 4);
    }
  };
  socket.on("data", (chunk: Buffer) => {
    const taken = chunk.subarray(0, left);
    left -= taken.length;
    read = Buffer.concat([read, taken]);
    look(left === 0);
  });
  // A head that is cut off says what became of it all the same.
  socket.on("end", () => read.length > 0 ? look(true) : failed(new Error(HUNG_UP)));
}

function readHead(text: string): PostAnswer | null {
  const [first = "", ...lines] = text.split("\r\n");
  const status = /^HTTP\/1\.[01] ([1-5][0-9]{2})(?: |$)/.exec(first)?.[1];
  if (status === undefined) return null;
  const line = lines.find((line) => /^retry-after:/i.test(line));
  return {
    status: Number(status),
    retryAfter: line === undefined ? null : line.slice(line.indexOf(":") + 1).trim(),
  };
}
