// The port on each published address: who answers there, and if nobody does, the likely cause.

import { addressText, type Probe, probe } from "../net/mod.ts";
import { type Finding, findingsOn } from "./finding.ts";
import type { Published } from "./dns.ts";
import { PROBE_MS, type Subject } from "./subject.ts";

const on = findingsOn("port");

export interface Probed {
  readonly ip: string;
  readonly probe: Probe;
}

/** What is known of one's own host, besides. null: it is another's that is examined. */
export interface OwnPort {
  /** null: cannot be told. */
  readonly runs: boolean | null;
  /** False: it runs, and has no certificate yet. */
  readonly certified: boolean;
  /** The addresses of this machine. */
  readonly here: ReadonlySet<string>;
  /** The fingerprint of the certificate that it shows when it is called on this machine. */
  readonly shows: string | null;
}

/** More addresses are not tried. */
const MAX_ADDRESSES = 8;

export async function probePublished(published: Published, subject: Subject): Promise<Probed[]> {
  const { port, name: serverName, roots, signal } = subject;
  const addresses = [...published.A, ...published.AAAA].slice(0, MAX_ADDRESSES);
  return await Promise.all(addresses.map(async (ip) => ({
    ip,
    probe: await probe({ ip, port, serverName }, roots, PROBE_MS, signal),
  })));
}

export function judgePort({ ip, probe }: Probed, port: number, own: OwnPort | null): Finding {
  const where = addressText({ ip, port });
  const id = `port-${port}`;
  const fail = (seen: string, remedy: string): Finding => on.fail(id, seen, remedy, ip);
  // Its own packets to the address in DNS leave by the router, which may not send them back in.
  const behindRouter = own !== null && !own.here.has(ip) && !ip.startsWith("127.");
  const notSeen = (seen: string, remedy: string): Finding =>
    behindRouter
      ? on.warning(
        id,
        `${seen}; but some routers do not let a machine call its own outer address`,
        `run "fmsg host check DOMAIN" on another machine to be sure; if it fails there: ${remedy}`,
        ip,
      )
      : fail(seen, remedy);
  switch (probe.kind) {
    case "answered": {
      const shown = probe.certificate?.fingerprint ?? null;
      if (own !== null && own.shows !== null && shown !== own.shows) {
        return fail(
          `On ${where} another host answers than the one here: its certificate is a different one`,
          "see where that address leads: correct the record in DNS, or the router's port forwarding",
        );
      }
      if (own !== null && own.runs === false) {
        return fail(
          `On ${where} somebody answers although the host does not run here`,
          "see which program it is (ss -tlnp), or correct the record in DNS",
        );
      }
      const from = own === null || behindRouter
        ? ""
        : ", called from this machine: a firewall before it cannot be seen from here";
      return on.ok(id, `${where} answers${from}`, ip);
    }
    case "refused":
      if (own?.runs === false) {
        return on.warning(
          id,
          `Nothing listens on ${where} yet, since the host does not run`,
          "start the host, and run the check again",
          ip,
        );
      }
      return notSeen(
        `${where} refuses connections: nothing listens there`,
        own === null
          ? "its host does not run, listens elsewhere, or a firewall rejects the port"
          : `see that listen in fmsg.yaml covers this address and port, and that the router passes TCP ${port} on to this machine`,
      );
    case "silent":
      return notSeen(
        probe.connected
          ? `${where} takes connections, but says nothing`
          : `${where} does not answer`,
        probe.connected
          ? "what listens there is stuck, or something between cuts TLS off: restart the host"
          : own === null
          ? "a firewall before it drops the packets, or the address is wrong"
          : `open TCP port ${port} in the firewall of this machine and of the provider, and pass it on in the router`,
      );
    case "unreachable":
      if (own === null) {
        const family = ip.includes(":") ? "IPv6" : "IPv4";
        return on.warning(
          id,
          `There is no way from here to ${where}`,
          `see whether this machine has ${family} at all; if it has, the address may be wrong`,
          ip,
        );
      }
      return notSeen(
        `There is no way from here to ${where}`,
        "see that the address belongs to this machine (ip address), or correct the record in DNS",
      );
    case "failed":
      if (own?.certified === false && probe.why === "hung up") {
        return on.warning(
          id,
          `${where} takes connections, but nobody's messages as long as it has no certificate`,
          "see to the certificate, and run the check again",
          ip,
        );
      }
      return judgeFailure(id, ip, where, probe, own === null);
  }
}

function judgeFailure(
  id: string,
  ip: string,
  where: string,
  { why, detail }: Extract<Probe, { kind: "failed" }>,
  others: boolean,
): Finding {
  const fail = (seen: string, remedy: string): Finding => on.fail(id, seen, remedy, ip);
  const whom = others
    ? "its operator has to see what listens there"
    : "see what listens there: ss -tlnp";
  switch (why) {
    case "no TLS":
      return fail(`What answers on ${where} does not speak TLS`, whom);
    case "version":
      return fail(`What answers on ${where} does not speak TLS 1.3, which fmsg needs`, whom);
    case "ALPN":
      return fail(`What answers on ${where} is for something else than fmsg/1 (ALPN)`, whom);
    case "hung up":
      return fail(
        `${where} hangs up in the handshake`,
        others
          ? "it may have banned this address, be full, or not be an fmsg host"
          : 'it may have banned the address that this came from (see "fmsg host bans list"), or be full (limits.max_connections)',
      );
    case "other":
      return fail(`The handshake with ${where} fails: ${detail}`, whom);
  }
}
