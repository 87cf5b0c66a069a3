// Outgoing TLS connections: to one IP address, under the name of the host that has to be there (FMSG-001).

import { Buffer } from "node:buffer";
import {
  connect as connectTls,
  createSecureContext,
  type SecureContext,
  type TLSSocket,
} from "node:tls";
import { Terminate } from "../protocol/mod.ts";
import { type FlowLimits, SocketConnection } from "./connection.ts";
import { ALPN } from "./listener.ts";
import { type Roots, useRoots } from "./roots.ts";

export interface DiallerOptions {
  /** PEM of roots that are trusted besides the usual ones, or null. */
  readonly extraRoots: string | null;
  /** Where the roots are written for the runtime, see `useRoots`. */
  readonly rootsFile: string;
  /** Asked for each connection, since they may change. */
  readonly limits: () => DialLimits;
}

export interface DialLimits extends FlowLimits {
  /** Milliseconds for connecting and the handshake together. */
  readonly connectMs: number;
}

export interface Destination {
  readonly ip: string;
  readonly port: number;
  /** `fmsg.<domain>`: SNI, and the name that the certificate must hold. */
  readonly serverName: string;
  /** The address to leave from; null leaves it to the system. */
  readonly source: string | null;
}

/** The connection could not be had: nobody there, not in time, or the wrong certificate. */
export class DialError extends Error {
  override readonly name = "DialError";
}

/** Sessions kept for resumption, one for each name. The runtime itself keeps those of about 32 names (Deno 2.9). */
const MAX_SESSIONS = 64;

/** A resumed session shows no certificate: after so long, in milliseconds, the host has to show its own again. */
const MAX_SESSION_AGE = 3600_000;

interface Session {
  readonly data: Uint8Array;
  /** When the certificate was last verified. */
  readonly since: number;
}

export class Dialler {
  readonly #options: DiallerOptions;
  readonly #roots: Roots;
  #context: SecureContext;
  #explicit: SecureContext | null = null;
  #resumes: boolean;
  readonly #sessions = new Map<string, Session>();

  constructor(options: DiallerOptions) {
    this.#options = options;
    this.#roots = useRoots(options.extraRoots, options.rootsFile);
    this.#resumes = this.#roots.inDefaultStore;
    this.#context = createSecureContext({
      minVersion: "TLSv1.3",
      ...(this.#resumes ? {} : { ca: this.#roots.explicit() }),
    });
  }

  /** Connects and does the handshake. Throws a DialError, or the reason of `signal` when it aborts. */
  async connect(to: Destination, signal?: AbortSignal): Promise<SocketConnection> {
    // Connections that run beside this one may change it meanwhile.
    const context = this.#context;
    try {
      return await this.#connect(to, context, signal);
    } catch (error) {
      const trustsAll = context === this.#explicit || !this.#roots.inDefaultStore;
      if (trustsAll || !isUntrusted(error)) throw error;
    }
    // Perhaps the default store was filled before it was told of our roots.
    this.#explicit ??= createSecureContext({ minVersion: "TLSv1.3", ca: this.#roots.explicit() });
    const connection = await this.#connect(to, this.#explicit, signal);
    this.#context = this.#explicit;
    this.#resumes = false;
    this.#sessions.clear();
    return connection;
  }

  #connect(
    to: Destination,
    context: SecureContext,
    signal?: AbortSignal,
  ): Promise<SocketConnection> {
    const limits = this.#options.limits();
    const { connectMs } = limits;
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason);
      // Only the default store resumes.
      const session = context === this.#explicit ? null : this.#session(to.serverName);
      const socket = connectTls({
        host: to.ip,
        port: to.port,
        servername: to.serverName,
        secureContext: context,
        minVersion: "TLSv1.3",
        ALPNProtocols: ALPN,
        ...(to.source === null ? {} : { localAddress: to.source }),
        ...(session === null ? {} : { session: Buffer.from(session.data) }),
      });
      hideChain(socket);
      const fail = (error: unknown): void => {
        settle();
        socket.on("error", () => {});
        socket.destroy();
        reject(error);
      };
      const failed = (error: Error): void =>
        fail(new DialError(describe(error, to), { cause: error }));
      const closed = (): void => fail(new DialError("the connection was closed in the handshake"));
      const aborted = (): void => fail(signal?.reason ?? new Terminate("connection lost"));
      const timer = setTimeout(
        () => fail(new DialError(`no answer within ${connectMs / 1000} s`)),
        connectMs,
      );
      const settle = (): void => {
        clearTimeout(timer);
        socket.removeListener("error", failed);
        socket.removeListener("close", closed);
        signal?.removeEventListener("abort", aborted);
      };
      signal?.addEventListener("abort", aborted);
      socket.once("error", failed);
      socket.once("close", closed);
      if (this.#resumes) {
        const since = session?.since ?? Date.now();
        socket.on("session", (data: Uint8Array) => this.#remember(to.serverName, data, since));
      }
      socket.once("secureConnect", () => {
        settle();
        socket.setNoDelay(true);
        resolve(new SocketConnection(socket, limits));
      });
    });
  }

  #session(name: string): Session | null {
    const session = this.#sessions.get(name);
    return session !== undefined && Date.now() - session.since < MAX_SESSION_AGE ? session : null;
  }

  #remember(name: string, data: Uint8Array, since: number): void {
    this.#sessions.delete(name);
    this.#sessions.set(name, { data: new Uint8Array(data), since });
    if (this.#sessions.size <= MAX_SESSIONS) return;
    const [oldest] = this.#sessions.keys();
    if (oldest !== undefined) this.#sessions.delete(oldest);
  }
}

