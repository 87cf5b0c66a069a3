// TERMINATE: the end of an exchange in which the other side does not follow the protocol, or cannot be served.

/** Why exchanges are terminated. The list is closed: it is what logs and counters speak in. */
export type TerminateReason =
  // The connection.
  | "connection lost"
  | "header not in time"
  | "idle"
  | "too slow"
  | "answer not in time"
  | "host is stopping"
  // What the peer sent.
  | "challenge version not supported"
  | "malformed header"
  | "bad compressed data"
  | "unexpected code"
  // Who the peer is.
  | "sender not authorised"
  | "sender look-up failed"
  | "dnssec validation failed"
  // The challenge.
  | "challenge connection failed"
  | "challenge not answered"
  | "challenge answer wrong"
  | "challenge matches nothing"
  // This host.
  | "store failed"
  | "internal error";

/**
 * Ends the exchange it is thrown in: whoever runs the exchange tears the connections with that host down, without
 * another byte, and logs the reason.
 */
export class Terminate extends Error {
  override readonly name = "Terminate";

  constructor(readonly reason: TerminateReason, detail?: string, options?: ErrorOptions) {
    super(detail === undefined ? reason : `${reason}: ${detail}`, options);
  }

  /** `error` as the end of an exchange; what nobody foresaw becomes an internal error. */
  static from(error: unknown): Terminate {
    return error instanceof Terminate
      ? error
      : new Terminate("internal error", String(error), { cause: error });
  }
}
