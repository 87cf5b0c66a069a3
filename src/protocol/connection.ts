// A connection as the exchange sees it. src/net makes them from TLS sockets.

/**
 * One TLS connection with a peer. Every wait ends: with bytes, with the peer's end of stream, or with a Terminate when
 * the connection is lost or the pace that was asked for is not kept. A Connection is used by one exchange and closed
 * by whoever made it.
 */
export interface Connection {
  /** The peer's IP address; an IPv4 address mapped into IPv6 is given as IPv4. */
  readonly peer: string;
  /** The address on this side, in the same form. */
  readonly local: string;
  /** Aborts when the connection is gone or the peer has ended it; the reason is a Terminate. */
  readonly lost: AbortSignal;
  /** The next bytes, at least one; null once the peer has ended its side. */
  readSome(): Promise<Uint8Array | null>;
  /** Exactly `length` bytes; a Terminate when the stream ends before them. */
  read(length: number): Promise<Uint8Array>;
  /** Gives back bytes that were read too far. */
  unread(bytes: Uint8Array): void;
  /** Hands `bytes` to the socket, and waits while the peer is slower than we are. */
  write(bytes: Uint8Array): Promise<void>;
  /** How the peer has to keep up from now on. */
  expect(pace: Pace): void;
  /** Sends the last bytes and the end of the stream, and sees to it that they arrive (row T3). */
  finish(last: Uint8Array): Promise<void>;
}

export type Pace =
  /** Everything that is read until the next pace has to be here within `ms` from now. */
  | {
    readonly kind: "deadline";
    readonly ms: number;
    readonly reason: "header not in time" | "answer not in time" | "challenge not answered";
  }
  /** Bytes have to flow in either direction, without long pauses and at the rate's floor. */
  | { readonly kind: "flow" }
  /** Nothing is expected from the peer: it waits for us. */
  | { readonly kind: "wait" };
