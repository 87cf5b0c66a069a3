// The DNS of the stage, by unbound: a resolver that remembers, as providers have them, and a name server whose zones
// can be changed while it runs.

import type { Place } from "./place.ts";

export interface Names {
  /** Adds lines of a zone file to a zone. */
  add(zone: string, lines: readonly string[]): Promise<void>;
  /** The questions that the resolver was asked so far, as in "fmsg.example.com. A". */
  questions(): string[];
}

/** The zones and what is in them at first, as lines of a zone file with `@` for the zone itself. */
export type Zones = Readonly<Record<string, readonly string[]>>;

/** How long it is remembered that something is not there, in seconds: whoever asks too early has to wait that long. */
const NEGATIVE_TTL = 3600;

/** Starts both, each on its own addresses, the resolver for everybody. */
export async function startNames(
  place: Place,
  { resolver, nameServer, zones }: {
    readonly resolver: readonly string[];
    readonly nameServer: readonly string[];
    readonly zones: Zones;
  },
): Promise<Names> {
  await place.run("mkdir", FOLDER);
  const names = Object.keys(zones);
  const contents = new Map(names.map((zone) => [zone, [...zones[zone] ?? []]]));
  let serial = 1;
  const write = (zone: string): void =>
    place.write(zoneFile(zone), zoneText(zone, serial++, contents.get(zone) ?? []));
  names.forEach(write);
  const servers = [
    // The resolver uses the zones as if it had asked for them, and keeps what it found.
    { name: "resolver", addresses: resolver, upstream: true },
    { name: "name-server", addresses: nameServer, upstream: false },
  ];
  for (const { name, addresses, upstream } of servers) {
    place.write(`${FOLDER}/${name}.conf`, configuration(name, addresses, names, upstream));
    await place.run("unbound-checkconf", `${FOLDER}/${name}.conf`);
    await place.run("unbound", "-c", `${FOLDER}/${name}.conf`);
  }
  return {
    add: async (zone, lines) => {
      contents.get(zone)?.push(...lines);
      write(zone);
      for (const { name } of servers) {
        await place.run(
          ...["unbound-control", "-c", `${FOLDER}/${name}.conf`],
          ...["auth_zone_reload", zone],
        );
      }
    },
    questions: () =>
      [...place.read(`${FOLDER}/resolver.log`).matchAll(/info: \S+ (\S+ [A-Z0-9]+) IN$/gm)]
        .map(([, question = ""]) => question),
  };
}

const FOLDER = "/mnt/names";

function zoneFile(zone: string): string {
  return `${FOLDER}/zone.${zone}`;
}

function zoneText(zone: string, serial: number, lines: readonly string[]): string {
  return [
    `$ORIGIN ${zone === "." ? "." : `${zone}.`}`,
    "$TTL 300",
    `@ SOA ns1.example.net. hostmaster.example.net. ${serial} 3600 600 604800 ${NEGATIVE_TTL}`,
    "@ NS ns1.example.net.",
    ...lines,
    "",
  ].join("\n");
}

function configuration(
  name: string,
  addresses: readonly string[],
  zones: readonly string[],
  upstream: boolean,
): string {
  const yes = (value: boolean): string => value ? "yes" : "no";
  return `server:
  directory: ""
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  logfile: "${FOLDER}/${name}.log"
  log-queries: yes
  module-config: "iterator"
  access-control: 0.0.0.0/0 allow
  access-control: ::/0 allow
${addresses.map((ip) => `  interface: ${ip}`).join("\n")}
remote-control:
  control-enable: yes
  control-interface: ${FOLDER}/${name}.control
  control-use-cert: no
${
    zones.map((zone) =>
      `auth-zone:
  name: "${zone}"
  zonefile: "${zoneFile(zone)}"
  for-upstream: ${yes(upstream)}
  for-downstream: ${yes(!upstream)}
`
    ).join("")
  }`;
}
