// What the sockets of clients may use, so that none of them can hurt the host or another.

export interface SocketLimits {
  /** Sockets of one identity; with one more, its oldest is closed. */
  readonly each: number;
  /** Sockets of all: so many that half of the connections of the interface are left for requests. */
  readonly total: number;
  /** Milliseconds between two pings of a socket: whoever has not answered one by the next is cut. */
  readonly pingMs: number;
  /** Bytes that may wait for a slow reader; with more it is cut. */
  readonly unsent: number;
  /** Events that may wait for one identity. */
  readonly waiting: number;
  /** Bytes that a client may send between two pings; they mean nothing but cost time. */
  readonly received: number;
  /** Bytes of one frame from a client. */
  readonly frame: number;
  /** Milliseconds for which a client is waited for when its socket is closed. */
  readonly closeMs: number;
}

/** fmsg-cli hangs up after 90 seconds without a frame, so a ping is sent well inside of that. */
export const SOCKET_LIMITS: SocketLimits = {
  each: 32,
  total: 2048,
  pingMs: 30_000,
  unsent: 1024 * 1024,
  waiting: 4096,
  received: 16 * 1024,
  frame: 1024,
  closeMs: 2000,
};
