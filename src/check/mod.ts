// The examination of a host: one's own from inside, or another's from outside. What does not depend on each other goes on
// at once, and findings come in an order in which those before explain those behind.

import type { Config } from "../config.ts";
import { addressText, defaultServers, type Probe, probe, ProbeRoots } from "../net/mod.ts";
import { examineInterface } from "./interface.ts";
import { examinePort80 } from "./acme_port.ts";
import { judgeCertificate } from "./certificate.ts";
import { judgeClock, lookAtClock } from "./clock.ts";
import { examineConfiguration } from "./configuration.ts";
import { examineData } from "./data.ts";
import { judgeDns, publishedIn } from "./dns.ts";
import { lookAtDns } from "./dns_look.ts";
import { type Finding, findingsOn, type Topic, wordsOf } from "./finding.ts";
import { examineWayOut, judgeWays, lookAtWay, ownAddresses } from "./leaving.ts";
import {
  examineOwnCertificate,
  judgeRenewal,
  judgeServed,
  type OwnCertificate,
  readRoots,
} from "./own_certificate.ts";
import { judgePort, type OwnPort, type Probed, probePublished } from "./port.ts";
import { judgeHost, lookAtHost, type Running } from "./running.ts";
import { examineStore } from "./store.ts";
import { FMSG_PORT, type Outside, PROBE_MS, type Subject, THE_INTERNET } from "./subject.ts";
import { judgeHandshakes, shakeHands } from "./tls.ts";

export { unreadableConfiguration } from "./configuration.ts";
export type { Finding, Level, Topic } from "./finding.ts";
export { type Outside, THE_INTERNET } from "./subject.ts";

/** The whole examination ends within so many milliseconds, whatever hangs. */
const WITHIN_MS = 18_000;

/** What can be examined of another's host, in the order of the findings. */
export async function* examineOther(
  domain: string,
  config: Config | null,
  outside: Outside = THE_INTERNET,
): AsyncGenerator<readonly Finding[]> {
  const subject = subjectOf(domain, config, outside);
  const dns = await lookAtDns(subject);
  const published = publishedIn(dns, config?.dns.hosts[subject.name]);
  yield judgeDns(dns, published, subject, null);
  const probed = await probePublished(published, subject);
  yield probed.map((one) => judgePort(one, subject.port, null));
  const answered = probed.map(({ probe }) => probe).find(isAnswer);
  if (answered !== undefined) yield judgeShown(answered, subject);
  yield* examineTls(firstPlace(probed, subject.port), subject, false);
}

/**
 * Everything that can be wrong with one's own host; `file` is its configuration's. `waiting` is told when the host does
 * not run, and may be starting.
 */
export async function* examineOwn(
  config: Config,
  file: string,
  waiting: () => void = () => {},
  outside: Outside = THE_INTERNET,
): AsyncGenerator<readonly Finding[]> {
  const subject = subjectOf(config.domain, config, outside);
  const named = config.dns.servers;
  const looking = {
    running: lookAtHost(config, { patience: outside.patience, signal: subject.signal, waiting }),
    dns: lookAtDns(subject),
    clock: lookAtClock(subject, [...named.length > 0 ? named : defaultServers()]),
    certificate: examineOwnCertificate(config, subject).catch(uncertain),
  };

  yield examineConfiguration(config, file);
  yield await guarded("data", "data-dir", () => {
    const { findings, usable } = examineData(config);
    return usable ? [...findings, ...examineStore(config)] : findings;
  });
  const dns = await looking.dns;
  const published = publishedIn(dns, config.dns.hosts[subject.name]);
  const isPublished = published.A.length + published.AAAA.length > 0;
  if (!isPublished) yield await examineWayOut(subject);
  yield judgeDns(dns, published, subject, isPublished ? [] : await ownAddresses(subject));
  if (isPublished) {
    const own = [...published.A, ...published.AAAA];
    const ways = ([4, 6] as const).map((family) => lookAtWay(family, config, own, subject));
    yield judgeWays(subject.name, await Promise.all(ways), published);
  }

  // What keeps a host from starting comes before that it does not run.
  const certificate = await looking.certificate;
  yield [...judgeExtraRoots(config), ...certificate.findings];
  const running = await looking.running;
  yield judgeHost(running, config);
  const [probed, inside] = await Promise.all([
    probePublished(published, subject),
    probeInside(running, subject),
  ]);
  const port: OwnPort = {
    runs: running.kind === "unknown" ? null : running.kind === "running",
    certified: running.kind !== "running" || running.status.certificate.expires !== null,
    here: new Set(outside.machine.addresses()),
    shows: inside === null ? null : fingerprintOf(inside.probe),
  };
  yield probed.map((one) => judgePort(one, subject.port, port));
  // While it asks an authority, the port is its own.
  if (!isAsking(running)) yield await examinePort80(config);
  if (running.kind === "running") {
    const told = running.status.certificate;
    yield [
      ...judgeServed(port.shows, certificate.fingerprint, told.warnings),
      ...judgeRenewal(told),
    ];
  }
  yield* examineTls(inside, subject, true);
  yield await guarded("interface", "api-answers", () => examineInterface(running, subject));
  yield [judgeClock(await looking.clock, outside.timeServers.name, config.limits.max_time_skew)];
}

