// A small internet for one test: hosts under test, peers that do as they are told, DNS and a certificate authority,
// all on loopback addresses that nobody else uses.

import { join } from "node:path";
import { type Authority, makeAuthority } from "../../src/certificate/make.ts";
import { DnsServer } from "./dns_server.ts";
import type { NewUser } from "./host_commands.ts";
import { HostProcess, type Section } from "./host_process.ts";
import { Ledger } from "./ledger.ts";
import { Loopback } from "./loopback.ts";
import { Peer } from "./peer.ts";
import type { Target } from "./peer_send.ts";

export interface HostChoices {
  /** Default: host1.test, host2.test and so on. */
  readonly domain?: string;
  readonly ip?: string;
  readonly challenge?: "never" | "always" | "has_not_participated" | "different_domain";
  readonly limits?: Section;
  readonly delivery?: Section;
  readonly quota?: Section;
  /** True, or what else its section says: it has an interface for clients, `host.api`. */
  readonly api?: boolean | Section;
  /** Other keys of fmsg.yaml; sections are merged with what the world needs. */
  readonly config?: Section;
  /** Users to add: names, addresses, or either with what stands behind it on the command line. */
  readonly users?: readonly NewUser[];
  /** False: the host is not started, and has no users yet. */
  readonly start?: boolean;
}

export interface PeerChoices {
  /** Default: peer1.test, peer2.test and so on. */
  readonly domain?: string;
  /** Further domains behind the same addresses. */
  readonly aliases?: readonly string[];
  /** The addresses that DNS gives for it, or how many. Default: 1. */
  readonly ips?: readonly string[] | number;
  /** False: nobody listens there, until `peer.listen()`. */
  readonly listen?: boolean;
  /** Whom it sends to unless told. Default: the first host of the world. */
  readonly to?: Target;
}

export class World implements AsyncDisposable {
  readonly dns: DnsServer;
  readonly authority: Authority;
  /** For files of the test; removed in the end. */
  readonly folder: string;
  readonly hosts: HostProcess[] = [];
  readonly peers: Peer[] = [];
  readonly #loopback: Loopback;
  readonly #ledger: Ledger;

  private constructor(
    folder: string,
    authority: Authority,
    dns: DnsServer,
    loopback: Loopback,
    ledger: Ledger,
  ) {
    this.folder = folder;
    this.authority = authority;
    this.dns = dns;
    this.#loopback = loopback;
    this.#ledger = ledger;
  }

  static async make(): Promise<World> {
    await using made = new AsyncDisposableStack();
    const ledger = made.adopt(new Ledger(), (ledger) => ledger.closeAll());
    const loopback = await Loopback.claim(ledger);
    const dns = made.use(await DnsServer.start({ ip: loopback.first }));
    const folder = await Deno.makeTempDir({ prefix: "fmsg-test-" });
    made.adopt(folder, (folder) => Deno.remove(folder, { recursive: true }));
    const world = new World(folder, await makeAuthority("Test authority"), dns, loopback, ledger);
    // From here on the world's own disposal is in charge.
    made.move();
    return world;
  }

  /** The port of all hosts and peers of this world. */
  get port(): number {
    return this.#loopback.port;
  }

  /** An address of this world that nobody has. */
  address(): string {
    return this.#loopback.address();
  }

  /** A host under test, running, with its users. */
  async host(choices: HostChoices = {}): Promise<HostProcess> {
    const { domain = `host${this.hosts.length + 1}.test`, ip = this.address() } = choices;
    const { challenge, limits = {}, delivery = {}, quota = {}, config = {} } = choices;
    const host = await HostProcess.make({
      folder: join(this.folder, `host${this.hosts.length + 1}`),
      domain,
      ip,
      port: this.port,
      authority: this.authority,
    });
    await host.configure({
      dns: { servers: [`${this.dns.ip}:${this.dns.port}`] },
      ...challenge === undefined ? {} : { challenge },
      // The disk of the machine that runs the tests is no matter of theirs.
      limits: { min_free_disk: 0, ...limits },
      delivery: { port: this.port, retry_initial: "200ms", retry_max: "1s", ...delivery },
      quota,
    });
    const { api = false } = choices;
    if (api !== false) {
      await host.configure({ api: { listen: host.apiAddress, ...api === true ? {} : api } });
    }
    await host.configure(config);
    this.hosts.push(host);
    this.dns.set(`fmsg.${domain}`, ip.includes(":") ? "AAAA" : "A", [ip]);
    if (choices.start === false) return host;
    await host.start();
    await host.addUsers((choices.users ?? []).map((user) => full(user, domain)));
    return host;
  }

  /** A peer, listening. */
  async peer(choices: PeerChoices = {}): Promise<Peer> {
    const { domain = `peer${this.peers.length + 1}.test`, aliases = [], ips = 1 } = choices;
    const addresses = typeof ips === "number"
      ? Array.from({ length: ips }, () => this.address())
      : ips;
    const peer = new Peer({
      domain,
      aliases,
      ips: addresses,
      port: this.port,
      authority: this.authority,
      target: () => choices.to ?? this.#firstHost(),
    });
    this.peers.push(peer);
    const ofFamily = (six: boolean): string[] => addresses.filter((ip) => ip.includes(":") === six);
    for (const name of [domain, ...aliases]) {
      this.dns.set(`fmsg.${name}`, "A", ofFamily(false));
      this.dns.set(`fmsg.${name}`, "AAAA", ofFamily(true));
    }
    if (choices.listen !== false) await peer.listen();
    return peer;
  }

  /** Closes everything and removes its files. Throws when something had gone wrong, or is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    const problems: unknown[] = [];
    const attempt = async (closing: Promise<void>): Promise<void> => {
      await closing.catch((error: unknown) => problems.push(error));
    };
    // Peers first: a host that stops waits for its exchanges.
    for (const peer of this.peers) await attempt(peer[Symbol.asyncDispose]());
    await Promise.all(this.hosts.map((host) => attempt(host[Symbol.asyncDispose]())));
    await attempt(this.dns.close());
    await attempt(this.#ledger.closeAll());
    await attempt(Deno.remove(this.folder, { recursive: true }));
    if (problems.length === 0) return;
    // Printed too: thrown out of `await using`, it would hide the test's own error and be hidden with it.
    for (const problem of problems) console.error(problem);
    throw new AggregateError(problems, "The world does not end in order");
  }

  #firstHost(): Target {
    const [host] = this.hosts;
    if (host === undefined) throw new Error("This world has no host to send to");
    return host;
  }
}

function full(user: NewUser, domain: string): NewUser {
  const [name, ...flags] = typeof user === "string" ? [user] : user;
  return [name.startsWith("@") ? name : `@${name}@${domain}`, ...flags];
}
