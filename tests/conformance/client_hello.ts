// A ClientHello made by hand, for what no TLS library offers any more, and what a server answers to it (RFC 8446, 4.1).

import { once } from "node:events";
import type { Socket } from "node:net";
import { concat } from "../../src/wire/mod.ts";
import { within } from "../support/wait.ts";

export interface Hello {
  readonly serverName: string;
  /** As in `supported_versions`: 0x0304 is TLS 1.3. Null leaves the extension out, as clients before 1.3 do. */
  readonly versions: readonly number[] | null;
  readonly ciphers: readonly number[];
}

export type Answer =
  | { readonly kind: "hello"; readonly version: number; readonly cipher: number }
  | { readonly kind: "alert"; readonly description: number }
  | { readonly kind: "closed" };

/** Says hello on a plain connection, and gives the server's first answer. */
export async function greet(socket: Socket, hello: Hello): Promise<Answer> {
  const chunks: Uint8Array[] = [];
  const answered = new Promise<Answer>((resolve) => {
    socket.on("data", (chunk: Uint8Array) => {
      chunks.push(new Uint8Array(chunk));
      const answer = read(concat(chunks));
      if (answer !== null) resolve(answer);
    });
    void once(socket, "close").then(() => resolve({ kind: "closed" }));
    socket.on("end", () => resolve({ kind: "closed" }));
  });
  socket.write(record(hello));
  try {
    return await within(20_000, "an answer to a ClientHello", answered);
  } finally {
    socket.destroy();
  }
}

const HANDSHAKE = 22;
const ALERT = 21;
const SUPPORTED_VERSIONS = 43;

function record({ serverName, versions, ciphers }: Hello): Uint8Array {
  const name = new TextEncoder().encode(serverName);
  const p256 = 0x0017;
  const x25519 = 0x001d;
  const extensions = concat([
    extension(0, vector(2, concat([Uint8Array.of(0), vector(2, name)]))),
    extension(10, vector(2, numbers(x25519, p256))),
    extension(11, vector(1, Uint8Array.of(0))),
    // ecdsa_secp256r1_sha256, and what servers before 1.3 may ask for.
    extension(13, vector(2, numbers(0x0403, 0x0804, 0x0401))),
    ...versions === null ? [] : [
      extension(SUPPORTED_VERSIONS, vector(1, numbers(...versions))),
      // Any 32 bytes are a public key of X25519.
      extension(51, vector(2, concat([numbers(x25519), vector(2, random())]))),
    ],
  ]);
  const body = concat([
    numbers(0x0303),
    random(),
    vector(1, random()),
    vector(2, numbers(...ciphers)),
    vector(1, Uint8Array.of(0)),
    vector(2, extensions),
  ]);
  const clientHello = concat([Uint8Array.of(1, 0), vector(2, body)]);
  return concat([Uint8Array.of(HANDSHAKE), numbers(0x0301), vector(2, clientHello)]);
}

/** The first record, once it is whole. */
function read(bytes: Uint8Array): Answer | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 5 || bytes.length < 5 + view.getUint16(3)) return null;
  if (view.getUint8(0) === ALERT) return { kind: "alert", description: view.getUint8(6) };
  // Record header, handshake header, version, random, session id.
  const at = 5 + 4 + 2 + 32;
  const cipherAt = at + 1 + view.getUint8(at);
  let version = view.getUint16(5 + 4);
  const end = cipherAt + 2 + 1 + 2 + view.getUint16(cipherAt + 3);
  for (let i = cipherAt + 5; i < end; i += 4 + view.getUint16(i + 2)) {
    if (view.getUint16(i) === SUPPORTED_VERSIONS) version = view.getUint16(i + 4);
  }
  return { kind: "hello", version, cipher: view.getUint16(cipherAt) };
}

function extension(type: number, body: Uint8Array): Uint8Array {
  return concat([numbers(type), vector(2, body)]);
}

/** Bytes behind their length, which takes one byte or two. */
function vector(lengthBytes: 1 | 2, body: Uint8Array): Uint8Array {
  const length = lengthBytes === 1 ? Uint8Array.of(body.length) : numbers(body.length);
  return concat([length, body]);
}

function numbers(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values.flatMap((value) => [value >> 8, value & 255]));
}

function random(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(32));
}
