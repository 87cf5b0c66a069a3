// The HTTP server below the interface: plain, or TLS with the host's certificate; it hands requests on as those of the web.

import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  ServerResponse,
} from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { cannotListen, canonicalIp, type Certificate, type Endpoint } from "../../net/mod.ts";
import { AnswerMemory } from "./answer_memory.ts";
import {
  type Connection,
  CONNECTION_BOUNDS,
  type ConnectionBounds,
  type ConnectionLimits,
  Connections,
} from "./connections.ts";
import type { Flow } from "./flow.ts";
import { HearingWatch } from "./hearing_watch.ts";
import { type HeadFault, headFault, NO_SUCH_METHOD } from "./head_fault.ts";
import { refusalOfParser, writeRefusal } from "./raw_refusal.ts";
import { drain, Gone, hasBody, webRequest } from "./web_request.ts";
import { end, writeResponse } from "./web_response.ts";

/** A request to change to WebSocket, with the socket that is to carry it. */
export interface Upgrade {
  readonly incoming: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Uint8Array;
  /** Set by whoever takes the socket over: then nothing is answered. */
  taken: boolean;
}

export interface ServerTerms {
  readonly endpoint: Endpoint;
  /** null: plain HTTP. */
  readonly certificate: Certificate | null;
  readonly limits: ConnectionLimits;
  /** Told when a server that took no more connections was opened anew, or why it could not be. */
  readonly reopened?: (problem: string | null) => void;
  /** For tests. */
  readonly bounds?: ConnectionBounds;
  readonly hearingCheckMs?: number;
  /** Headers that every answer has unless it sets them itself. */
  readonly headers: () => Readonly<Record<string, string>>;
  /** Answers a request of the address `peer`; `upgrade` when it is one to change to WebSocket. Never rejects. */
  readonly answer: (request: Request, peer: string, upgrade: Upgrade | null) => Promise<Response>;
  /** Told of what went wrong after an answer had begun. */
  readonly failed: (error: unknown) => void;
  readonly isWebSocketPath: (path: string) => boolean;
}

/** Bytes of a request's line and headers together. A token has one or two thousand. */
const MAX_HEADER_BYTES = 16 * 1024;

/** For which the rest of a refused request is read and thrown away, in milliseconds. */
const DRAIN_MS = 2000;

const BACKLOG = 1024;

export class HttpServer {
  readonly #terms: ServerTerms;
  #server: Server | TlsServer;
  #certificate: Certificate | null;
  /** Servers that were opened anew, until the connections that they took are gone. */
  readonly #former = new Set<Promise<void>>();
  readonly #hearing: HearingWatch;
  readonly #bounds: ConnectionBounds;
  readonly #connections: Connections;
  readonly #answers = new AnswerMemory();
  #endpoint: Endpoint;
  #stopping = false;

