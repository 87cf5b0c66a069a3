// A running host: the parts put together, started and stopped in their order.

import { mkdirSync } from "node:fs";
import type { LoadedCertificate } from "../certificate/load.ts";
import type { Config } from "../config.ts";
import { addressText, canonicalIp, type Endpoint, Listener, type Resolver } from "../net/mod.ts";
import { OutgoingRecord } from "../protocol/mod.ts";
import {
  type ConfigurableBackend,
  DirectoryLock,
  lockOwner,
  openWriterThread,
  StoreError,
  type StoreFailure,
  StoreReader,
  StoreWriter,
} from "../store/mod.ts";
import { ControlServer, type Operator } from "./control.ts";
import { connectToHost } from "./control_client.ts";
import { type Exchange, logExchange } from "./exchange.ts";
import { Gate } from "./gate.ts";
import { Housekeeping } from "./housekeeping.ts";
import { Inbound } from "./inbound.ts";
import type { Log } from "./log.ts";
import { metricsPage, MetricsServer } from "./metrics.ts";
import type { Ban } from "./offenders.ts";
import { Outbound } from "./outbound.ts";
import { type CertificateView, OwnCertificate } from "./own_certificate.ts";
import {
  changedForRestart,
  listenerLimits,
  makeDialler,
  makeResolver,
  type ReadOnce,
  serverName,
  withReadOnceOf,
  writerSettings,
} from "./settings.ts";
import { Statistics } from "./statistics.ts";
import { type Status, statusOf, type StatusParts } from "./status.ts";

/** How long a command may hold the data directory that a host wants, in milliseconds. */
const LOCK_WAIT_MS = 5000;

