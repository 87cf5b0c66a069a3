// An answer of the web's written to a response of node:http, as fast as the client takes it and no faster.

import type { ServerResponse } from "node:http";
import { type Flow, PIECE } from "./flow.ts";
import { Gone } from "./web_request.ts";

/** Writes head and body but does not end it. Throws a Gone, or what the body's stream throws: then the client is to be cut. */
export async function writeResponse(
  response: Response,
  outgoing: ServerResponse,
  flow: Flow,
  { head, headers }: { readonly head: boolean; readonly headers: Readonly<Record<string, string>> },
): Promise<void> {
  const fields: Record<string, string> = { ...headers };
  for (const [name, value] of response.headers) {
    fields[name] = name === "vary" && fields[name] !== undefined
      ? `${fields[name]}, ${value}`
      : value;
  }
  if (head || response.body === null) {
    await response.body?.cancel();
    if (!head && response.status !== 204 && response.status !== 304) fields["content-length"] = "0";
    // Sent by `end`. Sent before it, by flushHeaders, over TLS the next request of the connection would never be read.
    outgoing.writeHead(response.status, fields);
    return;
  }
  if (isWhole(response)) {
    const bytes = await response.bytes();
    fields["content-length"] = String(bytes.length);
    outgoing.writeHead(response.status, fields);
    return await write(outgoing, bytes, flow);
  }
  const reader = response.body.getReader();
  try {
    let next = await reader.read();
    // Most answers are one chunk, whose length need not be told by whoever made it.
    if (!next.done && fields["content-length"] === undefined) {
      const first = next.value;
      next = await reader.read();
      if (next.done) fields["content-length"] = String(first.length);
      outgoing.writeHead(response.status, fields);
      await write(outgoing, first, flow);
    } else {
      outgoing.writeHead(response.status, fields);
    }
    while (!next.done) {
      await write(outgoing, next.value, flow);
      next = await reader.read();
    }
  } catch (error) {
    await reader.cancel(error).catch(() => {});
    throw error;
  }
}

/** Ends the answer, and waits until the client has taken it: of small ones many may wait that nobody reads. */
export async function end(outgoing: ServerResponse, flow: Flow): Promise<void> {
  const finished = new Promise<number>((resolve) => outgoing.once("close", () => resolve(0)));
  outgoing.end();
  if (!outgoing.writableFinished && !outgoing.destroyed) await flow.wait(finished);
}

/** JSON of our own is there at once, and need not be read as a stream; what is downloaded may be JSON too, and large. */
function isWhole({ headers }: Response): boolean {
  return headers.get("content-type") === "application/json" && !headers.has("content-disposition");
}

async function write(outgoing: ServerResponse, bytes: Uint8Array, flow: Flow): Promise<void> {
  for (let at = 0; at < bytes.length; at += PIECE) {
    const piece = bytes.subarray(at, at + PIECE);
    if (outgoing.destroyed) throw new Gone("The client went away");
    // Nothing is waited for while the system takes it at once.
    if (!outgoing.write(piece)) await flow.wait(drained(outgoing).then(() => piece.length));
  }
}

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      outgoing.off("drain", ready).off("close", closed);
    };
    const ready = (): void => {
      stop();
      resolve();
    };
    const closed = (): void => {
      stop();
      reject(new Gone("The client went away"));
    };
    outgoing.on("drain", ready).on("close", closed);
  });
}
