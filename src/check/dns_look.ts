// What DNS servers say of a host's name: those of this machine, public ones, and the name servers of the zone.

import {
  addressText,
  defaultServers,
  type Family,
  type Look,
  lookAt,
  nameServersOf,
  type Server,
} from "../net/mod.ts";
import type { Subject } from "./subject.ts";

/** What one server says. */
export interface View {
  /** `own`: this host asks it. `public`: a resolver of the internet. `authoritative`: a name server of the zone. */
  readonly role: "own" | "public" | "authoritative";
  /** Address and port; a name server with its name. */
  readonly server: string;
  /** Its address. */
  readonly ip: string;
  readonly looks: Readonly<Record<Family, Look>>;
}

export interface Dns {
  readonly domain: string;
  readonly name: string;
  readonly views: readonly View[];
  /** What the domain itself has, where many put the record that belongs at `name`. */
  readonly bare: Look;
  /** The name servers of the zone, as far as they are known. */
  readonly nameServers: readonly string[];
}

/** How long a server, and then those of the zone, may take in all; in milliseconds. */
const LOOK_MS = 3500;

/** More are not asked. */
const MAX_OWN_SERVERS = 4;

export async function lookAtDns(subject: Subject): Promise<Dns> {
  const { domain, name, config, outside } = subject;
  const named = config?.dns.servers ?? [];
  const own = (named.length > 0 ? named : defaultServers()).slice(0, MAX_OWN_SERVERS);
  // Who names servers has reasons: a private network, or nobody else who is to be asked.
  const open = named.length > 0
    ? []
    : outside.publicServers.filter(({ ip }) => !own.some((server) => server.ip === ip));
  const [ofOwn, ofPublic, bare, { nameServers, views }] = await Promise.all([
    Promise.all(own.map((server) => viewOf("own", server, addressText(server), subject))),
    Promise.all(open.map((server) => viewOf("public", server, addressText(server), subject))),
    firstLook(own, domain, subject),
    lookAtZone(own, subject),
  ]);
  return { domain, name, views: [...ofOwn, ...ofPublic, ...views], bare, nameServers };
}

async function viewOf(
  role: View["role"],
  server: Server,
  shown: string,
  { name, signal }: Subject,
): Promise<View> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS)]);
  const [a, aaaa] = await Promise.all([
    lookAt(server, { name, type: "A" }, within),
    lookAt(server, { name, type: "AAAA" }, within),
  ]);
  return { role, server: shown, ip: server.ip, looks: { A: a, AAAA: aaaa } };
}

/** The A records of a name, of the first server that tells. */
async function firstLook(
  servers: readonly Server[],
  name: string,
  { signal }: Subject,
): Promise<Look> {
  const enough = new AbortController();
  const within = AbortSignal.any([signal, enough.signal, AbortSignal.timeout(LOOK_MS)]);
  const looks = servers.map((server) => lookAt(server, { name, type: "A" }, within));
  const told = looks.map(async (look) => {
    const { resolution } = await look;
    if (resolution.kind === "failed") throw new Error(resolution.reason);
    return await look;
  });
  const first = await Promise.any(told).catch(() => null);
  enough.abort();
  const [any] = await Promise.all(looks);
  return first ?? any ?? NOTHING;
}

const NOTHING: Look = {
  resolution: { kind: "failed", reason: "nobody was asked" },
  noSuchName: false,
  aliases: [],
  ttl: null,
  authentic: false,
};

interface Zone {
  readonly nameServers: readonly string[];
  readonly views: readonly View[];
}

/** The name servers of the nearest zone above the name, and what they say. */
async function lookAtZone(servers: readonly Server[], subject: Subject): Promise<Zone> {
  const { name, outside, signal } = subject;
  const within = AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS)]);
  const found = await nameServersOf(name, {
    servers,
    port: outside.nameServerPort,
    timeout: LOOK_MS / 2,
    signal: within,
  });
  const views = await Promise.all(
    found.map(async ({ name, server }) =>
      server === null
        ? []
        : [await viewOf("authoritative", server, `${name} (${server.ip})`, subject)]
    ),
  );
  return { nameServers: found.map(({ name }) => name), views: views.flat() };
}
