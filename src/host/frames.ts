// What goes over the control socket: one value a frame, requests of commands and answers of the host.

import { deserialize, serialize } from "node:v8";
import type { Committed, Operation } from "../store/mod.ts";
import type { Ban } from "./offenders.ts";
import type { Status } from "./status.ts";

/** What a command asks, with its version: after an upgrade the running host may still be the old program. */
export type Request =
  & { readonly version: string }
  & (
    | { readonly kind: "operations"; readonly operations: readonly Operation[] }
    | { readonly kind: "status" }
    | { readonly kind: "bans" }
    | { readonly kind: "ban"; readonly ip: string; readonly seconds: number | null }
    | { readonly kind: "lift"; readonly ip: string }
  );

export type Response =
  | { readonly kind: "committed"; readonly committed: Committed }
  | { readonly kind: "status"; readonly status: Status }
  | { readonly kind: "bans"; readonly bans: readonly Ban[] }
  | { readonly kind: "lifted"; readonly lifted: boolean }
  /** It cannot be done; the message says why. */
  | { readonly kind: "refused"; readonly message: string };

/** Bytes of a frame; whatever is larger is none of ours. An import of 50,000 users with every limit has half of it. */
export const MAX_FRAME = 32 * 1024 * 1024;

/** A frame is its length in 4 bytes, and a value in the runtime's own serialization. */
export async function writeFrame(connection: Deno.Conn, value: Request | Response): Promise<void> {
  const body = new Uint8Array(serialize(value));
  const frame = new Uint8Array(4 + body.length);
  new DataView(frame.buffer).setUint32(0, body.length);
  frame.set(body, 4);
  let rest = frame.subarray();
  while (rest.length > 0) rest = rest.subarray(await connection.write(rest));
}

/** The next value, or null at the end. */
export async function readFrame(connection: Deno.Conn): Promise<unknown> {
  const head = await readExactly(connection, 4);
  if (head === null) return null;
  const length = new DataView(head.buffer).getUint32(0);
  if (length > MAX_FRAME) throw new RangeError(`A frame of ${length} bytes is none of ours`);
  const body = await readExactly(connection, length);
  return body === null ? null : deserialize(body);
}

async function readExactly(
  connection: Deno.Conn,
  length: number,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const bytes = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    const read = await connection.read(bytes.subarray(at));
    if (read === null) return null;
    at += read;
  }
  return bytes;
}
