// What counts as misbehaviour, and how much: points for the address that an exchange came from (row S6).

import { INVALID, UNSUPPORTED_VERSION, USER_UNDISCLOSED, USER_UNKNOWN } from "../wire/mod.ts";
import type { TerminateReason } from "../protocol/mod.ts";
import type { RefusedReason } from "../net/mod.ts";
import type { Exchange } from "./exchange.ts";

/** One message with many recipients who left is no enumeration ("Sender Enumeration"). */
const MAX_FOR_UNKNOWN = 50;

/** The points for an exchange that came in, as it ended. */
export function pointsOf(exchange: Exchange): number {
  if (exchange.terminated !== null) return pointsOfTerminate(exchange.terminated);
  if (exchange.codes.includes(INVALID)) return 10;
  if (exchange.codes.includes(UNSUPPORTED_VERSION)) return 5;
  // Where users are not disclosed, nobody outside the store knows why one did not get it.
  const unknown = exchange.codes.filter((code) =>
    code === USER_UNKNOWN || code === USER_UNDISCLOSED
  );
  return Math.min(unknown.length, MAX_FOR_UNKNOWN);
}

/** The points for a connection that ended before there was an exchange. */
export function pointsOfRefusal(reason: RefusedReason): number {
  switch (reason) {
    case "handshake failed":
    case "no server name":
    case "wrong server name":
      return 2;
    // Whoever is over a limit has not done anything wrong yet.
    case "too many connections":
    case "too many connections from this address":
    case "too fast":
    case "banned":
      return 0;
  }
}

function pointsOfTerminate(reason: TerminateReason): number {
  switch (reason) {
    case "bad compressed data":
    case "challenge answer wrong":
      return 20;
    case "malformed header":
    case "sender not authorised":
    case "challenge version not supported":
      return 10;
    case "header not in time":
    case "idle":
    case "too slow":
    case "challenge connection failed":
    case "challenge not answered":
    case "challenge matches nothing":
    case "dnssec validation failed":
    case "unexpected code":
      return 5;
    // Accidents of networks, and of this host.
    case "connection lost":
    case "answer not in time":
    case "host is stopping":
    case "sender look-up failed":
    case "store failed":
    case "internal error":
      return 0;
  }
}
