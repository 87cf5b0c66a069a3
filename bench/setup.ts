// What one measurement stands on: a temporary folder with certificates of an authority of its own, the domains in it,
// and their hosts, all on loopback.

import { join } from "node:path";
import { makeAuthority } from "../src/certificate/make.ts";
import { withWriter } from "../src/cli/open.ts";
import { type Config, loadConfig } from "../src/config.ts";
import type { StoreWriter } from "../src/store/mod.ts";
import { Child } from "./child.ts";
import { HostProcess } from "./host_process.ts";

/** A domain, and its files. */
export interface Site {
  readonly domain: string;
  readonly ip: string;
  /** The one user it has. */
  readonly user: string;
  readonly config: string;
  readonly cert: string;
  readonly key: string;
}

/** What a measurement sets in the configuration. */
export interface Settings {
  readonly challenge?: "never" | "always";
  readonly limits?: Readonly<Record<string, string | number | null>>;
  /** Other keys of the configuration, as they are. */
  readonly config?: Readonly<Record<string, unknown>>;
}

export class Bench implements AsyncDisposable {
  readonly #sites: Site[] = [];
  /** Processes that run, or are starting. */
  readonly #processes = new Set<Promise<AsyncDisposable>>();
  #closing: Promise<void> | null = null;

  private constructor(
    readonly folder: string,
    /** On which everybody listens. */
    readonly port: number,
    private readonly authority: Awaited<ReturnType<typeof makeAuthority>>,
    /** The file of the authority's certificate. */
    readonly roots: string,
  ) {}

  /** `parent` is the folder that the temporary one is made in; undefined leaves it to the system. */
  static async make(parent: string | undefined): Promise<Bench> {
    const folder = Deno.makeTempDirSync({
      prefix: "fmsg-bench-",
      ...(parent === undefined ? {} : { dir: parent }),
    });
    const authority = await makeAuthority("fmsg bench");
    const roots = join(folder, "roots.pem");
    Deno.writeTextFileSync(roots, authority.pem);
    return new Bench(folder, freePort(), authority, roots);
  }

  /** Another domain, on an address of its own. */
  async site(domain: string): Promise<Site> {
    const { cert, key } = await this.authority.issue(`fmsg.${domain}`);
    const site = {
      domain,
      ip: `127.0.77.${this.#sites.length + 1}`,
      user: `@alice@${domain}`,
      config: join(this.folder, `${domain}.yaml`),
      cert: join(this.folder, `${domain}.pem`),
      key: join(this.folder, `${domain}.key`),
    };
    Deno.writeTextFileSync(site.cert, cert);
    Deno.writeTextFileSync(site.key, key);
    this.#sites.push(site);
    return site;
  }

  /** Starts the host of a domain, with its user; all domains that it is to know have to be there. */
  async start(site: Site, settings: Settings = {}): Promise<HostProcess> {
    this.configure(site, settings);
    await withWriter(
      configOf(site),
      (writer) =>
        writer.submit("addUser", { address: site.user, name: "", accepting: true, limits: {} }),
    );
    return await this.startAgain(site);
  }

  /** Starts a host whose configuration is there. */
  startAgain(site: Site): Promise<HostProcess> {
    return this.#own(() => HostProcess.start(site));
  }

  /** Runs a script of this folder beside the bench. */
  helper(script: string, orders: unknown): Promise<Child> {
    return this.#own(() => Promise.resolve(Child.start(script, orders, this.roots)));
  }

  configure(site: Site, { challenge, limits, config: others }: Settings = {}): void {
    const config = {
      domain: site.domain,
      data_dir: `data-${site.domain}`,
      listen: [`${site.ip}:${this.port}`],
      tls: { cert: site.cert, key: site.key, ca: this.roots },
      dns: {
        hosts: Object.fromEntries(
          this.#sites.map(({ domain, ip }) => [`fmsg.${domain}`, [ip]]),
        ),
      },
      ...(challenge === undefined ? {} : { challenge }),
      // One address here stands for many.
      limits: { max_connections_per_ip: 1024, max_challenges_per_ip: 256, ...limits },
      delivery: { port: this.port, connect_timeout: "60s" },
      ...others,
    };
    // JSON is YAML.
    Deno.writeTextFileSync(site.config, JSON.stringify(config));
  }

  /** Stops what runs, and removes the folder. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    await Promise.allSettled(
      [...this.#processes].map(async (process) => (await process)[Symbol.asyncDispose]()),
    );
    Deno.removeSync(this.folder, { recursive: true });
  }

  /** What is started ends with this at the latest; it may be ended before. */
  #own<Process extends AsyncDisposable>(start: () => Promise<Process>): Promise<Process> {
    if (this.#closing !== null) return Promise.reject(new Error("The bench was stopped"));
    const process = start();
    this.#processes.add(process);
    return process;
  }
}

export function configOf(site: Site): Config {
  return loadConfig(site.config);
}

/** Runs `work` with the way into the store of a host that runs. */
export function withHost<Result>(
  host: HostProcess,
  work: (writer: StoreWriter) => Promise<Result>,
): Promise<Result> {
  return withWriter(configOf(host.site), work);
}

/** Below those that systems give to connections, one of which may have it before a host listens. */
export function freePort(): number {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 22_000);
    try {
      Deno.listen({ hostname: "0.0.0.0", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