  private constructor(terms: ServerTerms) {
    this.#terms = terms;
    this.#endpoint = terms.endpoint;
    this.#bounds = terms.bounds ?? CONNECTION_BOUNDS;
    this.#connections = new Connections(terms.limits, this.#bounds);
    this.#certificate = terms.certificate;
    this.#server = this.#makeServer();
    this.#hearing = new HearingWatch({
      endpoint: () => this.#endpoint,
      reopen: () => this.#reopen(),
      ...terms.hearingCheckMs === undefined ? {} : { everyMs: terms.hearingCheckMs },
    });
  }

  /** Throws an Error when the address cannot be had; then nothing is left open. */
  static async listen(terms: ServerTerms): Promise<HttpServer> {
    const server = new HttpServer(terms);
    try {
      await server.#listen(terms.endpoint);
      server.#hearing.start();
      return server;
    } catch (error) {
      server.#connections[Symbol.dispose]();
      throw error;
    }
  }

  /** Where it listens, with the port that the system chose. */
  get endpoint(): Endpoint {
    return this.#endpoint;
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Shows another certificate from the next handshake on; connections go on (row T5). */
  renew(certificate: Certificate): void {
    this.#certificate = certificate;
    if ("setSecureContext" in this.#server) {
      this.#server.setSecureContext({ ...certificate, ...TLS_VERSIONS });
    }
  }

  /** Takes no more connections, lets requests under way finish for `graceMs`, and cuts what is left then. */
  async close(graceMs: number): Promise<void> {
    this.#stopping = true;
    await this.#hearing[Symbol.asyncDispose]();
    const closed = Promise.all([closedOf(this.#server), ...this.#former]);
    this.#connections.endIdle();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const grace = new Promise<void>((resolve) => timer = setTimeout(resolve, graceMs));
    await Promise.race([closed, grace]);
    clearTimeout(timer);
    this.#connections[Symbol.dispose]();
    await closed;
  }

  #makeServer(): Server | TlsServer {
    const certificate = this.#certificate;
    const options: HttpOptions = {
      headersTimeout: this.#bounds.headerMs,
      connectionsCheckingInterval: 500,
      // Bodies and answers have a floor of their rate, and idle connections a bound, of our own: see connections.ts.
      requestTimeout: 0,
      keepAliveTimeout: 0,
      maxHeaderSize: MAX_HEADER_BYTES,
      // Refused in JSON like everything else, see head_fault.ts.
      requireHostHeader: false,
      noDelay: true,
      // Clients that would rather speak HTTP/2, and say so to a plain server, are answered as if they had not.
      shouldUpgradeCallback: (incoming) => this.#isUpgrade(incoming),
    };
    const server = certificate === null ? createServer(options) : createTlsServer({
      ...options,
      ...certificate,
      ...TLS_VERSIONS,
      ALPNProtocols: ["http/1.1"],
      // None: see the listener of src/net. A connection without a request is cut all the same.
      handshakeTimeout: -1,
    });
    this.#limitConnections(server);
    server.on("request", (incoming, outgoing) => this.#serve(incoming, outgoing, false));
    server.on("checkContinue", (incoming, outgoing) => this.#serve(incoming, outgoing, true));
    server.on("upgrade", (incoming, socket, head) => this.#serveUpgrade(incoming, socket, head));
    server.on("checkExpectation", (incoming, outgoing) => this.#serve(incoming, outgoing, false));
    server.on("connect", (_incoming, socket) => {
      const { error, headers } = NO_SUCH_METHOD;
      const refusal = { status: "405 Method Not Allowed", error };
      writeRefusal(socket, refusal, { ...this.#terms.headers(), ...headers });
    });
    server.on("clientError", (error, socket) => {
      const refusal = refusalOfParser(error);
      // Into the middle of an answer, or before an earlier one, it would be taken for a part of that.
      const isLost = this.#connectionOf(socket)?.answering !== false;
      if (refusal === null || isLost || !socket.writable) socket.destroy();
      else writeRefusal(socket, refusal, this.#terms.headers());
    });
    server.on("tlsClientError", (_error: Error, socket: Socket) => socket.destroy());
    return server;
  }

  /** Who is refused costs neither a handshake nor a byte read. */
  #limitConnections(server: Server | TlsServer): void {
    const begin = server.listeners("connection");
    server.removeAllListeners("connection");
    server.on("connection", (socket: Socket) => {
      if (this.#hearing.heard(socket)) return void socket.destroy();
      // A client that is gone already has no address any more.
      const peer = canonicalIp(socket.remoteAddress ?? "");
      if (peer === null || this.#stopping || this.#connections.admit(socket, peer) === null) {
        socket.destroy();
      } else {
        for (const listener of begin) listener.call(server, socket);
      }
    });
  }

  /** Its connections go on; the port is free at once. */
  async #reopen(): Promise<void> {
    const closed = closedOf(this.#server);
    this.#former.add(closed);
    closed.finally(() => this.#former.delete(closed));
    this.#server = this.#makeServer();
    await this.#listen(this.#endpoint).then(
      () => this.#terms.reopened?.(null),
      (error: unknown) => this.#terms.reopened?.(String(error)),
    );
  }

  #listen(endpoint: Endpoint): Promise<void> {
    return new Promise((resolve, reject) => {
      const failed = (error: Error): void => reject(cannotListen(endpoint, error));
      this.#server.once("error", failed);
      this.#server.listen({ host: endpoint.ip, port: endpoint.port, backlog: BACKLOG }, () => {
        this.#server.removeListener("error", failed);
        this.#server.on("error", () => {});
        const address = this.#server.address();
        if (address !== null && typeof address !== "string") {
          this.#endpoint = { ip: address.address, port: address.port };
        }
        resolve();
      });
    });
  }

  #isUpgrade({ headers, method, url = "" }: IncomingMessage): boolean {
    return method === "GET" && headers.upgrade?.toLowerCase() === "websocket" &&
      this.#terms.isWebSocketPath(url);
  }

  #serve(incoming: IncomingMessage, outgoing: ServerResponse, expects: boolean): void {
    const connection = this.#connectionOf(incoming.socket);
    if (connection?.isRefused === true) return;
    const flow = connection === null ? null : this.#connections.begin(connection);
    if (connection === null || flow === null) return void incoming.socket.destroy();
    // What the parser may still find wrong is with the body of this request alone, or with what comes behind it.
    connection.answering = connection.flows.size > 1 || !hasBody(incoming);
    outgoing.on("close", () => {
      this.#connections.end(connection, flow, "idle");
      if (this.#stopping) incoming.socket.end();
    });
    this.#exchange(incoming, outgoing, { connection, flow, expects }).catch((error: unknown) => {
      if (!(error instanceof Gone)) this.#terms.failed(error);
      incoming.socket.destroy();
    });
  }

  async #exchange(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    { connection, flow, expects }: {
      readonly connection: Connection;
      readonly flow: Flow;
      readonly expects: boolean;
    },
  ): Promise<void> {
    incoming.on("error", () => {});
    outgoing.on("error", () => {});
    let waits = expects;
    const fault = headFault(incoming);
    if (fault !== null) connection.isRefused = true;
    const request = fault ?? attempt(() =>
      webRequest(incoming, flow, () => {
        if (waits) outgoing.writeContinue();
        waits = false;
      })
    );
    // Not before its turn: what waits for earlier answers takes no memory, and no work that may be in vain.
    await flow.turn;
    if (incoming.socket.destroyed) throw new Gone("The client went away before its turn");
    const answer = request instanceof Request
      ? await this.#terms.answer(request, connection.peer, null)
      : refused(request);
    using place = this.#answers.hold(answer);
    if (place === null) await answer.body?.cancel();
    const response = place === null ? refused(TOO_MUCH) : answer;
    if (incoming.socket.destroyed) {
      await response.body?.cancel();
      throw new Gone("The client went away before it was answered");
    }
    connection.answering = true;
    const isUnread = hasBody(incoming) && !incoming.complete;
    if (isUnread || waits || this.#stopping || !(request instanceof Request)) {
      outgoing.shouldKeepAlive = false;
    }
    await writeResponse(response, outgoing, flow, {
      head: incoming.method === "HEAD",
      headers: this.#terms.headers(),
    });
    // To close while the client still sends would take the answer from it.
    if (isUnread && !waits) await drain(incoming, DRAIN_MS);
    await end(outgoing, flow);
  }

  #serveUpgrade(incoming: IncomingMessage, socket: Duplex, head: Uint8Array): void {
    const connection = this.#connectionOf(socket);
    const isRefused = connection === null || connection.isRefused;
    const flow = isRefused ? null : this.#connections.begin(connection);
    if (connection === null || flow === null || !(socket instanceof Socket)) {
      return void socket.destroy();
    }
    socket.on("error", () => {});
    this.#upgrade(incoming, socket, { connection, flow, head }).catch((error: unknown) => {
      if (!(error instanceof Gone)) this.#terms.failed(error);
      socket.destroy();
    });
  }

  async #upgrade(
    incoming: IncomingMessage,
    socket: Socket,
    { connection, flow, head }: {
      readonly connection: Connection;
      readonly flow: Flow;
      readonly head: Uint8Array;
    },
  ): Promise<void> {
    const upgrade: Upgrade = { incoming, socket, head, taken: false };
    const request = headFault(incoming) ?? attempt(() => webRequest(incoming, flow, () => {}));
    const response = request instanceof Request
      ? await this.#terms.answer(request, connection.peer, upgrade)
      : refused(request);
    if (upgrade.taken) return this.#connections.end(connection, flow, "events");
    const outgoing = new ServerResponse(incoming);
    outgoing.shouldKeepAlive = false;
    outgoing.assignSocket(socket);
    outgoing.on("finish", () => {
      outgoing.detachSocket(socket);
      socket.end();
      // A client that does not close its side is cut before long.
      this.#connections.end(connection, flow, "new");
    });
    await writeResponse(response, outgoing, flow, { head: false, headers: this.#terms.headers() });
    outgoing.end();
  }

  /** By the TCP socket, which is below that of TLS. */
  #connectionOf(socket: Duplex): Connection | null {
    const below: unknown = Reflect.get(socket, "_parent");
    const tcp = below instanceof Socket ? below : socket;
    return tcp instanceof Socket ? this.#connections.of(tcp) : null;
  }
}

/** Browsers and proxies of some years ago speak 1.2; it is the protocol between hosts that demands 1.3. */
const TLS_VERSIONS = { minVersion: "TLSv1.2" } as const;

const TOO_MUCH: HeadFault = {
  status: 503,
  error: "Too many answers wait for clients that do not take them: try again",
  headers: { "retry-after": "1" },
};

function closedOf(server: Server | TlsServer): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

interface HttpOptions extends ServerOptions {
  /** Of node since 24.9; the types do not have it yet. */
  readonly shouldUpgradeCallback: (incoming: IncomingMessage) => boolean;
}

function refused({ status, error, headers = {} }: HeadFault): Response {
  return Response.json({ error }, { status, headers });
}

/** What the client wrote may be nothing that a request of the web can be made of. */
function attempt(make: () => Request): Request | HeadFault {
  try {
    return make();
  } catch (error) {
    if (error instanceof TypeError) {
      return { status: 400, error: "This is no request that is understood here" };
    }
    throw error;
  }
}
