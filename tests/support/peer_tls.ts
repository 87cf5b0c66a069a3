// How a peer's server presents itself: in order, or with a fault that hosts must notice.

import { type Authority, type Issued, selfSigned } from "../../src/certificate/make.ts";
import type { ServeOptions } from "./tls_connection.ts";

/**
 * Faults of the certificate are seen only by a host that was not connected with the peer before: a host that resumes
 * a session gets no certificate, and the runtime's servers cannot refuse to resume.
 */
export type TlsMode =
  | "good"
  | "no alpn"
  | "tls 1.2"
  | "wrong name"
  /** A certificate for the bare domain, without `fmsg.`. */
  | "bare name"
  | "self-signed"
  | "expired"
  /** Takes connections and says nothing. */
  | "mute"
  /** Resets connections as soon as they are there. */
  | "refuse";

/** The modes in which there is a handshake. */
export type HandshakeMode = Exclude<TlsMode, "mute" | "refuse">;

/** Certificates are made when they are first needed, and kept. */
export class PeerTls {
  readonly #domain: string;
  readonly #aliases: readonly string[];
  readonly #authority: Authority;
  readonly #issued = new Map<HandshakeMode, Promise<Issued>>();

  constructor(domain: string, aliases: readonly string[], authority: Authority) {
    this.#domain = domain;
    this.#aliases = aliases;
    this.#authority = authority;
  }

  async options(mode: HandshakeMode): Promise<ServeOptions> {
    const issued = this.#issued.get(mode) ?? this.#issue(mode);
    this.#issued.set(mode, issued);
    return {
      ...await issued,
      alpn: mode === "no alpn" ? [] : ["fmsg/1"],
      version: mode === "tls 1.2" ? "1.2" : "1.3",
    };
  }

  #issue(mode: HandshakeMode): Promise<Issued> {
    const name = `fmsg.${this.#domain}`;
    switch (mode) {
      case "good":
      case "no alpn":
      case "tls 1.2":
        return this.#authority.issue(name, {
          names: this.#aliases.map((alias) => `fmsg.${alias}`),
        });
      case "wrong name":
        return this.#authority.issue("fmsg.somebody-else.test");
      case "bare name":
        return this.#authority.issue(this.#domain);
      case "self-signed":
        return selfSigned(name);
      case "expired":
        return this.#authority.issue(name, { notBefore: daysAgo(3), notAfter: daysAgo(1) });
    }
  }
}

function daysAgo(days: number): Date {
  return new Date(Date.now() - days * 86_400_000);
}
