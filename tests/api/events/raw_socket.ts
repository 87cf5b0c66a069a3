// A WebSocket client of single bytes: it sends what it is told, right or wrong, reads only when it is asked to, and answers
// nothing by itself.

import assert from "node:assert/strict";
import { PATIENCE, within } from "../../support/wait.ts";

export interface Frame {
  readonly opcode: number;
  readonly payload: Uint8Array;
}

export const TEXT = 1;
export const CLOSED = 8;
export const PING = 9;
export const PONG = 10;

export interface Opening {
  readonly path?: string;
  /** Lines of the request besides the first and `host`; a handshake unless told. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly token?: string;
}

export const HANDSHAKE = {
  "upgrade": "websocket",
  "connection": "Upgrade",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-version": "13",
} as const;

export class RawSocket implements Disposable {
  #bytes = new Uint8Array();
  #closed = false;

  private constructor(private readonly connection: Deno.TcpConn, readonly head: string) {}

  /** Connects and reads the head of the answer, whatever it says. */
  static async open(
    { ip, port }: { readonly ip: string; readonly port: number },
    { path = "/fmsg/ws", headers = HANDSHAKE, token }: Opening = {},
  ): Promise<RawSocket> {
    const connection = await Deno.connect({ hostname: ip, port });
    const lines = [
      `GET ${path} HTTP/1.1`,
      `host: ${ip}:${port}`,
      ...token === undefined ? [] : [`authorization: Bearer ${token}`],
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ];
    await connection.write(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
    let bytes: Uint8Array = new Uint8Array();
    for (;;) {
      const text = new TextDecoder("latin1").decode(bytes);
      const end = text.indexOf("\r\n\r\n");
      if (end >= 0) {
        const socket = new RawSocket(connection, text.slice(0, end));
        socket.#bytes = bytes.slice(end + 4);
        return socket;
      }
      const more = await read(connection);
      if (more === null) throw new Error(`The server closed the connection after "${text}"`);
      bytes = joined(bytes, more);
    }
  }

  get status(): number {
    return Number(this.head.slice(9, 12));
  }

  header(name: string): string | null {
    return new RegExp(`^${name}: (.*?)\r?$`, "im").exec(this.head)?.[1] ?? null;
  }

  /** The body of an answer that is no upgrade: JSON, to the end of the connection or of its length. */
  async json(): Promise<unknown> {
    const length = Number(this.header("content-length") ?? NaN);
    while (!(this.#bytes.length >= length) && await this.#fill());
    return JSON.parse(new TextDecoder().decode(this.#bytes));
  }

  async send(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0;) {
      rest = rest.subarray(await this.connection.write(rest));
    }
  }

  /** The next frame of the server; null once it has closed the connection. */
  async next(): Promise<Frame | null> {
    for (;;) {
      const frame = this.#take();
      if (frame !== null) return frame;
      if (!await this.#fill()) return null;
    }
  }

  /** The code of the close frame that comes, behind whatever frames; null when the connection ends without one. */
  async closeCode(): Promise<number | null> {
    for (let frame = await this.next(); frame !== null; frame = await this.next()) {
      if (frame.opcode === CLOSED) return new DataView(frame.payload.buffer).getUint16(0);
    }
    return null;
  }

  /** Reads until the server has closed the connection. */
  async ended(): Promise<void> {
    while (await this.#fill());
  }

  [Symbol.dispose](): void {
    if (!this.#closed) this.connection.close();
    this.#closed = true;
  }

  #take(): Frame | null {
    const bytes = this.#bytes;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < 2) return null;
    assert.equal(view.getUint8(1) & 0x80, 0, "a server masks nothing");
    let length = view.getUint8(1) & 0x7f;
    let start = 2;
    if (length === 126) {
      if (bytes.length < 4) return null;
      [length, start] = [view.getUint16(2), 4];
    } else if (length === 127) {
      if (bytes.length < 10) return null;
      [length, start] = [Number(view.getBigUint64(2)), 10];
    }
    if (bytes.length < start + length) return null;
    this.#bytes = bytes.slice(start + length);
    return { opcode: view.getUint8(0) & 0x0f, payload: bytes.slice(start, start + length) };
  }

  async #fill(): Promise<boolean> {
    const more = await within(PATIENCE, "something from the server", read(this.connection));
    if (more === null) return false;
    this.#bytes = joined(this.#bytes, more);
    return true;
  }
}

export interface FrameChoices {
  readonly opcode?: number;
  readonly final?: boolean;
  readonly masked?: boolean;
  /** The three reserved bits. */
  readonly reserved?: number;
  /** The length that the frame tells. */
  readonly length?: number;
}

/** A frame of a client. */
export function frame(
  payload: string | Uint8Array,
  { opcode = TEXT, final = true, masked = true, reserved = 0, length }: FrameChoices = {},
): Uint8Array {
  const body = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  const told = length ?? body.length;
  const head = told < 126 ? [told] : told < 65536 ? [126, told >> 8, told & 0xff] : [
    127,
    ...new Uint8Array(new BigUint64Array([BigInt(told)]).buffer).reverse(),
  ];
  const [first = 0, ...rest] = head;
  return joined(
    Uint8Array.of(
      (final ? 0x80 : 0) | reserved << 4 | opcode,
      (masked ? 0x80 : 0) | first,
      ...rest,
      // A mask of zeros changes nothing.
      ...masked ? [0, 0, 0, 0] : [],
    ),
    body,
  );
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

async function read(connection: Deno.TcpConn): Promise<Uint8Array | null> {
  const buffer = new Uint8Array(64 * 1024);
  try {
    const count = await connection.read(buffer);
    return count === null ? null : buffer.subarray(0, count);
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionReset) return null;
    throw error;
  }
}
