// Which addresses the host of a domain has (specification, "Domain Resolution"; rows R8, D2, T6).
import { Cache } from "./cache.ts";
import type { Dnssec } from "./dnssec.ts";
import { lookUp, type Resolution } from "./lookup.ts";
import type { Family, Question } from "./message.ts";
import { canonicalAddress, canonicalName } from "./name.ts";
import { Querier } from "./query.ts";
import { defaultServers, type Server } from "./servers.ts";
import { Slots } from "./slots.ts";

export interface ResolverOptions {
  /** Asked in this order. None: those of /etc/resolv.conf. */
  readonly servers?: readonly Server[];
  /** Names with fixed addresses, which count as authentic and are never asked for. */
  readonly hosts?: Readonly<Record<string, readonly string[]>>;
  /** `opportunistic` unless given. */
  readonly dnssec?: Dnssec;
  /** Believe the AD bit of servers that are not on loopback; false unless given. */
  readonly trusted?: boolean;
  /** Milliseconds that one server has to answer; 2000 unless given. */
  readonly tryTimeout?: number;
  /** Milliseconds that a look-up may take, waiting for its turn included; 6000 unless given. */
  readonly totalTimeout?: number;
  /** Look-ups under way at once; 256 unless given. */
  readonly maxLookups?: number;
  /** Answers kept; 4096 unless given. */
  readonly maxKept?: number;
  /** The clock that TTLs are counted by, in milliseconds. */
  readonly now?: () => number;
}

export type Authorisation =
  | { kind: "yes" }
  | { kind: "no" }
  | { kind: "failed"; reason: string }
  | { kind: "bogus"; reason: string };

/**
 * Look-ups never reject. An aborted one ends as `failed`, without harm to others that wait for the
 * same answer.
 */
export interface Resolver extends AsyncDisposable {
  /** A records of `name`, then AAAA records. A family that fails does not hide the other. */
  addresses(name: string, signal?: AbortSignal): Promise<Resolution>;
  /**
   * Whether `ip` is among the A and AAAA records of `name`. A family that has it suffices, whatever
   * becomes of the other.
   */
  authorises(name: string, ip: string, signal?: AbortSignal): Promise<Authorisation>;
  /** Resolves once the look-ups that are under way have their answers, of which none is waited for beyond its time. */
  drain(): Promise<void>;
  /** Ends all look-ups as `failed`, now and later; resolves when their sockets are closed. */
  close(): Promise<void>;
  /** Sockets open now. */
  readonly open: number;
  /** Answers kept now. */
  readonly kept: number;
}

/** Throws a TypeError for an address in `servers` or `hosts` that is none. */
export function createResolver(options: ResolverOptions): Resolver {
  return new DnsResolver(options);
}

const MAX_WAITING = 4096;
const FAMILIES: readonly Family[] = ["A", "AAAA"];

class DnsResolver implements Resolver {
  readonly #fixed: ReadonlyMap<string, Resolution>;
  readonly #querier: Querier;
  readonly #cache: Cache<Resolution>;
  readonly #slots: Slots;
  readonly #maxLookups: number;
  readonly #totalTimeout: number;
  readonly #now: () => number;
  readonly #sockets = { open: 0 };
  readonly #underWay = new Map<string, Promise<Resolution>>();
  readonly #closed = new AbortController();

