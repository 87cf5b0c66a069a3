// What is wrong with what DNS says of a host (specification, "Domain Resolution").

import { type Family, isLoopback, isPublic, type Look } from "../net/mod.ts";
import type { Dns, View } from "./dns_look.ts";
import { type Finding, findingsOn, listed, some } from "./finding.ts";
import type { Subject } from "./subject.ts";

const on = findingsOn("dns");

/** What others find, by family. */
export type Published = Readonly<Record<Family, readonly string[]>>;

const FAMILIES: readonly Family[] = ["A", "AAAA"];

/**
 * What the newest answers say: those of the name servers of the zone, or else of whoever tells. `fixed`: what dns.hosts
 * says in their place.
 */
export function publishedIn(dns: Dns, fixed?: readonly string[]): Published {
  if (fixed !== undefined) {
    const six = (ip: string): boolean => ip.includes(":");
    return { A: fixed.filter((ip) => !six(ip)), AAAA: fixed.filter(six) };
  }
  const views = newestFirst(dns.views);
  const of = (family: Family): readonly string[] => {
    const look = views.map(({ looks }) => looks[family]).find(isAnswer);
    return look?.resolution.kind === "addresses" ? look.resolution.addresses : [];
  };
  return { A: of("A"), AAAA: of("AAAA") };
}

/** `suggested`: the addresses that a record of one's own could have; null where the host is another's. */
export function judgeDns(
  dns: Dns,
  published: Published,
  { config }: Pick<Subject, "config">,
  suggested: readonly string[] | null,
): Finding[] {
  const servers = judgeServers(dns);
  if (config !== null && Object.hasOwn(config.dns.hosts, dns.name)) {
    return [on.ok("dns-a", `${dns.name} is fixed by dns.hosts: ${addressesText(published)}`)];
  }
  if (servers.some(({ level }) => level === "fail")) return servers;
  const bogus = judgeBogus(dns);
  if (bogus.length > 0) return [...servers, ...bogus];
  const records = judgeRecords(dns, published, suggested);
  if (records.some(({ level }) => level === "fail")) return [...servers, ...records];
  return [
    ...servers,
    ...records,
    ...judgeAliases(dns),
    ...judgeReach(published),
    ...judgeAgreement(dns),
    ...judgeDnssec(dns, config?.dns ?? null),
  ];
}

function judgeServers({ views, nameServers }: Dns): Finding[] {
  const own = views.filter(({ role }) => role === "own");
  const broken = own.filter((view) => FAMILIES.every((family) => isFailed(view.looks[family])));
  const [first] = broken;
  if (first !== undefined && broken.length === own.length) {
    return [on.fail(
      "dns-servers",
      `No DNS server of this machine tells of the name: ${reasonOf(first.looks.A)}`,
      "see that the firewall lets UDP and TCP out to port 53; name other servers in dns.servers of fmsg.yaml, as in [1.1.1.1]; if these do answer for other names, look for the fault at the domain's name servers",
    )];
  }
  const findings = broken.map((view) =>
    on.warning(
      "dns-servers",
      `A DNS server does not tell: ${reasonOf(view.looks.A)}`,
      "remove it from dns.servers, or from /etc/resolv.conf, or see why",
      view.server,
    )
  );
  const halves = own.filter((view) => !broken.includes(view)).flatMap((view) =>
    FAMILIES.filter((family) => isFailed(view.looks[family])).map((family) =>
      on.warning(
        "dns-servers",
        reasonOf(view.looks[family]),
        "a name server that has no such record has to say so; ask whoever runs it",
        view.server,
      )
    )
  );
  const zone = views.filter(({ role }) => role === "authoritative");
  const silent = zone.filter(({ looks }) =>
    FAMILIES.every((family) => isFailed(looks[family]) && looks[family].aliases.length === 0)
  );
  if (silent.length > 0) {
    const all = silent.length === zone.length;
    findings.push(on.warning(
      "dns-name-servers",
      `${all ? "None" : "Not all"} of the domain's name servers answered: not ${
        some(silent.map(({ server }) => server))
      }`,
      all
        ? "perhaps this machine may only ask its own servers; otherwise look at the domain's provider"
        : "see why with the provider of the domain: whoever asks them waits, or gives up",
    ));
  } else if (zone.length > 0) {
    findings.push(
      on.ok("dns-name-servers", `The domain's name servers answer: ${some(nameServers)}`),
    );
  }
  return [...findings, ...halves];
}

/** Signed data that does not validate: every host that validates ends the exchange (row T6). */
function judgeBogus({ views }: Dns): Finding[] {
  const reasons = views.flatMap(({ looks }) =>
    FAMILIES.flatMap((family) => looks[family].resolution.kind === "bogus" ? [looks[family]] : [])
  );
  const [first] = reasons;
  if (first === undefined) return [];
  return [on.fail(
    "dns-dnssec",
    `DNSSEC is broken: ${reasonOf(first)}`,
    "at the domain's provider: sign the zone again, or see that the DS record at the registrar is the one of its key; a DS record without a signed zone has to go",
  )];
}

