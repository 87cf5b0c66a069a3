// A small internet for tests, in network namespaces of this machine: DNS, Let's Encrypt, time, and fresh servers with
// public addresses. Nothing of the machine changes, and nothing is left, also when the test is killed.

import { startAuthority } from "./authority.ts";
import { type Names, startNames, type Zones } from "./names.ts";
import { descendant, Place } from "./place.ts";
import { missing } from "./requirements.ts";
import { waitFor } from "../../support/wait.ts";

/** A server as a provider rents it. */
export interface Server {
  readonly hostName: string;
  readonly ip4: string;
  readonly ip6: string;
}

export interface StageOptions {
  /** The zones of those who will run hosts, with what is in them already. */
  readonly zones: Zones;
  /** The file that is copied into root's home of each server, as `fmsg`. */
  readonly program: string;
  /** How long Let's Encrypt's certificates are valid, in seconds; default: 90 days. */
  readonly validity?: number;
}

/** IANA's own, so that they count as public; they lead nowhere but to the stage. */
const RESOLVER = "192.0.32.53";
const PUBLIC_RESOLVERS = ["1.1.1.1", "9.9.9.9"];
const NAME_SERVER = "192.0.32.5";
const AUTHORITY = "192.0.32.80";
const TIME = "192.0.32.123";

/** What servers find in their environment. */
const ENVIRONMENT = {
  HOME: "/root",
  LANG: "C.UTF-8",
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
};

export class Stage implements AsyncDisposable {
  private readonly processes: Deno.ChildProcess[] = [];
  private readonly servers: Place[] = [];
  private readonly logFiles = [
    "/mnt/names/resolver.log",
    "/mnt/authority/pebble.log",
    "/mnt/authority/front.log",
  ];
  private roots = "";

  private constructor(
    private readonly options: StageOptions,
    private readonly group: string,
    private readonly supervisor: Deno.ChildProcess,
    private readonly internet: Place,
    readonly names: Names,
  ) {}

  static async open(options: StageOptions): Promise<Stage> {
    const what = await missing();
    if (what !== null) throw new Error(what);
    const group = `fmsg-stage-${Deno.pid}-${crypto.randomUUID().slice(0, 8)}`;
    const supervisor = new Deno.Command("unshare", {
      args: ["--mount", "sh", script("supervise.sh"), group],
      stdin: "piped",
      stdout: "piped",
      // Ctrl-C is for the test: the supervisor hears of its end by its standard input.
      detached: true,
    }).spawn();
    try {
      await firstLine(supervisor.stdout);
      const internet = new Place("internet", await descendant(supervisor.pid, 2));
      const addresses = [RESOLVER, ...PUBLIC_RESOLVERS, NAME_SERVER, AUTHORITY, TIME];
      for (const ip of addresses) await internet.run(...words(`ip address add ${ip} dev lo`));
      const names = await startNames(internet, {
        resolver: [RESOLVER, ...PUBLIC_RESOLVERS],
        nameServer: [NAME_SERVER],
        zones: {
          ...options.zones,
          ".": [],
          "example.net": [`ns1 A ${NAME_SERVER}`],
          "letsencrypt.org": [`acme-v02.api A ${AUTHORITY}`],
          "ntp.org": [`pool A ${TIME}`],
        },
      });
      const stage = new Stage(options, group, supervisor, internet, names);
      const { roots, processes } = await startAuthority(internet, {
        address: AUTHORITY,
        timeAddress: TIME,
        resolver: RESOLVER,
        validity: options.validity ?? 90 * 86_400,
      });
      stage.roots = roots;
      stage.processes.push(...processes);
      return stage;
    } catch (error) {
      await end(supervisor, []);
      throw error;
    }
  }

  /** Rents a server: it is up, and reaches the internet, when this returns. */
  async rent({ hostName, ip4, ip6 }: Server): Promise<Place> {
    const { internet, group, options } = this;
    const log = `/mnt/${hostName}.log`;
    const process = internet.start(
      log,
      ...words("unshare --mount --net --pid --uts --ipc --fork --kill-child sh"),
      script("vps.sh"),
      ...[`/mnt/cgroup/${group}/${hostName}`, hostName, RESOLVER, options.program],
    );
    this.processes.push(process);
    this.logFiles.push(log);
    // nsenter, unshare, and what that started.
    const server = new Place(hostName, await descendant(process.pid, 2), ENVIRONMENT);
    this.servers.push(server);
    await this.connect(server, { hostName, ip4, ip6 });
    await waitFor(() => isUp(server), { what: `${hostName} to be up` });
    server.write("/etc/ssl/certs/ca-certificates.crt", this.roots);
    return server;
  }

  /** What everybody wrote to their logs, for whoever looks for the reason of a failure. */
  async logs(): Promise<string> {
    const journals = this.servers.map(async (server) => {
      const journal = words("journalctl --no-pager -o short-precise -n 100 -u fmsg*");
      return `--- ${server.name}\n${await server.run(...journal).catch(String)}`;
    });
    const files = this.logFiles.map((file) => `--- ${file}\n${tail(this.internet.read(file))}`);
    return [...await Promise.all(journals), ...files].join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.supervisor, this.processes);
  }

  /** A cable between the server and the internet, which is its router. */
  private async connect(server: Place, { hostName, ip4, ip6 }: Server): Promise<void> {
    const { internet } = this;
    // The server's process, as the internet counts.
    const status = Deno.readTextFileSync(`/proc/${server.pid}/status`);
    const pid = /^NSpid:\s+\d+\s+(\d+)/m.exec(status)?.[1];
    await internet.run(...words(`ip link add ${hostName} type veth peer eth0 netns ${pid}`));
    await internet.run(...words(`ip link set ${hostName} up`));
    await server.run(...words("ip link set eth0 up"));
    for (const [ip, bits] of [[ip4, 24], [ip6, 64]] as const) {
      const router = ip.replace(/[^.:]+$/, "1");
      // An address of IPv6 is tried out for seconds otherwise.
      const [family, flags] = ip.includes(":") ? ["-6", " nodad"] : ["-4", ""];
      const add = `ip ${family} address add`;
      await internet.run(...words(`${add} ${router}/${bits} dev ${hostName}${flags}`));
      await server.run(...words(`${add} ${ip}/${bits} dev eth0${flags}`));
      await server.run(...words(`ip ${family} route add default via ${router}`));
    }
  }
}

/** Have all services been started, or failed? */
async function isUp(server: Place): Promise<boolean> {
  const state = await server.run("sh", "-c", "systemctl is-system-running || true");
  return /^(running|degraded)$/m.test(state);
}

function words(text: string): string[] {
  return text.split(" ");
}

/** Lets go of the supervisor, whose end is everybody's. */
async function end(
  supervisor: Deno.ChildProcess,
  processes: readonly Deno.ChildProcess[],
): Promise<void> {
  await supervisor.stdin.close();
  await supervisor.stdout.cancel();
  await Promise.all([supervisor.status, ...processes.map(({ status }) => status)]);
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<void> {
  const reader = stream.getReader();
  const { done } = await reader.read();
  reader.releaseLock();
  if (done) throw new Error("The stage could not be set up: see what is said above");
}

/** The end of a text, for whoever does not want to read all of it. */
function tail(text: string): string {
  return text.split("\n").slice(-100).join("\n");
}

function script(name: string): string {
  return new URL(name, import.meta.url).pathname;
}
