// A look at who answers on a port: everything that a handshake tells, also where a host would have hung up. Nothing is
// sent behind the handshake.

import type { X509Certificate } from "node:crypto";
import { checkServerIdentity, connect, createSecureContext, type SecureContext } from "node:tls";
import { ALPN } from "./listener.ts";
import { explicitRoots } from "./roots.ts";

export interface ProbeTarget {
  readonly ip: string;
  readonly port: number;
  /** SNI, and the name that the certificate should hold. */
  readonly serverName: string;
  /** The address to leave from; null leaves it to the system. */
  readonly source?: string | null;
  readonly version?: "1.2" | "1.3";
  /** How long to see whether the other side hangs up after the handshake, in milliseconds; 0 unless given. */
  readonly hold?: number;
}

/** Trusts what a host trusts, with `extra` roots (PEM) besides. To be shared, since there are hundreds of roots. */
export class ProbeRoots {
  readonly #roots: string[];
  readonly #contexts = new Map<string, SecureContext>();

  constructor(extra: string | null) {
    this.#roots = explicitRoots(extra);
  }

  context(version: "1.2" | "1.3"): SecureContext {
    const known = this.#contexts.get(version);
    if (known !== undefined) return known;
    const name = `TLSv${version}` as const;
    const made = createSecureContext({ minVersion: name, maxVersion: name, ca: this.#roots });
    this.#contexts.set(version, made);
    return made;
  }
}

/** A certificate as it was shown. */
export interface Shown {
  /** DNS names, lower case. */
  readonly names: readonly string[];
  readonly subject: string;
  readonly issuer: string;
  readonly from: Date;
  readonly until: Date;
  /** SHA-256, as in `AB:CD:…`. */
  readonly fingerprint: string;
}

export type Probe =
  | {
    readonly kind: "answered";
    readonly protocol: string;
    /** What was chosen of `fmsg/1`; null when nothing was. */
    readonly alpn: string | null;
    /** Does the chain lead to a root that is trusted, today? */
    readonly trusted: boolean;
    readonly selfSigned: boolean;
    /** Is the certificate for the name that was asked for? */
    readonly named: boolean;
    /** The host's own certificate; null when it cannot be read. */
    readonly certificate: Shown | null;
    /** The other side hung up within `hold`. */
    readonly hungUp: boolean;
  }
  /** Nobody listens. */
  | { readonly kind: "refused" }
  /** `connected`: TCP did, and then nothing came. */
  | { readonly kind: "silent"; readonly connected: boolean }
  | { readonly kind: "unreachable" }
  /** The handshake failed: why, as far as it is known. */
  | { readonly kind: "failed"; readonly why: HandshakeFailure; readonly detail: string };

export type HandshakeFailure = "no TLS" | "version" | "ALPN" | "hung up" | "other";

/** Connects, looks, and closes in order. Never rejects; `signal` ends it as `silent`. */
export function probe(
  target: ProbeTarget,
  roots: ProbeRoots,
  timeout: number,
  signal?: AbortSignal,
): Promise<Probe> {
  return new Promise((resolve) => {
    const { ip, port, serverName, source = null, version = "1.3", hold = 0 } = target;
    if (signal?.aborted === true) return resolve({ kind: "silent", connected: false });
    let connected = false;
    let result: Probe | null = null;
    const socket = connect({
      host: ip,
      port,
      servername: serverName,
      secureContext: roots.context(version),
      ALPNProtocols: ALPN,
      // Looked at instead: who examines a host wants to see also what is wrong with it.
      rejectUnauthorized: false,
      ...(source === null ? {} : { localAddress: source }),
    });
    const certificateOf = socket.getPeerX509Certificate.bind(socket);
    const peerOf = socket.getPeerCertificate.bind(socket);
    // A certificate that the runtime cannot read would throw out of its event handler (see the dialler).
    Object.defineProperty(socket, "getPeerCertificate", {
      value: () => unlessThrown(peerOf) ?? {},
    });
    const end = (found: Probe): void => {
      if (result !== null) return;
      result = found;
      clearTimeout(timer);
      signal?.removeEventListener("abort", giveUp);
      socket.end();
      socket.destroy();
    };
    const giveUp = (): void => end({ kind: "silent", connected });
    let timer = setTimeout(giveUp, timeout);
    signal?.addEventListener("abort", giveUp);
    socket.on("connect", () => connected = true);
    socket.on("error", (error) => end(failureOf(error)));
    socket.on("close", () => {
      end({ kind: "failed", why: "hung up", detail: "the connection was closed in the handshake" });
      if (result !== null) resolve(result);
    });
    socket.on("secureConnect", () => {
      const peer = unlessThrown(peerOf);
      const certificate = unlessThrown(() => certificateOf());
      const problem = String(socket.authorizationError ?? "");
      const seen = (hungUp: boolean): Probe => ({
        kind: "answered",
        protocol: socket.getProtocol() ?? "unknown",
        alpn: typeof socket.alpnProtocol === "string" ? socket.alpnProtocol : null,
        trusted: socket.authorized || problem === WRONG_NAME,
        selfSigned: problem === SELF_SIGNED,
        named: peer !== null && checkServerIdentity(serverName, peer) === undefined,
        certificate: certificate === null || certificate === undefined
          ? null
          : shownOf(certificate),
        hungUp,
      });
      if (hold === 0) return end(seen(false));
      clearTimeout(timer);
      timer = setTimeout(() => end(seen(false)), hold);
      for (const event of ["end", "close", "error"] as const) {
        socket.prependListener(event, () => end(seen(true)));
      }
      // Only who reads notices the end.
      socket.resume();
    });
  });
}

/** A certificate of a file, in the same form. */
export function shownOf(certificate: X509Certificate): Shown {
  return {
    names: (certificate.subjectAltName ?? "").split(", ")
      .filter((name) => /^DNS:/i.test(name)).map((name) => name.slice(4).toLowerCase()),
    subject: certificate.subject ?? "",
    issuer: certificate.issuer ?? "",
    from: certificate.validFromDate,
    until: certificate.validToDate,
    fingerprint: certificate.fingerprint256,
  };
}

/** The runtime looks at the name only once the chain is trusted. */
const WRONG_NAME = "ERR_TLS_CERT_ALTNAME_INVALID";
const SELF_SIGNED = "DEPTH_ZERO_SELF_SIGNED_CERT";

function failureOf(error: Error & { readonly code?: string }): Probe {
  const failed = (why: HandshakeFailure): Probe => ({ kind: "failed", why, detail: error.message });
  switch (error.code) {
    case "ECONNREFUSED":
      return { kind: "refused" };
    case "ETIMEDOUT":
      return { kind: "silent", connected: false };
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "EADDRNOTAVAIL":
      return { kind: "unreachable" };
    case "ECONNRESET":
    case "EPIPE":
      return failed("hung up");
    case "ERR_SSL_WRONG_VERSION_NUMBER":
      return failed("no TLS");
    case "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION":
      return failed("version");
    case "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL":
      return failed("ALPN");
    default:
      return failed("other");
  }
}

function unlessThrown<Result>(work: () => Result): Result | null {
  try {
    return work();
  } catch {
    return null;
  }
}
