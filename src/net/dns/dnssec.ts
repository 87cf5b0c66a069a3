// Whether an answer is authentic enough (row T6). Signatures are the server's business; it tells by
// the AD bit.
import type { Answer } from "./message.ts";
import { isLoopback } from "./name.ts";
import { addressText } from "../ip.ts";
import type { Server } from "./servers.ts";

/** `opportunistic`: what fails validation is refused, what is not signed is taken. */
export type Dnssec = "off" | "opportunistic" | "required";

/** Why not to believe the answer, or null. `trusted`: the AD bit counts from any server. */
export function findDoubt(
  answer: Answer,
  server: Server,
  dnssec: Dnssec,
  trusted: boolean,
): string | null {
  if (dnssec !== "required") return null;
  const who = addressText(server);
  if (!answer.authentic) {
    return `${who} answered without the AD bit: the domain is not signed or the server does not ` +
      "validate; set dns.dnssec to opportunistic to accept that";
  }
  // On any other way the bit could have been set in passing.
  if (!trusted && !isLoopback(server.ip)) {
    return `the AD bit of ${who} does not count because the server is not on loopback; set ` +
      "dns.trusted if the way to it is safe";
  }
  return null;
}
