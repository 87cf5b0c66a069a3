// Hosts and generators as processes, with certificates of a throw-away authority, on loopback.

import { join } from "node:path";
import { makeAuthority } from "../src/certificate/make.ts";
import type { Measured, Orders } from "./generator.ts";

const MAIN = new URL("../main.ts", import.meta.url).pathname;
const GENERATOR = new URL("./generator.ts", import.meta.url).pathname;

/** What users of the compiled program get: see docs/performance.md. */
const V8_FLAGS = "--max-semi-space-size=4,--max-old-space-size=256";

export interface Site {
  readonly domain: string;
  readonly ip: string;
  readonly config: string;
  readonly cert: string;
  readonly key: string;
}

export class Bench implements AsyncDisposable {
  readonly #sites = new Map<string, Site>();
  readonly #running = new Set<HostProcess>();

  private constructor(
    readonly folder: string,
    readonly port: number,
    private readonly authority: Awaited<ReturnType<typeof makeAuthority>>,
  ) {}

  static async make(): Promise<Bench> {
    const folder = Deno.makeTempDirSync({ prefix: "fmsg-bench-" });
    const authority = await makeAuthority("bench");
    Deno.writeTextFileSync(join(folder, "ca.pem"), authority.pem);
    return new Bench(folder, freePort(), authority);
  }

  /** Files of a domain: certificate, configuration, an empty data directory. */
  async site(domain: string, ip: string, settings: Record<string, unknown> = {}): Promise<Site> {
    const { cert, key } = await this.authority.issue(`fmsg.${domain}`);
    const site = {
      domain,
      ip,
      config: join(this.folder, `${domain}.yaml`),
      cert: join(this.folder, `${domain}.pem`),
      key: join(this.folder, `${domain}.key`),
    };
    Deno.writeTextFileSync(site.cert, cert);
    Deno.writeTextFileSync(site.key, key);
    this.#sites.set(domain, site);
    const hosts = Object.fromEntries([...this.#sites.values()].map((s) => [`fmsg.${s.domain}`, [s.ip]]));
    const config = {
      domain,
      data_dir: join(this.folder, `data-${domain}`),
      listen: [`${ip}:${this.port}`],
      tls: { cert: site.cert, key: site.key, ca: join(this.folder, "ca.pem") },
      dns: { hosts },
      delivery: { port: this.port },
      limits: { max_connections_per_ip: 1024, max_challenges_per_ip: 256 },
      log: { level: "warn" },
      ...settings,
    };
    // JSON is YAML.
    Deno.writeTextFileSync(site.config, JSON.stringify(config));
    return site;
  }

  async command(site: Site, ...args: string[]): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", MAIN, ...args, "--config", site.config],
      stdin: "null",
    }).output();
    if (!success) throw new Error(`${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
    return new TextDecoder().decode(stdout);
  }

  async host(site: Site): Promise<HostProcess> {
    const host = await HostProcess.start(site);
    this.#running.add(host);
    return host;
  }

  async stop(host: HostProcess): Promise<void> {
    this.#running.delete(host);
    await host.stop();
  }

  /** Runs a generator; `warm` is called when its warm-up is over. */
  async generate(orders: Orders, warm: () => void = () => {}): Promise<Measured> {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", GENERATOR, JSON.stringify(orders)],
      env: { DENO_CERT: join(this.folder, "ca.pem") },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const errors = (async () => {
      let text = "";
      for await (const piece of child.stderr.pipeThrough(new TextDecoderStream())) {
        text += piece;
        if (/^warm/m.test(piece)) warm();
      }
      return text;
    })();
    const text = await new Response(child.stdout).text();
    const { success } = await child.status;
    if (!success) throw new Error(`The generator failed: ${await errors}`);
    await errors;
    return JSON.parse(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const host of this.#running) await host.stop();
    Deno.removeSync(this.folder, { recursive: true });
  }
}

export class HostProcess {
  private constructor(private readonly child: Deno.ChildProcess, readonly startMs: number) {}

  get pid(): number {
    return this.child.pid;
  }

  static async start(site: Site): Promise<HostProcess> {
    const log = `${site.config}.log`;
    Deno.writeTextFileSync(log, "");
    const started = performance.now();
    const child = new Deno.Command("/bin/sh", {
      args: ["-c", 'exec "$0" "$@" 2>>"$FMSG_LOG"', Deno.execPath(), "run", "-A", `--v8-flags=${V8_FLAGS}`, MAIN, "host", "run", "--config", site.config],
      env: { FMSG_LOG: log },
      stdin: "null",
      stdout: "null",
    }).spawn();
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (await answers(site)) break;
      if (performance.now() - started > 20_000) throw new Error(`No host: ${Deno.readTextFileSync(log)}`);
    }
    return new HostProcess(child, performance.now() - started);
  }

  async stop(): Promise<void> {
    this.child.kill("SIGTERM");
    await this.child.status;
  }

  /** CPU milliseconds so far: of the whole process, and of its writer's thread. */
  cpu(): { readonly all: number; readonly writer: number } {
    const tick = 10;
    const ticks = (path: string): { name: string; ms: number } => {
      const text = Deno.readTextFileSync(path);
      const name = text.slice(text.indexOf("(") + 1, text.lastIndexOf(")"));
      const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
      return { name, ms: (Number(fields[11]) + Number(fields[12])) * tick };
    };
    let writer = 0;
    for (const { name: id } of Deno.readDirSync(`/proc/${this.pid}/task`)) {
      const thread = ticks(`/proc/${this.pid}/task/${id}/stat`);
      if (thread.name.startsWith("worker")) writer += thread.ms;
    }
    return { all: ticks(`/proc/${this.pid}/stat`).ms, writer };
  }

  /** Resident memory in MiB: now, and at its peak. */
  memory(): { readonly now: number; readonly peak: number } {
    const status = Deno.readTextFileSync(`/proc/${this.pid}/status`);
    const mib = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024;
    return { now: mib("VmRSS"), peak: mib("VmHWM") };
  }
}

async function answers(site: Site): Promise<boolean> {
  const { domain: _, ...rest } = site;
  const config = JSON.parse(Deno.readTextFileSync(rest.config));
  const [, port] = /:(\d+)$/.exec(config.listen[0]) ?? [];
  try {
    (await Deno.connect({ hostname: site.ip, port: Number(port) })).close();
    return true;
  } catch {
    return false;
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.transport === "tcp" ? listener.addr.port : 0;
}