  constructor(options: ResolverOptions) {
    const servers = options.servers?.length ? options.servers : defaultServers();
    this.#fixed = readHosts(options.hosts ?? {});
    this.#querier = new Querier({
      servers: servers.map(checkServer),
      dnssec: options.dnssec ?? "opportunistic",
      trusted: options.trusted ?? false,
      tryTimeout: options.tryTimeout ?? 2000,
      sockets: this.#sockets,
    });
    this.#totalTimeout = options.totalTimeout ?? 6000;
    this.#maxLookups = options.maxLookups ?? 256;
    this.#slots = new Slots(this.#maxLookups, MAX_WAITING);
    this.#now = options.now ?? (() => performance.now());
    this.#cache = new Cache(options.maxKept ?? 4096, this.#now);
  }

  get open(): number {
    return this.#sockets.open;
  }

  get kept(): number {
    return this.#cache.size;
  }

  async addresses(name: string, signal?: AbortSignal): Promise<Resolution> {
    const parts = await unlessAborted(signal, () => Promise.all(this.#parts(name)));
    return parts === null ? ABORTED : merge(parts);
  }

  async authorises(name: string, ip: string, signal?: AbortSignal): Promise<Authorisation> {
    const wanted = canonicalAddress(ip);
    if (wanted === null) {
      return { kind: "failed", reason: `${JSON.stringify(ip)} is no IP address` };
    }
    const has = (part: Resolution): boolean =>
      part.kind === "addresses" && part.addresses.includes(wanted);
    const authorisation = await unlessAborted(signal, () => {
      const parts = this.#parts(name);
      const all = Promise.all(parts).then((known) => judge(known, has));
      return Promise.race(
        parts.map(async (part) => has(await part) ? { kind: "yes" as const } : await all),
      );
    });
    return authorisation ?? ABORTED;
  }

  async drain(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.all(this.#underWay.values());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What is known of `name`, one resolution for each family; a fixed answer is whole by itself. */
  #parts(name: string): Promise<Resolution>[] {
    const canonical = canonicalName(name);
    if (canonical === null) {
      const reason = `Cannot look up ${JSON.stringify(name.slice(0, 300))}: no domain name`;
      return [Promise.resolve({ kind: "failed", reason })];
    }
    const fixed = this.#fixed.get(canonical);
    if (fixed !== undefined) return [Promise.resolve(fixed)];
    return FAMILIES.map((type) => this.#resolve({ name: canonical, type }));
  }

  /** From the cache, or from a look-up that all who ask meanwhile share. */
  #resolve(question: Question): Promise<Resolution> {
    const key = `${question.type} ${question.name}`;
    const kept = this.#cache.get(key);
    if (kept !== null) return Promise.resolve(kept);
    const shared = this.#underWay.get(key);
    if (shared !== undefined) return shared;
    const lookup = this.#lookUp(key, question).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, lookup);
    return lookup;
  }

  async #lookUp(key: string, question: Question): Promise<Resolution> {
    const closed = this.#closed.signal;
    if (closed.aborted) return failed(question, CLOSED);
    const scope = new AbortController();
    const stop = (): void => scope.abort();
    const timer = setTimeout(stop, this.#totalTimeout);
    closed.addEventListener("abort", stop);
    try {
      if (!await this.#slots.take(scope.signal)) {
        return failed(question, closed.aborted ? CLOSED : `busy with ${this.#maxLookups} others`);
      }
      try {
        const query = (asked: Question) => this.#querier.query(asked, scope.signal);
        const { resolution, expires } = await lookUp(question, query, this.#now);
        this.#cache.set(key, resolution, expires);
        return resolution.kind === "failed" && closed.aborted
          ? failed(question, CLOSED)
          : explain(question, resolution);
      } finally {
        this.#slots.release();
      }
    } catch (error) {
      return failed(question, error instanceof Error ? error.message : String(error));
    } finally {
      clearTimeout(timer);
      closed.removeEventListener("abort", stop);
    }
  }
}

const CLOSED = "the resolver is closed";
const ABORTED = { kind: "failed" as const, reason: "The look-up was abandoned" };

function failed(question: Question, reason: string): Resolution {
  return explain(question, { kind: "failed", reason });
}

/** The resolution with a reason that can stand alone. */
function explain({ name, type }: Question, resolution: Resolution): Resolution {
  switch (resolution.kind) {
    case "addresses":
    case "none":
      return resolution;
    case "failed":
      return { kind: "failed", reason: `Cannot look up ${type} of ${name}: ${resolution.reason}` };
    case "bogus":
      return { kind: "bogus", reason: `Cannot believe ${type} of ${name}: ${resolution.reason}` };
  }
}

/** All families in one: without any address, what went wrong outweighs what does not exist. */
function merge(parts: readonly Resolution[]): Resolution {
  const addresses = parts.flatMap((part) => part.kind === "addresses" ? part.addresses : []);
  if (addresses.length > 0) return { kind: "addresses", addresses: [...new Set(addresses)] };
  return trouble(parts) ?? { kind: "none" };
}

function judge(parts: readonly Resolution[], has: (part: Resolution) => boolean): Authorisation {
  return parts.some(has) ? { kind: "yes" } : trouble(parts) ?? { kind: "no" };
}

type Trouble = Extract<Resolution, { reason: string }>;

/** Bogus before failed: it will not pass, and the exchange is to be terminated for it. */
function trouble(parts: readonly Resolution[]): Trouble | null {
  const ofKind = (kind: Trouble["kind"]): Trouble | undefined =>
    parts.find((part): part is Trouble => part.kind === kind);
  return ofKind("bogus") ?? ofKind("failed") ?? null;
}

/** What `start` comes to; null when `signal` comes first. */
async function unlessAborted<T>(
  signal: AbortSignal | undefined,
  start: () => Promise<T>,
): Promise<T | null> {
  if (signal === undefined) return await start();
  if (signal.aborted) return null;
  const { promise: aborted, resolve } = Promise.withResolvers<null>();
  const abort = (): void => resolve(null);
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([start(), aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function readHosts(hosts: Readonly<Record<string, readonly string[]>>): Map<string, Resolution> {
  return new Map(
    Object.entries(hosts).map(([name, ips]) => {
      const canonical = canonicalName(name);
      if (canonical === null) throw new TypeError(`dns.hosts: "${name}" is no domain name`);
      const addresses = ips.map((ip) => checkAddress("dns.hosts", ip));
      return [
        canonical,
        addresses.length > 0 ? { kind: "addresses", addresses } : { kind: "none" },
      ];
    }),
  );
}

function checkAddress(where: string, ip: string): string {
  const address = canonicalAddress(ip);
  if (address === null) {
    throw new TypeError(`${where}: "${ip}" is no IP address; write it like 192.0.2.1`);
  }
  return address;
}

function checkServer({ ip, port }: Server): Server {
  return { ip: checkAddress("dns.servers", ip), port };
}
