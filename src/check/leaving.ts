// Whether the host leaves from the addresses that DNS gives for it: if not, every receiver ends the exchange without a
// word (specification, 1.4.2; row R8). It is the commonest fault that nothing else shows.

import type { Config } from "../config.ts";
import {
  addressSeenOutside,
  chooseSource,
  isLoopback,
  isPublic,
  localAddress,
  type Source,
} from "../net/mod.ts";
import type { Published } from "./dns.ts";
import { recordsText } from "./dns.ts";
import { type Finding, findingsOn, listed } from "./finding.ts";
import type { Subject } from "./subject.ts";

const on = findingsOn("addresses");

/** How one family leaves this machine. */
export interface Way {
  readonly family: 4 | 6;
  /** What the host does, as for a delivery. */
  readonly source: Source;
  /** Of a source that is given: is it an address of this machine? */
  readonly here: boolean;
  /** The address on this machine; null: the family has none, or no route. */
  readonly local: string | null;
  /** What others see; null: nobody told. Of a public `local` it is that. */
  readonly seen: string | null;
}

/** Any address of the family: only that counts. */
const SOMEWHERE = { 4: "198.51.100.1", 6: "2001:db8::1" } as const;

/** The addresses that others are likely to see this machine under, for records to add. */
export async function ownAddresses({ outside, signal }: Subject): Promise<string[]> {
  const both = await Promise.all(([4, 6] as const).map(async (family) => {
    const local = await localAddress(family, outside.machine);
    if (local === null || isPublic(local)) return local;
    return await addressSeenOutside(family, signal, outside.mirrors);
  }));
  return both.filter((ip) => ip !== null);
}

export async function lookAtWay(
  family: 4 | 6,
  { delivery, listen }: Config,
  own: readonly string[],
  { outside, signal }: Subject,
): Promise<Way> {
  const machine = outside.machine;
  const addresses = new Set(machine.addresses());
  const source = chooseSource(SOMEWHERE[family], listen, own, delivery.source, addresses);
  const isHere = (ip: string): boolean => addresses.has(ip) || ip.startsWith("127.");
  if (source.kind === "none") return { family, source, here: false, local: null, seen: null };
  const here = source.kind === "any" || isHere(source.ip);
  const local = source.kind === "any"
    ? await localAddress(family, machine)
    : here && (isLoopback(source.ip) || await machine.leads(source.ip))
    ? source.ip
    : null;
  const seen = local === null
    ? null
    : isPublic(local) || isLoopback(local)
    ? local
    : await addressSeenOutside(family, signal, outside.mirrors);
  return { family, source, here, local, seen };
}

export function judgeWays(name: string, ways: readonly Way[], published: Published): Finding[] {
  const findings = ways.map((way) => judgeWay(name, way, published));
  if (ways.some(({ local }) => local !== null)) return findings;
  return [...findings.filter(({ level }) => level !== "ok"), NO_WAY];
}

/** Is there a way out at all? Where DNS does not tell of the host, that may be why. */
export async function examineWayOut({ outside: { machine } }: Subject): Promise<Finding[]> {
  const both = await Promise.all([localAddress(4, machine), localAddress(6, machine)]);
  return both.every((ip) => ip === null) ? [NO_WAY] : [];
}

const NO_WAY = on.fail(
  "leaving",
  "There is no way out of this machine, neither over IPv4 nor over IPv6",
  "see that the machine has an address and a route (ip address; ip route), and that listen and delivery.source in fmsg.yaml name addresses of this machine",
);

export function judgeWay(name: string, way: Way, published: Published): Finding {
  const { family, source, here, local, seen } = way;
  const id = `leaving-ipv${family}`;
  const ip = `IPv${family}`;
  const record = family === 4 ? "A" : "AAAA";
  const known = published[record];
  const removal = `remove the ${record} record of ${name} at the domain's provider`;
  if (source.kind === "none") {
    if (known.length === 0) return on.ok(id, `The host does not use ${ip}`);
    // As `chooseSource`: on a wildcard, a family whose published address the machine has not is left out.
    return on.fail(
      id,
      `DNS gives ${
        listed(known)
      }, but the host does not leave over ${ip}: hosts that have only ${ip} cannot be sent to`,
      family === 4
        ? `name the addresses of this machine in listen of fmsg.yaml, one of IPv4 and one of IPv6, in place of 0.0.0.0 and [::]; or ${removal}`
        : `see that ${
          listed(known)
        } is an address of this machine (ip -6 address) and covered by listen in fmsg.yaml; or ${removal}`,
    );
  }
  if (source.kind === "from" && !here) {
    return on.fail(
      id,
      `The host is to leave from ${source.ip}, which is no address of this machine: nothing goes out over ${ip}`,
      "correct listen or delivery.source in fmsg.yaml; without delivery.source the host finds its address by itself",
    );
  }
  if (local === null) {
    if (known.length === 0) {
      return on.ok(id, `This machine has no ${ip} to the internet, and DNS gives none`);
    }
    return on.fail(
      id,
      `DNS gives ${listed(known)}, but this machine has no ${ip} to the internet`,
      `get ${ip} to work on this machine (ip -${family} address; ip -${family} route); or ${removal}`,
    );
  }
  if (seen === null) {
    if (known.includes(local)) {
      return on.ok(
        id,
        `Over ${ip} the host leaves from ${local}, as DNS says; that is for a private network`,
      );
    }
    return on.warning(
      id,
      `Over ${ip} the host leaves from ${local}, behind a router; under which address others see it nobody told`,
      `look it up from this machine, as with curl -${family} https://ifconfig.co, and compare: DNS gives ${
        known.length === 0 ? `no ${record} record` : listed(known)
      }`,
    );
  }
  const behind = seen === local ? "" : ` (${local} on this machine)`;
  if (known.includes(seen)) {
    return on.ok(id, `Over ${ip} the host leaves from ${seen}${behind}, as DNS says`);
  }
  const against = known.length === 0 ? `has no ${record} record` : `gives ${listed(known)}`;
  return on.fail(
    id,
    `Over ${ip} the host leaves from ${seen}${behind}, but DNS ${against}: every receiver ends the exchange without a word`,
    `${known.length === 0 ? "add" : "set"} ${
      recordsText(name, [seen])
    } at the domain's provider; ` +
      (known.length === 0
        ? `or keep to the other family: listen only on ${
          family === 6 ? '"0.0.0.0:4930"' : '"[::]:4930"'
        } in fmsg.yaml`
        : "or let the host leave from the address in DNS, with delivery.source in fmsg.yaml"),
  );
}
