// Whether a host leaves from the addresses in DNS (row R8): every way in which it may not.
import assert from "node:assert/strict";
import type { Level } from "../../src/check/finding.ts";
import {
  examineWayOut,
  judgeWay,
  judgeWays,
  lookAtWay,
  ownAddresses,
  type Way,
} from "../../src/check/leaving.ts";
import { type Outside, type Subject, THE_INTERNET } from "../../src/check/subject.ts";
import { parseConfig } from "../../src/config.ts";
import { ProbeRoots } from "../../src/net/mod.ts";
import { DnsServer } from "../support/dns_server.ts";

const NAME = "fmsg.example.com";
const V4 = "8.8.4.4";
const V6 = "2a01:4f8::1";
const PRIVATE = "192.168.1.5";

interface Case {
  readonly what: string;
  readonly family: 4 | 6;
  readonly listen?: readonly string[];
  readonly source?: string;
  readonly machine: readonly string[];
  /** Addresses of the machine without a route. */
  readonly dead?: readonly string[];
  /** What a mirror sees; none: nobody tells. */
  readonly seen?: string;
  readonly published: readonly string[];
  readonly level: Level;
  /** In what is seen or to be done. */
  readonly says?: RegExp;
}

const CASES: readonly Case[] = [
  {
    what: "the public address in DNS",
    family: 4,
    machine: [V4],
    published: [V4],
    level: "ok",
    says: /leaves from 8\.8\.4\.4, as DNS says/,
  },
  {
    what: "another address in DNS",
    family: 4,
    machine: [V4],
    published: ["9.9.9.1"],
    level: "fail",
    says: /every receiver ends the exchange.*set the record "fmsg\.example\.com\. A 8\.8\.4\.4"/s,
  },
  {
    what: "IPv6 leaves, and DNS has only IPv4 of another machine",
    family: 6,
    machine: [V4, V6],
    published: ["9.9.9.1"],
    level: "fail",
    says: /has no AAAA record.*AAAA 2a01:4f8::1.*"0\.0\.0\.0:4930"/s,
  },
  {
    what: "IPv6 leaves and is not in DNS, where IPv4 is right",
    family: 6,
    machine: [V4, V6],
    published: [V4],
    level: "ok",
    says: /does not use IPv6/,
  },
  {
    what: "AAAA in DNS, and no IPv6 on the machine, behind NAT",
    family: 6,
    machine: [PRIVATE],
    published: [V4, V6],
    level: "fail",
    says: /no IPv6 to the internet.*ip -6 route.*remove the AAAA record/s,
  },
  {
    what: "AAAA in DNS of an address without a route",
    family: 6,
    machine: [V4, V6],
    dead: [V6],
    published: [V4, V6],
    level: "fail",
    says: /no IPv6 to the internet/,
  },
  {
    what: "AAAA in DNS of another machine",
    family: 6,
    machine: [V4, V6],
    published: [V4, "2a01:4f8::9"],
    level: "fail",
    says: /does not leave over IPv6.*remove the AAAA record/s,
  },
  {
    what: "no AAAA in DNS and no IPv6",
    family: 6,
    machine: [PRIVATE],
    published: ["9.9.9.1"],
    level: "ok",
  },
  {
    what: "behind NAT, the outer address in DNS",
    family: 4,
    machine: [PRIVATE],
    seen: V4,
    published: [V4],
    level: "ok",
    says: /8\.8\.4\.4 \(192\.168\.1\.5 on this machine\)/,
  },
  {
    what: "behind NAT, another address in DNS",
    family: 4,
    machine: [PRIVATE],
    seen: V4,
    published: ["9.9.9.1"],
    level: "fail",
    says: /leaves from 8\.8\.4\.4/,
  },
  {
    what: "behind NAT, the inner address in DNS",
    family: 4,
    machine: [PRIVATE],
    seen: V4,
    published: [PRIVATE],
    level: "fail",
  },
  {
    what: "behind NAT, and nobody tells",
    family: 4,
    machine: [PRIVATE],
    published: [V4],
    level: "warning",
    says: /nobody told/,
  },
  {
    what: "behind NAT over IPv4 alone, which the host then leaves out",
    family: 4,
    machine: [PRIVATE, V6],
    seen: V4,
    published: [V4, V6],
    level: "fail",
    says: /does not leave over IPv4.*addresses of this machine in listen/s,
  },
  {
    what: "a private network",
    family: 4,
    machine: [PRIVATE],
    published: [PRIVATE],
    level: "ok",
    says: /private network/,
  },
  {
    what: "delivery.source that is in DNS",
    family: 4,
    source: "8.8.4.5",
    machine: [V4, "8.8.4.5"],
    published: ["8.8.4.5"],
    level: "ok",
  },
  {
    what: "delivery.source that is not in DNS",
    family: 4,
    source: "8.8.4.5",
    machine: [V4, "8.8.4.5"],
    published: [V4],
    level: "fail",
    says: /leaves from 8\.8\.4\.5/,
  },
  {
    what: "delivery.source that the machine does not have",
    family: 4,
    source: "8.8.4.5",
    machine: [V4],
    published: ["8.8.4.5"],
    level: "fail",
    says: /no address of this machine/,
  },
  {
    what: "one address listened on that is not in DNS",
    family: 4,
    listen: ["8.8.4.5:4930"],
    machine: [V4, "8.8.4.5"],
    published: [V4],
    level: "fail",
  },
  {
    what: "loopback, as in tests",
    family: 4,
    listen: ["127.0.0.9:4930"],
    machine: ["127.0.0.1"],
    published: ["127.0.0.9"],
    level: "ok",
  },
];

