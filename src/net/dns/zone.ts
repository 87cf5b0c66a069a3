// The name servers of a zone: they know a record at once, and remember no answer that there is none.
import type { Family } from "./message.ts";
import { lookAt } from "./look.ts";
import { askRecords } from "./records.ts";
import type { Server } from "./servers.ts";

export interface NameServer {
  readonly name: string;
  /** null: its address could not be found. */
  readonly server: Server | null;
}

export interface ZoneOptions {
  /** Asked for them, all at once. */
  readonly servers: readonly Server[];
  /** The port of the name servers; 53 but in tests. */
  readonly port: number;
  /** Milliseconds for each question. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/** More are not looked up. */
const MAX_NAME_SERVERS = 4;
const MAX_LEVELS = 4;

/** The name servers of the nearest zone at `name` or above; empty where nobody tells. Never rejects. */
export async function nameServersOf(
  name: string,
  { servers, port, timeout, signal }: ZoneOptions,
): Promise<readonly NameServer[]> {
  const found = await Promise.any(servers.map(async (server) => {
    const names = await namesOf(name, server, timeout, signal);
    if (names.length === 0) throw new Error("none");
    return { server, names };
  })).catch(() => null);
  if (found === null) return [];
  return await Promise.all(found.names.map(async (its, index) => {
    const ip = index < MAX_NAME_SERVERS ? await addressOf(its, found.server, signal) : null;
    return { name: its, server: ip === null ? null : { ip, port } };
  }));
}

async function namesOf(
  name: string,
  server: Server,
  timeout: number,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const labels = name.split(".");
  // A top-level domain is nobody's zone.
  const zones = labels.slice(0, -1).map((_, index) => labels.slice(index).join("."));
  for (const zone of zones.slice(0, MAX_LEVELS)) {
    const names = await askRecords(server, { name: zone, type: "NS" }, { timeout, signal });
    if (names === null) return [];
    if (names.length > 0) return names.toSorted();
  }
  return [];
}

async function addressOf(
  name: string,
  server: Server,
  signal: AbortSignal,
): Promise<string | null> {
  for (const type of ["A", "AAAA"] satisfies Family[]) {
    const { resolution } = await lookAt(server, { name, type }, signal);
    const [ip] = resolution.kind === "addresses" ? resolution.addresses : [];
    if (ip !== undefined) return ip;
  }
  return null;
}