function isAsking(running: Running): boolean {
  if (running.kind !== "running") return false;
  const { acme } = running.status.certificate;
  return acme !== null && acme.next_attempt === null;
}

function subjectOf(domain: string, config: Config | null, outside: Outside): Subject {
  return {
    domain,
    name: `fmsg.${domain}`,
    port: config?.delivery.port ?? FMSG_PORT,
    config,
    roots: new ProbeRoots(config === null ? null : readRoots(config).pem),
    outside,
    signal: AbortSignal.timeout(WITHIN_MS),
  };
}

/** Somewhere to try more handshakes. */
interface Place {
  readonly ip: string;
  readonly port: number;
  readonly probe: Probe;
}

/** The running host, called where it listens: no router or firewall is in between. */
async function probeInside(running: Running, subject: Subject): Promise<Place | null> {
  if (running.kind !== "running") return null;
  const { name: serverName, roots, signal } = subject;
  for (const address of running.status.addresses.slice(0, 2)) {
    const at = address.lastIndexOf(":");
    const port = Number(address.slice(at + 1));
    const ip = callable(address.slice(0, at).replace(/^\[|\]$/g, ""));
    const found = await probe({ ip, port, serverName }, roots, PROBE_MS, signal);
    if (found.kind === "answered") return { ip, port, probe: found };
  }
  return null;
}

/** A host on all addresses is called at one of them. */
function callable(ip: string): string {
  if (ip === "0.0.0.0") return "127.0.0.1";
  return ip === "::" ? "::1" : ip;
}

async function* examineTls(
  place: Place | null,
  subject: Subject,
  othersName: boolean,
): AsyncGenerator<readonly Finding[]> {
  if (place === null || place.probe.kind !== "answered") return;
  const { ip, port, probe: usual } = place;
  const handshakes = await shakeHands(ip, port, usual, subject, { othersName });
  yield judgeHandshakes(addressText({ ip, port }), handshakes);
}

function judgeShown(
  { certificate: shown, trusted, selfSigned, named }: Extract<Probe, { kind: "answered" }>,
  { name }: Subject,
): Finding[] {
  if (shown === null) {
    return [
      findingsOn("certificate").fail(
        "certificate",
        "The certificate that it shows cannot be read",
        "its operator has to get another",
      ),
    ];
  }
  const judged = { shown, trusted, selfSigned, named };
  return judgeCertificate(judged, name, { kind: "other" }, Date.now() / 1000);
}

function uncertain(error: unknown): OwnCertificate {
  const finding = findingsOn("certificate").warning(
    "certificate",
    `The certificate could not be examined: ${wordsOf(error)}`,
    "run the check again, and report it",
  );
  return { findings: [finding], fingerprint: null };
}

function judgeExtraRoots(config: Config): Finding[] {
  const { problem } = readRoots(config);
  if (problem === null) return [];
  return [
    findingsOn("certificate").fail(
      "tls-ca",
      `tls.ca cannot be read: ${problem}`,
      "correct the path in fmsg.yaml and who may read the file, or remove the key",
    ),
  ];
}

function firstPlace(probed: readonly Probed[], port: number): Place | null {
  const first = probed.find(({ probe }) => isAnswer(probe));
  return first === undefined ? null : { ...first, port };
}

function isAnswer(probe: Probe): probe is Extract<Probe, { kind: "answered" }> {
  return probe.kind === "answered";
}

function fingerprintOf(probe: Probe): string | null {
  return probe.kind === "answered" ? probe.certificate?.fingerprint ?? null : null;
}

/** A fault of the examination itself is told, and ends no more than its part. */
async function guarded(
  topic: Topic,
  id: string,
  work: () => Finding[] | Promise<Finding[]>,
): Promise<Finding[]> {
  try {
    return await work();
  } catch (error) {
    return [
      findingsOn(topic).warning(id, `This could not be examined: ${wordsOf(error)}`, "report it"),
    ];
  }
}
