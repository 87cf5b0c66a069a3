// Which addresses and ports are free, found out by listening there for a moment.

import { challengeEndpoints } from "../../certificate/acme/mod.ts";
import type { Config, Endpoint } from "../../config.ts";
import { addressText, localAddresses } from "../../net/mod.ts";
import type { Answers, ApiChoice, CertificateChoice } from "./answers.ts";

export type Port = "free" | "taken" | "forbidden" | "not here";

function tryPort({ ip, port }: Endpoint): Port {
  try {
    Deno.listen({ hostname: ip, port }).close();
    return "free";
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return "taken";
    if (error instanceof Deno.errors.PermissionDenied) return "forbidden";
    return "not here";
  }
}

/** The port of FMSG-001, which others connect to. */
const FMSG_PORT = 4930;

/**
 * Where a host may listen: on all addresses where the port of FMSG-001 is free. Otherwise, as beside another host, on
 * those of this machine where it is; and where there are none, on another port.
 */
export function freeListen(
  attempt: (endpoint: Endpoint) => Port = tryPort,
  own: readonly string[] = ownAddresses(),
): readonly Endpoint[] {
  const everywhere = (port: number): Endpoint[] =>
    ["0.0.0.0", "::"].map((ip) => ({ ip, port })).filter((end) => attempt(end) !== "not here");
  const all = everywhere(FMSG_PORT);
  if (all.every((end) => attempt(end) !== "taken")) return all;
  const single = own.map((ip) => ({ ip, port: FMSG_PORT })).filter((end) =>
    attempt(end) === "free"
  );
  if (single.length > 0) return single;
  for (let port = FMSG_PORT + 1; port < FMSG_PORT + 100; port++) {
    const others = everywhere(port);
    if (others.every((end) => attempt(end) === "free")) return others;
  }
  return all;
}

/** Where browsers are let in unless told otherwise. */
const HTTPS: Endpoint = { ip: "0.0.0.0", port: 443 };

/**
 * What a new host's people are proposed for browsers: to let them in, with a certificate that browsers trust, by whatever
 * is on the port already. A self-made certificate they do not trust, and one's own files may be for a web server elsewhere.
 */
export function proposedApi(
  { kind }: CertificateChoice,
  attempt: (endpoint: Endpoint) => Port = tryPort,
): ApiChoice {
  if (kind !== "acme") return "none";
  return attempt(HTTPS) === "taken" ? "local" : "public";
}

/** What will keep the host from being reached there, a sentence each. Not for a host that is running. */
export function portNotes(
  { listen, certificate }: Answers,
  attempt: (endpoint: Endpoint) => Port = tryPort,
): string[] {
  const notes = problemsOf(listen, attempt);
  if (listen.every(({ port }) => port !== FMSG_PORT && port !== 0)) {
    notes.push(
      `Others connect to port ${FMSG_PORT}: it has to be passed on to ${listen[0]?.port}`,
    );
  }
  if (certificate.kind !== "acme") return notes;
  const challenge = challengeEndpoints(certificate, listen);
  const [problem] = problemsOf(challenge, attempt);
  if (problem === undefined) return notes;
  return [
    ...notes,
    `${problem}. The authority asks there; "fmsg help troubleshooting" tells the ways out`,
  ];
}

/** The same for the interface for clients; `running`: what a host that runs has, which counts as free. */
export function interfaceNotes(
  { api }: Pick<Config, "api">,
  running: Pick<Config, "api"> | null,
  attempt: (endpoint: Endpoint) => Port = tryPort,
): string[] {
  if (api === null) return [];
  const there = running?.api?.listen;
  if (there !== undefined && addressText(there) === addressText(api.listen)) return [];
  return problemsOf([api.listen], attempt).map((problem) =>
    api.tls
      ? `${problem}. Browsers and apps are to connect there: a web server that has the port can pass them on instead (--api local)`
      : `${problem}. Browsers and apps are to be passed on to there: change api.listen in fmsg.yaml`
  );
}

/** One sentence for all places that have the same problem. */
function problemsOf(places: readonly Endpoint[], attempt: (endpoint: Endpoint) => Port): string[] {
  const byPort = Map.groupBy(places, (place) => attempt(place));
  return [...byPort].flatMap(([port, some]) => {
    const where = some.map(addressText).join(" and ");
    switch (port) {
      case "free":
        return [];
      case "taken":
        return [`Another program listens on ${where} ("ss -ltnp" shows which)`];
      case "forbidden":
        return [`Only root may listen on ${where}, or a service that is given the right to`];
      case "not here":
        return [`This machine has no address ${some.map(({ ip }) => ip).join(" and ")}`];
    }
  });
}

/** The addresses of this machine that others may know; link-local ones need a zone. */
function ownAddresses(): string[] {
  return [...localAddresses({ loopback: false })].filter((ip) => !/^fe80:/i.test(ip));
}