function judgeRecords(
  { domain, name, views, bare }: Dns,
  published: Published,
  suggested: readonly string[] | null,
): Finding[] {
  if (published.A.length + published.AAAA.length > 0) {
    return FAMILIES.map((family) => {
      const addresses = published[family];
      const id = `dns-${family.toLowerCase()}`;
      if (addresses.length === 0) return on.ok(id, `${name} has no ${family} record`);
      return on.ok(id, `${name} has ${family} ${some(addresses)}${ttlText(views, family)}`);
    });
  }
  const remedy = suggested === null
    ? `nobody can be written to at ${domain}: see that it is written right, and ask whoever runs it`
    : `at the domain's provider, add ${recordsText(name, suggested)}`;
  const named = views.some(({ looks }) =>
    looks.A.resolution.kind === "none" && !looks.A.noSuchName
  );
  if (bare.noSuchName && !named) {
    return [on.fail(
      "dns-domain",
      `The domain ${domain} does not exist`,
      suggested === null
        ? "see that it is written right"
        : `see that domain in fmsg.yaml is written right; register it, or wait until it is known; then ${remedy}`,
    )];
  }
  const elsewhere = bare.resolution.kind === "addresses"
    ? `; ${domain} itself has ${some(bare.resolution.addresses)}, but other hosts do not look there`
    : "";
  return [on.fail("dns-a", `${name} has no address${elsewhere}`, remedy)];
}

function judgeAliases({ name, views }: Dns): Finding[] {
  const aliases = [...new Set(views.flatMap(({ looks }) => looks.A.aliases))];
  return aliases.length === 0
    ? []
    : [on.ok("dns-alias", `${name} is an alias of ${some(aliases)}`)];
}

function judgeReach(published: Published): Finding[] {
  const closed = [...published.A, ...published.AAAA].filter((ip) => !isPublic(ip));
  if (closed.length === 0) return [];
  return [on.warning(
    "dns-private",
    `${listed(closed)} ${
      closed.length === 1 ? "is no address" : "are no addresses"
    } of the internet: only who is in the same network gets there`,
    "unless that is meant, publish the address that the internet sees",
  )];
}

function judgeAgreement({ name, views }: Dns): Finding[] {
  return FAMILIES.flatMap((family) => {
    const told = views.filter(({ looks }) => isAnswer(looks[family]));
    const groups = Map.groupBy(told, ({ looks }) => answerText(looks[family]));
    if (groups.size < 2) return [];
    const text = [...groups].map(([answer, group]) =>
      `${answer} by ${some(group.map(({ server }) => server), 3)}`
    ).join("; ");
    const zone = told.filter(({ role }) => role === "authoritative");
    const torn = new Set(zone.map(({ looks }) => answerText(looks[family]))).size > 1;
    return [on.warning(
      "dns-agreement",
      `Servers differ on ${family} of ${name}: ${text}`,
      torn
        ? "the domain's name servers have to tell the same: see that the change reached all of them"
        : `after a change, old answers stay for as long as they may be kept${
          ttlText(views, family)
        }: wait, and look again`,
      family,
    )];
  });
}

function judgeDnssec(
  { name, views }: Dns,
  dns: Required<Pick<NonNullable<Subject["config"]>["dns"], "dnssec" | "trusted">> | null,
): Finding[] {
  const believed = views.filter(({ role }) => role !== "authoritative");
  const authentic = believed.filter(({ looks }) => looks.A.authentic && looks.AAAA.authentic);
  if (dns?.dnssec === "required") {
    const own = believed.filter(({ role }) => role === "own");
    const counts = own.filter((view) =>
      authentic.includes(view) && (dns.trusted || isLoopback(view.ip))
    );
    if (counts.length === 0) {
      return [on.fail(
        "dns-dnssec",
        "dns.dnssec is required, and no server of this machine says authentically what it says: no host will be found",
        "run a validating resolver on this machine (unbound) and name it in dns.servers; or set dns.trusted if the way to yours is safe; or set dns.dnssec to opportunistic",
      )];
    }
  }
  const [first] = authentic;
  return [
    first === undefined
      ? on.ok("dns-dnssec", `${name} is not signed, or not validated by who was asked`)
      : on.ok("dns-dnssec", `${name} is signed; ${first.server} has validated it`),
  ];
}

/** The lines to add to a zone; `suggested` are addresses, if any are known. */
export function recordsText(name: string, suggested: readonly string[]): string {
  if (suggested.length === 0) {
    return `an A record for ${name} with the public address of this machine`;
  }
  return "the record " +
    suggested.map((ip) => `"${name}. ${ip.includes(":") ? "AAAA" : "A"} ${ip}"`).join(" and ");
}

function newestFirst(views: readonly View[]): readonly View[] {
  const rank = { authoritative: 0, own: 1, public: 2 } as const;
  return views.toSorted((a, b) => rank[a.role] - rank[b.role]);
}

function isAnswer({ resolution }: Look): boolean {
  return resolution.kind === "addresses" || resolution.kind === "none";
}

function isFailed({ resolution }: Look): boolean {
  return resolution.kind === "failed";
}

/** The runtime's words for a datagram without a route are no words. */
function reasonOf({ resolution }: Look): string {
  const reason = "reason" in resolution ? resolution.reason : "";
  return reason.replace(/: send [A-Z]+ [^ ,;]+/g, ": there is no way to it");
}

/** Servers turn the order about. */
function answerText({ resolution }: Look): string {
  return resolution.kind === "addresses" ? some(resolution.addresses.toSorted()) : "none";
}

function addressesText({ A, AAAA }: Published): string {
  return some([...A, ...AAAA]);
}

/** A longer time tells that a change is heard late. */
function ttlText(views: readonly View[], family: Family): string {
  const ttls = views.map(({ looks }) => looks[family].ttl).filter((ttl) => ttl !== null);
  if (ttls.length === 0) return "";
  const most = Math.max(...ttls);
  const text = most < 120
    ? `${most} s`
    : most < 7200
    ? `${Math.round(most / 60)} min`
    : `${Math.round(most / 3600)} h`;
  return `, kept up to ${text}`;
}
