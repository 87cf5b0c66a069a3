// What the tests of the examination share: examining, finding, a server that tells the time, and name servers.
import { Buffer } from "node:buffer";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
// @ts-types="../../src/net/dns/dns_packet.d.ts"
import { AUTHORITATIVE_ANSWER, encode } from "dns-packet";
import { examineOther, examineOwn, type Finding, type Level } from "../../src/check/mod.ts";
import { type Outside, THE_INTERNET } from "../../src/check/subject.ts";
import { loadConfig } from "../../src/config.ts";
import type { DnsServer } from "../support/dns_server.ts";
import { within } from "../support/wait.ts";

/** The bound that an examination promises, in milliseconds, and time for a slow machine. */
const BOUND_MS = 40_000;

/** Nothing outside of this machine. */
export function outside(changes: Partial<Outside> = {}): Outside {
  return { ...THE_INTERNET, mirrors: [], publicServers: [], patience: 0, ...changes };
}

export async function examine(
  host: { readonly configFile: string },
  where: Outside = outside(),
  waiting: () => void = () => {},
): Promise<Finding[]> {
  return await all(examineOwn(loadConfig(host.configFile), host.configFile, waiting, where));
}

/** Examines the domain with what a host knows: its DNS servers, its roots, its port. */
export async function examineFrom(
  host: { readonly configFile: string },
  domain: string,
): Promise<Finding[]> {
  return await all(examineOther(domain, loadConfig(host.configFile), outside()));
}

async function all(examination: AsyncIterable<readonly Finding[]>): Promise<Finding[]> {
  const found = await within(BOUND_MS, "an examination", Array.fromAsync(examination));
  return found.flat();
}

/** The level of what was found on `id`, the worst of several; undefined when nothing was. */
export function level(findings: readonly Finding[], id: string): Level | undefined {
  const levels = findings.filter((finding) => finding.id === id).map(({ level }) => level);
  return (["fail", "warning", "ok"] as const).find((level) => levels.includes(level));
}

export function broken(findings: readonly Finding[]): string[] {
  return findings.filter(({ level }) => level === "fail").map(({ id }) => id);
}

/** What was seen and what to do. */
export function words(findings: readonly Finding[], id: string): string {
  return findings.filter((finding) => finding.id === id)
    .map(({ seen, remedy }) => `${seen} → ${remedy}`).join("\n");
}

/** Makes `zone` have these name servers in `dns`, whose addresses are ordinary records. */
export function delegate(dns: DnsServer, zone: string, nameServers: readonly string[]): void {
  dns.intercept = ({ type, name }, bytes) =>
    type !== "NS" || name !== zone ? null : [encode({
      type: "response",
      id: Buffer.from(bytes).readUInt16BE(0),
      flags: AUTHORITATIVE_ANSWER,
      questions: [{ name, type }],
      answers: nameServers.map((data) => ({ name, type: "NS", ttl: 60, data })),
    })];
}

/** Tells the time by SNTP, so many seconds ahead of this machine. */
export class TimeServer implements AsyncDisposable {
  ahead = 0;
  /** 0: a server that does not know the time itself. */
  stratum = 2;
  readonly #socket: Socket;

  static async start(ip: string): Promise<TimeServer> {
    const socket = createSocket("udp4");
    socket.bind(0, ip);
    await once(socket, "listening");
    return new TimeServer(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("message", (bytes, from) => {
      const answer = Buffer.alloc(48);
      answer[0] = 0x24;
      answer[1] = this.stratum;
      Buffer.from(bytes).copy(answer, 24, 40, 48);
      const seconds = Date.now() / 1000 + this.ahead + 2_208_988_800;
      for (const offset of [32, 40]) {
        answer.writeUInt32BE(Math.floor(seconds) % 2 ** 32, offset);
        answer.writeUInt32BE(Math.floor(seconds % 1 * 2 ** 32), offset + 4);
      }
      socket.send(answer, from.port, from.address);
    });
  }

  get port(): number {
    return this.#socket.address().port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }
}
