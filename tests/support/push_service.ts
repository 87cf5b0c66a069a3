// A push service on loopback: it takes requests over TLS, keeps them, and answers as it is told.

import type { Buffer } from "node:buffer";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { Authority } from "../../src/certificate/make.ts";
import { type Bytes, concat } from "../../src/wire/mod.ts";
import type { Browser } from "./push_browser.ts";
import { waitFor } from "./wait.ts";

export interface TakenPush {
  /** As in `/alice/1`. */
  readonly path: string;
  /** By their names in small letters. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Bytes;
}

/** What is answered, as it stands on the wire; null: nothing, and the connection stays open; "": it is cut. */
export type Answering = (push: TakenPush) => string | null;

export class PushService implements AsyncDisposable {
  /** All that was taken, in order. */
  readonly pushes: TakenPush[] = [];
  answering: Answering = () => answer(201);
  /** Connections so far. */
  connections = 0;
  readonly #sockets = new Set<TLSSocket>();

  private constructor(
    readonly name: string,
    readonly ip: string,
    readonly port: number,
    private readonly server: Server,
  ) {}

  static async start(
    authority: Authority,
    { name = "push.test", ip = "127.0.0.1", certified = name }: {
      readonly name?: string;
      readonly ip?: string;
      /** The name in its certificate. */
      readonly certified?: string;
    } = {},
  ): Promise<PushService> {
    const server = createServer({
      ...await authority.issue(certified),
      ALPNProtocols: ["http/1.1"],
    });
    server.listen(0, ip);
    await once(server, "listening");
    const service = new PushService(name, ip, addressOf(server).port, server);
    server.on("connection", () => service.connections++);
    server.on("tlsClientError", () => {});
    server.on("secureConnection", (socket: TLSSocket) => service.#serve(socket));
    return service;
  }

  endpoint(path: string): string {
    return `https://${this.name}:${this.port}${path}`;
  }

  /** Requests that have no answer and are still connected. */
  get open(): number {
    return this.#sockets.size;
  }

  /** The nth push to a path, once it is there. */
  async taken(path: string, nth = 1): Promise<TakenPush> {
    return await waitFor(() => this.at(path)[nth - 1], { what: `push ${nth} to ${path}` });
  }

  at(path: string): TakenPush[] {
    return this.pushes.filter((push) => push.path === path);
  }

  /** What the nth push to a path says to a browser. */
  async payload(browser: Browser, path: string, nth = 1): Promise<Record<string, unknown>> {
    const { body } = await this.taken(path, nth);
    return JSON.parse(await browser.decrypt(body));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.server, "close");
    this.server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #serve(socket: TLSSocket): void {
    this.#sockets.add(socket);
    let read: Bytes = new Uint8Array();
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      read = concat([read, new Uint8Array(chunk)]);
      const push = readPush(read);
      if (push === null) return;
      read = new Uint8Array();
      this.pushes.push(push);
      const text = this.answering(push);
      if (text === "") socket.destroy();
      else if (text !== null) socket.end(text);
    });
  }
}

/** An answer without a body. */
export function answer(status: number, headers: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries({ ...headers, "content-length": "0" })
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} As told\r\n${lines.join("")}\r\n`;
}

/** null while it is not whole. */
function readPush(bytes: Bytes): TakenPush | null {
  const text = new TextDecoder("latin1").decode(bytes);
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const [first = "", ...lines] = text.slice(0, end).split("\r\n");
  const headers = new Map(lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  }));
  const body = bytes.slice(end + 4);
  const isWhole = body.length >= Number(headers.get("content-length"));
  return isWhole ? { path: first.split(" ")[1] ?? "", headers, body } : null;
}

function addressOf(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("It does not listen");
  return address;
}