export class Host implements AsyncDisposable, Operator {
  readonly #parts: Parts;
  #closing = new AsyncDisposableStack();
  /** Resolvers of earlier configurations whose look-ups are not through. */
  readonly #retiring = new Set<Resolver>();
  #serves = false;
  #tellServing: () => void = () => {};

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Starts a host; resolves once it serves, or would but for the certificate that it gets first. Throws a NotConfigured, StoreError or CertificateError that tells what to do,
   * or the Error of an address that cannot be listened on; then nothing is left open. `onExchange` is told of each
   * exchange when it ends.
   */
  static async start(
    config: Config,
    log: Log,
    onExchange: (exchange: Exchange) => void = () => {},
  ): Promise<Host> {
    await using building = new AsyncDisposableStack();
    const current: Current = { config, resolver: makeResolver(config), stopBy: null };
    building.defer(() => current.resolver.close());
    const certificate = new OwnCertificate(() => current.config, log);
    makeDataDir(config.data_dir);
    building.use(await lock(config.data_dir));

    const statistics = new Statistics();
    const failed = Promise.withResolvers<StoreFailure>();
    const backend = await openWriterThread(
      config.data_dir,
      writerSettings(config),
      failed.resolve,
    );
    if (backend.upgrade !== null) log.warn(UPGRADED, { ...backend.upgrade });
    let outbound: Outbound | null = null;
    const writer = building.use(
      new StoreWriter(backend, {
        changed: (changes) => {
          for (const { domain } of changes) outbound?.wake(domain);
        },
        committed: (operations, ms) => statistics.commit(operations, ms),
      }),
    );
    const reader = building.use(new StoreReader(config.data_dir));
    // A start that fails has nothing to wait for.
    const grace = (): number => Math.max(0, (current.stopBy ?? 0) - performance.now());
    const outgoing = new OutgoingRecord();
    const gate = building.use(new Gate(() => current.config, outgoing, statistics, log));
    const shared = {
      config: () => current.config,
      reader,
      writer,
      resolver: () => current.resolver,
      dialler: makeDialler(config, () => current.config),
      outgoing,
      ended: (exchange: Exchange): void => {
        logExchange(log, exchange);
        statistics.exchange(exchange);
        gate.ended(exchange);
        onExchange(exchange);
      },
    };

    const inbound = new Inbound({
      ...shared,
      nothingCame: (peer) => gate.refused(peer, "no byte came", null),
    });
    const listener = await Listener.listen({
      endpoints: config.listen,
      certificate: certificate.loaded,
      serverName: serverName(config),
      limits: () => listenerLimits(current.config),
      // Whoever is sent to may have a challenge, on which the end of that exchange depends.
      admit: (peer) =>
        current.stopBy !== null && !outgoing.isSendingTo(peer)
          ? "host is stopping"
          : gate.admit(peer),
      serve: (connection) => inbound.serve(connection),
      refused: (peer, reason, detail) => gate.refused(peer, reason, detail ?? null),
      reopened: (endpoint, problem) =>
        log.error("nobody was heard any more at an address, it was opened anew", {
          address: addressText(endpoint),
          problem,
        }),
    });
    building.defer(() => listener.close(grace()));
    outbound = new Outbound({ ...shared, log, endpoints: listener.endpoints });
    const sending = outbound;
    building.defer(() => sending.stop(grace()));
    const housekeeping = building.use(new Housekeeping(writer, () => current.config, log));
    const host = new Host({
      current,
      log,
      backend,
      listener,
      writer,
      reader,
      certificate,
      inbound,
      outbound,
      outgoing,
      gate,
      housekeeping,
      statistics,
      failed: failed.promise,
    });
    host.#serveOperator(building);
    housekeeping.start();
    // Disposed of first: a certificate that comes while the host stops is taken at the next start.
    building.use(certificate).start((loaded) => host.#show(loaded));
    if (certificate.loaded === null) log.warn(NO_CERTIFICATE);
    else host.#serve();
    host.#closing = building.move();
    return host;
  }

  /** `told` is called once others are served: at once where they are already, or when the first certificate is there. */
  onServing(told: () => void): void {
    if (this.#serves) told();
    else this.#tellServing = told;
  }

  /** Where it listens, with the ports that the system chose. */
  get endpoints(): readonly Endpoint[] {
    return this.#parts.listener.endpoints;
  }

  get certificate(): CertificateView {
    return this.#parts.certificate.view;
  }

  /** The way into the store for whoever runs in this process. */
  get writer(): StoreWriter {
    return this.#parts.writer;
  }

  /** Resolves when the host cannot go on: its store is lost to it. */
  get failed(): Promise<StoreFailure> {
    return this.#parts.failed;
  }

  /**
   * Takes a new configuration and certificate over, without dropping a connection; the keys that need a restart to
   * change. Throws and changes nothing when the configuration cannot be used.
   */
  reload(config: Config): readonly ReadOnce[] {
    const { current, log, backend, certificate, housekeeping } = this.#parts;
    const unchanged = changedForRestart(current.config, config);
    const next = withReadOnceOf(current.config, config);
    const resolver = makeResolver(next);
    const renewed = certificate.read(next);
    this.#retire(current.resolver);
    current.resolver = resolver;
    current.config = next;
    certificate.take(renewed);
    log.setLevel(next.log.level);
    backend.configure(writerSettings(next));
    housekeeping.start();
    return unchanged;
  }

  status(): Promise<Status> {
    return statusOf(this.#statusParts());
  }

  bans(): readonly Ban[] {
    return this.#parts.gate.offenders.bans();
  }

  ban(address: string, seconds: number | null): Ban | string {
    const { gate, current } = this.#parts;
    const ip = canonicalIp(address);
    if (ip === null) return `"${address}" is no IP address: write one as in 192.0.2.1`;
    if (gate.offenders.isAllowed(ip)) {
      return `${ip} is in ban.allow: take it out there first, and reload the host`;
    }
    return gate.ban(ip, seconds ?? current.config.ban.for, "banned by the operator");
  }

  lift(address: string): boolean {
    const ip = canonicalIp(address.replace(/\/64$/, ""));
    return ip !== null && this.#parts.gate.offenders.lift(ip);
  }

  /** An error that nobody foresaw, and that no exchange had to do with. */
  fault(error: unknown): void {
    this.#parts.statistics.faults.add();
    this.#parts.log.error("internal error", { error: String(error) });
  }

  /** Stops taking connections, lets exchanges under way finish for a bounded time, and closes the store. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { current } = this.#parts;
    current.stopBy = performance.now() + current.config.shutdown_timeout * 1000;
    await this.#closing.disposeAsync();
  }

  /** Commands, the metrics, and what is looked at now and then. */
  #serveOperator(closing: AsyncDisposableStack): void {
    const { current: { config }, writer } = this.#parts;
    closing.defer(async () => {
      for (const resolver of this.#retiring) await resolver.close();
    });
    closing.use(new ControlServer(config.data_dir, writer, this));
    const { listen } = config.metrics;
    if (listen === null) return;
    closing.use(
      new MetricsServer(
        listen,
        () => metricsPage(this.#statusParts()),
        (error) => this.fault(error),
      ),
    );
  }

  #statusParts(): StatusParts {
    const { current, listener, inbound, outbound, certificate, gate } = this.#parts;
    return {
      ...this.#parts,
      config: current.config,
      endpoints: listener.endpoints,
      connections: listener.list(),
      exchangesIn: inbound.exchanges,
      exchangesOut: outbound.exchanges,
      outgoing: this.#parts.outgoing.size,
      bans: gate.offenders.bans(),
      certificate: certificate.view,
    };
  }

  /** Look-ups under way get their answers. */
  #retire(resolver: Resolver): void {
    this.#retiring.add(resolver);
    resolver.drain().finally(() => this.#retiring.delete(resolver));
  }

  /** Row T5: without dropping a connection. */
  #show(certificate: LoadedCertificate): void {
    this.#parts.listener.renew(certificate);
    this.#serve();
  }

  /**
   * From here on others are served and sent to: both need a certificate, since whoever is sent a message may challenge
   * this host for it.
   */
  #serve(): void {
    if (this.#serves) return;
    this.#serves = true;
    const { outbound, certificate, log } = this.#parts;
    outbound.start();
    for (const warning of certificate.view.warnings) log.warn(warning);
    this.#tellServing();
  }
}

const NO_CERTIFICATE =
  "there is no certificate yet: the host gets one, and neither takes nor sends messages until it is there";

const UPGRADED =
  "the store was upgraded; a copy as it was is kept, delete it when all is well: to go back, stop the host and restore it with the earlier program";

/** What changes while the host runs. */
interface Current {
  config: Config;
  resolver: Resolver;
  /** When exchanges under way are cut, as of `performance.now()`; null while the host is not stopping. */
  stopBy: number | null;
}

interface Parts {
  readonly current: Current;
  readonly log: Log;
  readonly backend: ConfigurableBackend;
  readonly listener: Listener;
  readonly writer: StoreWriter;
  readonly reader: StoreReader;
  readonly certificate: OwnCertificate;
  readonly inbound: Inbound;
  readonly outbound: Outbound;
  readonly outgoing: OutgoingRecord;
  readonly gate: Gate;
  readonly housekeeping: Housekeeping;
  readonly statistics: Statistics;
  readonly failed: Promise<StoreFailure>;
}

function makeDataDir(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new StoreError(
      `data_dir: cannot make the directory ${dataDir}: ${
        error instanceof Error ? error.message : error
      }; make it, or choose another`,
      { cause: error },
    );
  }
}

/** Takes the directory; a command that uses it while no host runs is waited for. */
async function lock(dataDir: string): Promise<DirectoryLock> {
  const waitUntil = Date.now() + LOCK_WAIT_MS;
  for (;;) {
    const taken = DirectoryLock.take(dataDir);
    if (taken !== null) return taken;
    const host = await connectToHost(dataDir);
    host?.close();
    if (host !== null || Date.now() > waitUntil) {
      throw new StoreError(
        `Process ${
          lockOwner(dataDir)
        } runs on ${dataDir} already: stop it first, or use another data_dir`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
