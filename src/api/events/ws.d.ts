// What is used here of ws. Its usual types bring another version of Node's along, by which the whole program would be checked.
import type { Buffer } from "node:buffer";
import { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

interface SocketEvents {
  open: [];
  message: [data: Buffer, isBinary: boolean];
  ping: [data: Buffer];
  pong: [data: Buffer];
  close: [code: number, reason: Buffer];
  error: [error: Error];
}

export class WebSocket extends EventEmitter<SocketEvents> {
  static readonly OPEN: 1;

  constructor(url: string, options?: ClientOptions);

  readonly readyState: 0 | 1 | 2 | 3;
  /** Bytes that wait to be sent. */
  readonly bufferedAmount: number;

  send(data: string | Uint8Array, options?: { readonly binary?: boolean }): void;
  ping(): void;
  /** Begins the closing handshake. */
  close(code?: number, reason?: string): void;
  /** Ends the connection at once. */
  terminate(): void;
}

export interface ClientOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly perMessageDeflate?: boolean;
  readonly ca?: string | string[];
  readonly servername?: string;
}

export interface ServerOptions {
  readonly noServer: true;
  readonly clientTracking: boolean;
  readonly perMessageDeflate: boolean;
  /** Bytes of a message. */
  readonly maxPayload: number;
  readonly maxFragments: number;
  readonly maxBufferedChunks: number;
  /** How long the other side may take to agree to the end, in milliseconds. */
  readonly closeTimeout: number;
}

export class WebSocketServer extends EventEmitter<
  { wsClientError: [error: Error, socket: Duplex, request: IncomingMessage] }
> {
  constructor(options: ServerOptions);

  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    done: (socket: WebSocket) => void,
  ): void;
  close(): void;
}
