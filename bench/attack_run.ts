// One attack on one host: what it costs both, and what an honest sender notices of it.

import * as v from "valibot";
import type { Enemy } from "../tests/support/hostile.ts";
import { SILENT } from "../tests/support/hostile.ts";
import { DnsServer } from "../tests/support/dns_server.ts";
import type { AttackOrders } from "./attack_client.ts";
import type { SenderOrders } from "./attack_sender.ts";
import { cpuOf } from "./host_process.ts";
import { BODY } from "./load.ts";
import { percentile } from "./result.ts";
import { Bench, type Settings } from "./setup.ts";

export interface AttackPlan {
  readonly label: string;
  /** By their names in tests/support/hostile.ts; none is the host without an attack. */
  readonly attacks: readonly string[];
  readonly connections: number;
  /** How many addresses they come from. */
  readonly addresses: number;
  readonly seconds: number;
  readonly settings: Settings;
}

/** Sums over the seconds of the attack; memory in MiB, times in milliseconds, CPU in seconds. */
export interface Attacked {
  readonly seconds: number;
  readonly connections: number;
  readonly bytes: number;
  readonly attackerCpu: number;
  readonly hostCpu: number;
  readonly peak: number;
  readonly logged: number;
  /** Of the honest sender: its messages' latencies, and why others were lost. */
  readonly latencies: readonly number[];
  readonly problems: readonly string[];
}

const SPENT = v.object({ connections: v.number(), bytes: v.number(), seconds: v.number() });
const SENT = v.object({ latencies: v.array(v.number()), problems: v.array(v.string()) });

/** Between two messages of the honest sender, in milliseconds. */
const EVERY_MS = 100;

export async function attacked(bench: Bench, plan: AttackPlan): Promise<Attacked> {
  const site = await bench.site("b.test");
  const sender = await bench.site("a.test");
  const enemies = Array.from({ length: plan.addresses }, (_, i): Enemy => ({
    victim: {
      ip: site.ip,
      port: bench.port,
      serverName: `fmsg.${site.domain}`,
      // One that is bound to costs the attacker more than one that the system chooses.
      ...(plan.addresses === 1 ? {} : { source: `127.0.78.${i + 1}` }),
    },
    user: site.user,
    domain: `enemy${i}.test`,
  }));
  await using dns = await DnsServer.start();
  dns.set(`fmsg.${sender.domain}`, "A", [sender.ip]);
  for (const { domain, victim } of enemies) {
    dns.set(`fmsg.${domain}`, "A", [victim.source ?? "127.0.0.1"]);
  }
  dns.intercept = ({ name }) => name.endsWith(`.${SILENT}`) ? [] : null;
  const { config, ...settings } = plan.settings;
  const host = await bench.start(site, {
    ...settings,
    config: { dns: { servers: [`${dns.ip}:${dns.port}`] }, ...config },
  });
  const senderOrders: SenderOrders = {
    ip: sender.ip,
    port: bench.port,
    domain: sender.domain,
    cert: sender.cert,
    key: sender.key,
    target: { ip: site.ip, domain: site.domain, to: site.user },
    senders: 1,
    messages: 0,
    warmUp: 20,
    body: BODY,
    attachment: 0,
    every: EVERY_MS,
  };
  const attackOrders: AttackOrders = {
    attacks: plan.attacks,
    enemies,
    connections: plan.attacks.length === 0 ? 0 : plan.connections,
    seconds: plan.seconds,
  };
  await using honest = await bench.helper("./attack_sender.ts", senderOrders);
  await using attacker = await bench.helper("./attack_client.ts", attackOrders);
  await Promise.all([honest.answer(), attacker.answer()]);
  const before = { attacker: cpuOf(attacker.pid), host: host.cpu().process, log: host.logged() };
  await attacker.go();
  await honest.go();
  const spent = v.parse(SPENT, await attacker.answer());
  const attackerCpu = cpuOf(attacker.pid) - before.attacker;
  const hostCpu = host.cpu().process - before.host;
  const { peak } = host.memory();
  const logged = host.logged() - before.log;
  await honest.go();
  const sent = v.parse(SENT, await honest.answer());
  await host[Symbol.asyncDispose]();
  return {
    ...spent,
    attackerCpu: attackerCpu / 1000,
    hostCpu: hostCpu / 1000,
    peak,
    logged,
    ...sent,
  };
}

/** As a row of a table; `quiet` is the same host without an attack. */
export function row(
  label: string,
  result: Attacked,
  quiet: Attacked | null,
): { readonly label: string; readonly values: Readonly<Record<string, number>> } {
  const { seconds, attackerCpu, latencies } = result;
  // What the honest sender costs is not the attacker's doing.
  const unattacked = quiet === null ? 0 : quiet.hostCpu / quiet.seconds * seconds;
  const hostCpu = Math.max(0, result.hostCpu - unattacked);
  return {
    label,
    values: {
      "connections/s": result.connections / seconds,
      "kB/s": result.bytes / 1000 / seconds,
      "attacker CPU s": attackerCpu,
      "host CPU s": quiet === null ? result.hostCpu : hostCpu,
      // Linux counts in steps of 10 ms: below a few of them a ratio says nothing.
      ...(quiet === null || attackerCpu < 0.1 ? {} : { "host/attacker": hostCpu / attackerCpu }),
      "peak MiB": result.peak,
      "log kB/s": result.logged / 1000 / seconds,
      ...(latencies.length === 0
        ? {}
        : { "p50 ms": percentile(latencies, 0.5), "max ms": Math.max(...latencies) }),
      "lost": result.problems.length,
    },
  };
}
