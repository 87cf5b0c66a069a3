// A request of node:http as the web's Request, whose body is read only as it is asked for.

import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Flow } from "./flow.ts";

/** The client went away, or was too slow: there is nobody to answer. */
export class Gone extends Error {
  override readonly name = "Gone";
}

/** Whom the client means by `Host` is no matter: there is one host. */
const BASE = "http://host";

/**
 * Throws a TypeError for what is no request of the web, such as a target that is no URL. `proceed` is called when the
 * body is asked for the first time.
 */
export function webRequest(incoming: IncomingMessage, flow: Flow, proceed: () => void): Request {
  const { method = "GET", url = "/" } = incoming;
  // What GET and HEAD carry means nothing, and a request of the web cannot have it.
  const isTaken = method !== "GET" && method !== "HEAD" && hasBody(incoming);
  return new Request(targetOf(url), {
    method,
    headers: headersOf(incoming),
    ...isTaken ? { body: bodyOf(incoming, flow, proceed) } : {},
  });
}

/** Does a body follow? By RFC 9112 only with a length or an encoding. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/** Of a request that is refused nobody needs the rest; some of it is read, so that the answer arrives (RFC 9112 9.6). */
export function drain(incoming: IncomingMessage, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      incoming.off("end", done).off("close", done).off("error", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    incoming.on("end", done).on("close", done).on("error", done);
    incoming.resume();
  });
}

function targetOf(url: string): URL {
  const absolute = /^https?:\/\/[^/?#]*/i.exec(url);
  const target = absolute === null ? url : url.slice(absolute[0].length) || "/";
  if (!target.startsWith("/")) throw new TypeError("The target is no path");
  return new URL(BASE + target);
}

function headersOf({ rawHeaders: raw, headers: { cookie } }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let i = 0; i + 1 < raw.length; i += 2) headers.append(raw[i] ?? "", raw[i + 1] ?? "");
  // A proxy may make several lines of it (RFC 9113 8.2.3). `append` joins them by commas, which a cookie may hold itself;
  // node:http by semicolons.
  if (cookie !== undefined) headers.set("cookie", cookie);
  return headers;
}

function bodyOf(
  incoming: IncomingMessage,
  flow: Flow,
  proceed: () => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let begun = false;
  const unwanted = new AbortController();
  return new ReadableStream({
    async pull(controller) {
      if (!begun) {
        begun = true;
        proceed();
      }
      const chunk = await nextChunk(incoming, flow, unwanted.signal);
      if (chunk === null) controller.close();
      else controller.enqueue(chunk);
    },
    cancel() {
      unwanted.abort();
    },
  }, { highWaterMark: 0 });
}

/** null at the end. Throws a Gone when the client goes away before, or nobody wants the chunk any more. */
async function nextChunk(
  incoming: IncomingMessage,
  flow: Flow,
  unwanted: AbortSignal,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const there = read(incoming);
  if (there !== undefined) return there;
  let chunk: Uint8Array<ArrayBuffer> | null = null;
  await flow.wait(
    new Promise((resolve, reject) => {
      const stop = (): void => {
        incoming.off("readable", readable).off("end", ended).off("close", closed);
        incoming.off("error", closed);
        unwanted.removeEventListener("abort", closed);
      };
      const readable = (): void => {
        const next = read(incoming);
        if (next === undefined) return;
        stop();
        chunk = next;
        resolve(next?.length ?? 0);
      };
      const ended = (): void => {
        stop();
        resolve(0);
      };
      const closed = (): void => {
        stop();
        reject(new Gone("The client went away before its request was complete"));
      };
      incoming.on("readable", readable).on("end", ended).on("close", closed).on("error", closed);
      unwanted.addEventListener("abort", closed);
    }),
  );
  return chunk;
}

/** What has arrived: a chunk, null after the last one, undefined when there is nothing yet. */
function read(incoming: IncomingMessage): Uint8Array<ArrayBuffer> | null | undefined {
  const chunk: unknown = incoming.read();
  if (chunk instanceof Uint8Array) return own(chunk);
  if (incoming.readableEnded) return null;
  if (incoming.destroyed) throw new Gone("The client went away before its request was complete");
  return undefined;
}

/** Chunks of a socket may share one buffer with others. */
function own(chunk: Uint8Array): Uint8Array<ArrayBuffer> {
  return chunk.buffer instanceof ArrayBuffer
    ? new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length)
    : new Uint8Array(Buffer.from(chunk));
}
