// TLS connections of the bench's helpers to one host, made as the host makes its own.

import type { Buffer } from "node:buffer";
import { connect, createSecureContext, type TLSSocket } from "node:tls";

export interface Peer {
  /** The address to leave from. */
  readonly from: string;
  readonly ip: string;
  readonly port: number;
  readonly serverName: string;
}

/** Connections to one peer, which resume the session of an earlier one unless told not to. */
export class PeerConnections {
  readonly #peer: Peer;
  readonly #resume: boolean;
  readonly #context = createSecureContext({ minVersion: "TLSv1.3" });
  #session: Buffer | null = null;

  constructor(peer: Peer, resume = true) {
    this.#peer = peer;
    this.#resume = resume;
  }

  connect(): TLSSocket {
    const { from, ip, port, serverName } = this.#peer;
    const socket = connect({
      host: ip,
      port,
      servername: serverName,
      secureContext: this.#context,
      minVersion: "TLSv1.3",
      ALPNProtocols: ["fmsg/1"],
      // Spread in, since the types do not know of it here.
      ...{ localAddress: from },
      ...(this.#session === null ? {} : { session: this.#session }),
    });
    if (this.#resume) socket.on("session", (session: Buffer) => this.#session = session);
    socket.once("secureConnect", () => socket.setNoDelay(true));
    return socket;
  }
}