/** Is the certificate of an authority that is not trusted? */
function isUntrusted(error: unknown): boolean {
  const cause = error instanceof DialError ? error.cause : null;
  const code: unknown = cause instanceof Error ? Reflect.get(cause, "code") : null;
  return code === "UNABLE_TO_VERIFY_LEAF_SIGNATURE" || code === "SELF_SIGNED_CERT_IN_CHAIN" ||
    code === "UNABLE_TO_GET_ISSUER_CERT_LOCALLY";
}

/**
 * Shows the runtime no more than the server's own certificate when it checks the name. It would read every certificate
 * that came along, and one that it cannot read throws out of its event handler, which ends the process (Deno 2.9): any
 * host that we connect to, also for a challenge, could send one.
 */
export function hideChain(socket: TLSSocket): void {
  const read = socket.getPeerCertificate.bind(socket);
  const value = (): object => {
    try {
      return read();
    } catch {
      return {}; // Without a name it is refused.
    }
  };
  Object.defineProperty(socket, "getPeerCertificate", { value });
}

/** A certificate may hold thousands of names; this ends up in logs and in the queue. */
function shorten(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`;
}

/** A network error in words that help an operator. */
function describe(error: Error & { readonly code?: string }, to: Destination): string {
  switch (error.code) {
    case "ECONNREFUSED":
      return "nobody listens there (connection refused)";
    case "ECONNRESET":
      return "the connection was reset in the handshake";
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return "no route to this address";
    case "ETIMEDOUT":
      return "no answer";
    case "EADDRNOTAVAIL":
    case "EINVAL":
      return to.source === null
        ? error.message
        : `this host cannot leave from ${to.source}: it is no address of this machine, or of another family`;
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "SELF_SIGNED_CERT_IN_CHAIN":
      // The runtime has one code for all of these.
      return "its certificate has expired, is not valid yet, or is of an authority that is not trusted here";
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
      return "its certificate is self-signed, and not trusted here";
    case "ERR_TLS_CERT_ALTNAME_INVALID": {
      const names = error.message.replace(/^.*(?:altnames|CN): /s, "");
      return `its certificate is not for ${to.serverName} but for ${shorten(names)}`;
    }
    case "ERR_SSL_WRONG_VERSION_NUMBER":
      return "what listens there does not speak TLS";
    case "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION":
      return "what listens there does not speak TLS 1.3";
    default:
      return error.message;
  }
}
