// A server of the interface on loopback with an application of the test's, and clients that write what they like.

import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import * as tls from "node:tls";
import type { Certificate } from "../../../src/net/mod.ts";
import { HttpServer, type ServerTerms } from "../../../src/api/server/server.ts";
import { CONNECTION_BOUNDS, type ConnectionBounds } from "../../../src/api/server/connections.ts";
import { PATIENCE, waitFor, within } from "../../support/wait.ts";

export interface StageTerms {
  readonly answer?: ServerTerms["answer"];
  readonly bounds?: Partial<ConnectionBounds>;
  readonly flow?: { readonly idleMs: number; readonly minRate: number };
  readonly certificate?: Certificate;
  readonly hearingCheckMs?: number;
  readonly standsForMany?: (peer: string) => boolean;
}

export class Stage implements AsyncDisposable {
  readonly server: HttpServer;
  /** What the server could not do, which tests expect to be nothing. */
  readonly failures: readonly unknown[];
  /** Times that it was opened anew, with what went wrong. */
  readonly reopened: readonly (string | null)[];
  readonly #clients: Client[] = [];

  private constructor(
    server: HttpServer,
    failures: readonly unknown[],
    reopened: readonly (string | null)[],
  ) {
    this.server = server;
    this.reopened = reopened;
    this.failures = failures;
  }

  static async open(terms: StageTerms = {}): Promise<Stage> {
    const failures: unknown[] = [];
    const reopened: (string | null)[] = [];
    const server = await HttpServer.listen({
      endpoint: { ip: "127.0.0.1", port: 0 },
      certificate: terms.certificate ?? null,
      limits: {
        flow: () => terms.flow ?? { idleMs: PATIENCE, minRate: 1 },
        standsForMany: terms.standsForMany ?? (() => false),
      },
      bounds: { ...CONNECTION_BOUNDS, ...terms.bounds },
      headers: () => ({ "x-common": "yes" }),
      answer: terms.answer ?? ((request) => Promise.resolve(new Response(request.method))),
      failed: (error) => failures.push(error),
      reopened: (problem) => reopened.push(problem),
      ...terms.hearingCheckMs === undefined ? {} : { hearingCheckMs: terms.hearingCheckMs },
      isWebSocketPath: (path) => path === "/ws",
    });
    return new Stage(server, failures, reopened);
  }

  get port(): number {
    return this.server.endpoint.port;
  }

  async client(from = "127.0.0.1"): Promise<Client> {
    const socket = connect({ host: "127.0.0.1", port: this.port, localAddress: from });
    return await this.#opened(socket, "connect");
  }

  async tlsClient(options: tls.ConnectionOptions): Promise<Client> {
    const socket = tls.connect({ host: "127.0.0.1", port: this.port, ...options });
    return await this.#opened(socket, "secureConnect");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.socket.destroy();
    await within(PATIENCE, "the server to close", this.server.close(0));
    assert.deepEqual(this.failures, []);
  }

  async #opened(socket: Socket, event: "connect" | "secureConnect"): Promise<Client> {
    const client = new Client(socket);
    this.#clients.push(client);
    let there = false;
    socket.once(event, () => there = true);
    await waitFor(() => there || client.closed);
    return client;
  }
}

export class Client {
  readonly socket: Socket;
  /** Everything that came. */
  text = "";
  closed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Uint8Array) => {
      this.text += new TextDecoder().decode(chunk);
    });
    socket.on("error", () => {});
    socket.on("close", () => this.closed = true);
    socket.on("end", () => this.closed = true);
  }

  /** Line breaks may be written as "\n". */
  write(text: string): void {
    this.socket.write(text.replace(/\r?\n/g, "\r\n"));
  }

  /** Waits until this has come. */
  async saw(what: string | RegExp): Promise<string> {
    await waitFor(
      () => typeof what === "string" ? this.text.includes(what) : what.test(this.text),
      {
        what: `${what} to come; there is ${JSON.stringify(this.text.slice(0, 500))}`,
      },
    );
    return this.text;
  }

  /** Everything that came until the server closed. */
  async end(): Promise<string> {
    await waitFor(() => this.closed, { what: "the server to close the connection" });
    return this.text;
  }
}
