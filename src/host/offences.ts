// What counts as misbehaviour, and how much: points for the address that an exchange came from (row S6).

import { INVALID, UNSUPPORTED_VERSION, USER_UNDISCLOSED, USER_UNKNOWN } from "../wire/mod.ts";
import type { TerminateReason } from "../protocol/mod.ts";
import type { RefusedReason } from "../net/mod.ts";
import type { Exchange } from "./exchange.ts";

export interface Offence {
  readonly points: number;
  /** For the operator, from a closed list: a stranger has no say in it, nor in its length. */
  readonly reason: string;
}

/** One message with many recipients who left is no enumeration ("Sender Enumeration"). */
const MAX_FOR_UNKNOWN = 50;

/** What an exchange that came in was, as it ended. */
export function offenceOf({ terminated, codes }: Exchange): Offence {
  if (terminated !== null) return { points: pointsOfTerminate(terminated), reason: terminated };
  if (codes.includes(INVALID)) return { points: 10, reason: "invalid header" };
  // Hosts of the future may begin with their own version, and say 1 when it is refused.
  if (codes.includes(UNSUPPORTED_VERSION)) return { points: 2, reason: "unsupported version" };
  // Where users are not disclosed, nobody outside the store knows why one did not get it.
  const unknown = codes.filter((code) => code === USER_UNKNOWN || code === USER_UNDISCLOSED);
  return { points: Math.min(unknown.length, MAX_FOR_UNKNOWN), reason: "unknown users" };
}

/** What a connection was that ended before there was an exchange. */
export function offenceOfRefusal(reason: RefusedReason): Offence {
  return { points: pointsOfRefusal(reason), reason };
}

function pointsOfRefusal(reason: RefusedReason): number {
  switch (reason) {
    case "no server name":
    case "wrong server name":
      return 2;
    // Also whoever looks at the port every ten seconds, and hosts that do not trust this one's certificate.
    case "handshake failed":
    case "no byte came":
      return 1;
    case "host is stopping":
    case "no certificate yet":
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
      return 10;
    case "header not in time":
    case "idle":
    case "too slow":
    case "challenge not answered":
      return 5;
    // As for messages of other versions. And a challenge may come when the exchange it belongs to was given up here.
    case "challenge version not supported":
    case "challenge matches nothing":
      return 2;
    // It may be this host that cannot connect.
    case "challenge connection failed":
      return 1;
    // Accidents of networks, of DNS, which speaks for the domain and not for the address, and of this host.
    case "connection lost":
    case "host is stopping":
    case "sender look-up failed":
    case "dnssec validation failed":
    case "store failed":
    case "internal error":
    // Only in exchanges that go out.
    case "answer not in time":
    case "unexpected code":
      return 0;
  }
}
