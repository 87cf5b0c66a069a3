// What FMSG-001 asks of TLS: version 1.3 and nothing below, the protocol's name, and no other name than the host's.

import { type Probe, probe } from "../net/mod.ts";
import { type Finding, findingsOn } from "./finding.ts";
import type { Subject } from "./subject.ts";

const on = findingsOn("tls");

interface Handshakes {
  /** TLS 1.3, under the host's name. */
  readonly usual: Extract<Probe, { kind: "answered" }>;
  /** A hello of TLS 1.2. */
  readonly old: Probe;
  /** Under another name; null: not tried. */
  readonly misnamed: Probe | null;
}

/** How long each of them may take, and how long a host has to hang up, in milliseconds. */
const WITHIN_MS = 3000;
const HANG_UP_MS = 1500;

/** A name that is nobody's (RFC 6761, 6.4). */
const OTHER_NAME = "fmsg.check.invalid";

/** `othersName`: call it by another's name, too. That is impolite to hosts that are not one's own. */
export async function shakeHands(
  ip: string,
  port: number,
  usual: Handshakes["usual"],
  { name, roots, signal }: Subject,
  { othersName }: { readonly othersName: boolean },
): Promise<Handshakes> {
  const [old, misnamed] = await Promise.all([
    probe({ ip, port, serverName: name, version: "1.2" }, roots, WITHIN_MS, signal),
    othersName
      ? probe({ ip, port, serverName: OTHER_NAME, hold: HANG_UP_MS }, roots, WITHIN_MS, signal)
      : null,
  ]);
  return { usual, old, misnamed };
}

export function judgeHandshakes(where: string, { usual, old, misnamed }: Handshakes): Finding[] {
  const findings = [on.ok("tls-1.3", `${where} speaks ${usual.protocol.replace("v", " ")}`)];
  findings.push(
    old.kind === "answered"
      ? on.fail(
        "tls-1.2",
        `${where} accepts TLS 1.2, which FMSG-001 forbids`,
        "let nothing but the fmsg host itself end TLS there: a proxy before it has to pass TCP on as it is",
      )
      : on.ok("tls-1.2", "A hello of TLS 1.2 is refused"),
  );
  findings.push(
    usual.alpn === null
      ? on.warning(
        "tls-alpn",
        `${where} chooses no protocol (ALPN), where it should say fmsg/1`,
        "see what ends TLS there: an fmsg host, or a proxy before it",
      )
      : on.ok("tls-alpn", `The protocol is ${usual.alpn} (ALPN)`),
  );
  if (misnamed === null) return findings;
  const refused = misnamed.kind !== "answered" || misnamed.hungUp;
  findings.push(
    refused ? on.ok("tls-sni", "Who calls it by another name is refused") : on.warning(
      "tls-sni",
      `${where} talks to callers that take it for another host`,
      "see what ends TLS there: an fmsg host refuses names that are not its own",
    ),
  );
  return findings;
}
