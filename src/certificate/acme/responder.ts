// Answers the authority's requests for HTTP-01 (RFC 8555 8.3), and nothing else, while an order is under way.
// On bare sockets: the runtime's HTTP servers bound neither the header's size nor the time for it, nor connections.

import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { Endpoint } from "../../config.ts";
import { AcmeError } from "./error.ts";
import { addressText, canonicalIp } from "../../net/mod.ts";

/** The Internet is listening, too: connections at once, and what one may cost in time and bytes. */
const MAX_CONNECTIONS = 64;
const CONNECTION_MS = 10_000;
const MAX_HEAD = 8192;

const PREFIX = "/.well-known/acme-challenge/";

interface Challenge {
  readonly keyAuthorization: string;
  answered: number;
}

export class Responder implements AsyncDisposable {
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #challenges = new Map<string, Challenge>();
  readonly #requested: (peer: string) => void;

  readonly #connectionMs: number;

  private constructor(requested: (peer: string) => void, connectionMs: number) {
    this.#requested = requested;
    this.#connectionMs = connectionMs;
  }

  /**
   * Listens on all endpoints, or throws an AcmeError that says which cannot be had, and what to do. No connection lasts
   * longer than `connectionMs`.
   */
  static async listen(
    endpoints: readonly Endpoint[],
    requested: (peer: string) => void,
    connectionMs = CONNECTION_MS,
  ): Promise<Responder> {
    const responder = new Responder(requested, connectionMs);
    try {
      for (const endpoint of endpoints) {
        if (!isCovered(endpoint, endpoints)) await responder.#listen(endpoint);
      }
      return responder;
    } catch (error) {
      await responder[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Answers requests for `token` from now on; those that were answered before still count. */
  answer(token: string, keyAuthorization: string): void {
    this.#challenges.set(token, { keyAuthorization, answered: this.answered(token) });
  }

  /** Requests for `token` that were answered. */
  answered(token: string): number {
    return this.#challenges.get(token)?.answered ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.#servers.filter(({ listening }) => listening).map((server) => {
      server.close();
      return once(server, "close");
    });
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }

  async #listen(endpoint: Endpoint): Promise<void> {
    const server = createServer((socket) => this.#accept(socket));
    try {
      server.listen(endpoint.port, endpoint.ip);
      await once(server, "listening");
    } catch (error) {
      throw cannotListen(endpoint, error);
    }
    server.on("error", () => {});
    this.#servers.push(server);
  }

  #accept(socket: Socket): void {
    socket.on("error", () => {});
    this.#sockets.add(socket);
    if (this.#sockets.size > MAX_CONNECTIONS) {
      // Those who sit there do not keep the authority out.
      const [oldest] = this.#sockets;
      oldest?.destroy();
    }
    const timer = setTimeout(() => socket.destroy(), this.#connectionMs);
    socket.once("close", () => {
      clearTimeout(timer);
      this.#sockets.delete(socket);
    });
    let head = "";
    const take = (chunk: Uint8Array): void => {
      head += new TextDecoder("latin1").decode(chunk);
      if (head.length > MAX_HEAD) {
        socket.destroy();
      } else if (/\r?\n\r?\n/.test(head)) {
        socket.removeListener("data", take);
        socket.resume();
        socket.end(this.#respond(head, canonicalIp(socket.remoteAddress ?? "") ?? "?"));
      }
    };
    socket.on("data", take);
  }

  #respond(head: string, peer: string): string {
    const [, method, target = ""] = /^(GET|HEAD) (\S+) HTTP\/1\.[01]\r?\n/.exec(head) ?? [];
    // In absolute form, too, as RFC 9112 3.2.2 demands of servers.
    const path = target.replace(/^http:\/\/[^/]*/i, "");
    const challenge = path.startsWith(PREFIX)
      ? this.#challenges.get(path.slice(PREFIX.length))
      : undefined;
    if (method === undefined || challenge === undefined) return response("404 Not Found", "", true);
    challenge.answered++;
    this.#requested(peer);
    return response("200 OK", challenge.keyAuthorization, method === "GET");
  }
}

function response(status: string, body: string, withBody: boolean): string {
  return [
    `HTTP/1.1 ${status}`,
    "content-type: application/octet-stream",
    `content-length: ${body.length}`,
    "connection: close",
    "",
    withBody ? body : "",
  ].join("\r\n");
}

/** The runtime ignores `ipv6Only` (Deno 2.9): who listens on "::" gets the port of IPv4 too. */
function isCovered({ ip, port }: Endpoint, all: readonly Endpoint[]): boolean {
  return ip === "0.0.0.0" && port !== 0 &&
    all.some((other) => other.ip === "::" && other.port === port);
}

function cannotListen(endpoint: Endpoint, cause: unknown): AcmeError {
  const where = addressText(endpoint);
  return new AcmeError(
    "port",
    `Cannot listen on ${where} for the authority's requests: ${whyNot(endpoint, cause)}`,
    { cause },
  );
}

function whyNot({ port }: Endpoint, cause: unknown): string {
  const code: unknown = cause instanceof Error ? Reflect.get(cause, "code") : null;
  switch (code) {
    case "EADDRINUSE":
      return "another program has the port, perhaps a web server; stop it, or let it pass /.well-known/acme-challenge/ on to an address that tls.acme.listen names, or use certificate files (tls.cert, tls.key)";
    case "EACCES":
    case "EPERM":
      return port < 1024
        ? "this user may not use ports below 1024; grant CAP_NET_BIND_SERVICE (AmbientCapabilities in the systemd unit), or forward the port to one that tls.acme.listen names"
        : "this user may not use the port; choose another in tls.acme.listen";
    case "EADDRNOTAVAIL":
    case "EAFNOSUPPORT":
    case "EINVAL":
      return "this machine has no such address; correct tls.acme.listen, or listen where that is not set";
    default:
      return cause instanceof Error ? cause.message : String(cause);
  }
}
