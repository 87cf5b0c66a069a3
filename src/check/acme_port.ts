// The port on which an authority's requests arrive, where the host gets its certificate by ACME.

import { createServer } from "node:net";
import { challengeEndpoints } from "../certificate/acme/mod.ts";
import type { Config } from "../config.ts";
import { addressText } from "../net/mod.ts";
import { type Finding, findingsOn, listed } from "./finding.ts";

const on = findingsOn("certificate");

/** HTTP-01 arrives on port 80 (RFC 8555, 8.3): whoever else has it keeps the certificate from being renewed. */
export async function examinePort80({ tls, listen }: Config): Promise<Finding[]> {
  if (tls?.kind !== "acme") return [];
  const failed: { where: string; code: string }[] = [];
  // One after the other: the runtime ignores `ipv6Only` (Deno 2.9), so that two of one port would be in each other's way.
  for (const endpoint of challengeEndpoints(tls, listen)) {
    const code = await cannotListen(endpoint.ip, endpoint.port);
    if (code !== null) failed.push({ where: addressText(endpoint), code });
  }
  if (failed.length > 0) {
    return [...Map.groupBy(failed, ({ code }) => code)].map(([code, ones]) =>
      judgePort80(listed(ones.map(({ where }) => where)), code)
    );
  }
  return [
    on.ok(
      "acme-port",
      "The port for the authority's requests is free; it has to be open in the firewall, too",
    ),
  ];
}

export function judgePort80(where: string, code: string): Finding {
  switch (code) {
    case "EADDRINUSE":
      return on.warning(
        "acme-port",
        `Another program listens on ${where}, where the authority's requests arrive: the certificate cannot be renewed`,
        "stop that program; or let it pass /.well-known/acme-challenge/ on to another port, named in tls.acme.listen; or let it get the certificate, and name its files in tls.cert and tls.key",
        where,
      );
    case "EACCES":
      return on.warning(
        "acme-port",
        `This user may not listen on ${where}, where the authority's requests arrive`,
        "no matter if the host runs as another user; its service needs AmbientCapabilities=CAP_NET_BIND_SERVICE",
        where,
      );
    default:
      return on.warning(
        "acme-port",
        `${where}, where the authority's requests are to arrive, cannot be listened on (${code})`,
        "correct tls.acme.listen in fmsg.yaml",
        where,
      );
  }
}

/** Null when it can be listened on: tried for a moment. */
function cannotListen(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (error: Error & { readonly code?: string }) => {
      resolve(error.code ?? error.message);
    });
    server.listen({ host, port }, () => server.close(() => resolve(null)));
  });
}
