// The configuration: who may change it, and what in it others cannot work with.

import { statSync } from "node:fs";
import type { Config } from "../config.ts";
import { type Finding, findingsOn, listed } from "./finding.ts";
import { FMSG_PORT } from "./subject.ts";

const on = findingsOn("configuration");

/** The file could not be read, or says what cannot be. */
export function unreadableConfiguration(message: string): Finding {
  return on.fail(
    "config",
    message,
    "correct that place of the file, or who may read it, and run the check again",
  );
}

export function examineConfiguration(config: Config, file: string): Finding[] {
  return [
    on.ok("config", `${file} is for ${config.domain}`),
    ...judgeAccess(file, modeOf(file)),
    ...judgePorts(config),
    ...judgeFixedAnswers(config),
  ];
}

/** `mode` as of a file; null where it cannot be told. */
export function judgeAccess(file: string, mode: number | null): Finding[] {
  if (mode === null) return [];
  if ((mode & 0o002) === 0) {
    return [on.ok("config-access", "Only its owner or their group can change the configuration")];
  }
  return [on.fail(
    "config-access",
    `Every user of this machine can change ${file}`,
    `type: chmod o-w ${file}`,
  )];
}

/** FMSG-001: port 4930, in and out. Other ports are for tests. */
export function judgePorts({ listen, delivery }: Config): Finding[] {
  const findings: Finding[] = [];
  if (!listen.some(({ port }) => port === FMSG_PORT)) {
    const ports = [...new Set(listen.map(({ port }) => String(port)))];
    findings.push(on.warning(
      "listen-port",
      `The host listens on port ${listed(ports)} only; other hosts call port ${FMSG_PORT}`,
      `unless this is a test or something passes port ${FMSG_PORT} on, set listen to ["0.0.0.0:${FMSG_PORT}", "[::]:${FMSG_PORT}"] in fmsg.yaml`,
    ));
  }
  if (delivery.port !== FMSG_PORT) {
    findings.push(on.warning(
      "delivery-port",
      `The host calls others on port ${delivery.port}; they listen on ${FMSG_PORT}`,
      "unless this is a test, remove delivery.port from fmsg.yaml",
    ));
  }
  return findings;
}

export function judgeFixedAnswers({ dns }: Config): Finding[] {
  const names = Object.keys(dns.hosts);
  if (names.length === 0) return [];
  return [on.warning(
    "dns-hosts",
    `dns.hosts fixes the addresses of ${
      listed(names)
    }: this host goes by them, and no other host sees them`,
    "where others are to reach these names, put the addresses into DNS and remove them from dns.hosts",
  )];
}

function modeOf(file: string): number | null {
  return statSync(file, { throwIfNoEntry: false })?.mode ?? null;
}