for (const one of CASES) {
  Deno.test(`R8 ${one.what}: ${one.level}`, async () => {
    await using dns = await DnsServer.start();
    if (one.seen !== undefined) dns.set("mirror.test", one.family === 4 ? "A" : "AAAA", [one.seen]);
    const { subject, config } = examined(one, dns);
    const way = await lookAtWay(one.family, config, one.published, subject);
    const six = (ip: string): boolean => ip.includes(":");
    const finding = judgeWay(NAME, way, {
      A: one.published.filter((ip) => !six(ip)),
      AAAA: one.published.filter(six),
    });
    const said = `${finding.seen} → ${finding.remedy}`;
    assert.equal(finding.level, one.level, said);
    assert.equal(finding.remedy === null, one.level === "ok");
    if (one.says !== undefined) assert.match(said, one.says);
  });
}

Deno.test("R8 a machine without any way out is broken for that", () => {
  const none = (family: 4 | 6): Way => ({
    family,
    source: { kind: "any" },
    here: true,
    local: null,
    seen: null,
  });
  const findings = judgeWays(NAME, [none(4), none(6)], { A: [], AAAA: [] });
  assert.deepEqual(findings.map(({ id, level }) => [id, level]), [["leaving", "fail"]]);
});

Deno.test("a machine without a network is told to have none", async () => {
  await using dns = await DnsServer.start();
  const alone = examined({ family: 4, machine: ["127.0.0.1", "::1"] }, dns);
  assert.deepEqual((await examineWayOut(alone.subject)).map(({ level }) => level), ["fail"]);
  const connected = examined({ family: 4, machine: [PRIVATE] }, dns);
  assert.deepEqual(await examineWayOut(connected.subject), []);
});

Deno.test("the addresses to put into DNS are those that the internet sees", async () => {
  await using dns = await DnsServer.start();
  dns.set("mirror.test", "A", [V4]);
  const { subject } = examined({ family: 4, machine: [PRIVATE, V6] }, dns);
  assert.deepEqual(await ownAddresses(subject), [V4, V6]);
});

function examined(
  { family, listen, source, machine, dead = [] }:
    & Pick<Case, "family" | "machine">
    & Partial<Case>,
  dns: DnsServer,
) {
  const lines = [
    "domain: example.com",
    ...listen === undefined ? [] : [`listen: ${JSON.stringify(listen)}`],
    ...source === undefined ? [] : ["delivery:", `  source: ${source}`],
  ];
  const config = parseConfig(lines.join("\n"), "fmsg.yaml");
  // The tests' server is of IPv4, whichever family is asked about.
  const server = { ip: dns.ip, port: dns.port };
  const outside: Outside = {
    ...THE_INTERNET,
    machine: { addresses: () => machine, leads: (ip) => Promise.resolve(!dead.includes(ip)) },
    mirrors: family === 4 ? [{ server, name: "mirror.test", kind: "address" }] : [],
  };
  const subject: Subject = {
    domain: "example.com",
    name: NAME,
    port: 4930,
    config,
    roots: new ProbeRoots(null),
    outside,
    signal: new AbortController().signal,
  };
  return { config, subject };
}
