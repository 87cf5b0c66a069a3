// A running host: the parts put together, started and stopped in their order.

import type { LoadedCertificate } from "../certificate/load.ts";
import type { Config } from "../config.ts";
import { addressText, canonicalIp, type Endpoint, Listener, type Resolver } from "../net/mod.ts";
import { OutgoingRecord } from "../protocol/mod.ts";
import {
  type ConfigurableBackend,
  type MessageChange,
  openWriterThread,
  type StoreFailure,
  StoreReader,
  StoreWriter,
} from "../store/mod.ts";
import { ControlServer, type Operator } from "./control.ts";
import { lockDataDir, makeDataDir } from "./data_dir.ts";
import { type Exchange, logExchange } from "./exchange.ts";
import { Gate } from "./gate.ts";
import { Housekeeping } from "./housekeeping.ts";
import { Inbound } from "./inbound.ts";
import type { Log } from "./log.ts";
import { type ChangeListener, Listeners } from "./listeners.ts";
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
import { type InterfaceView, type Status, statusOf, type StatusParts } from "./status.ts";

export class Host implements AsyncDisposable, Operator {
  readonly #parts: Parts;
  #closing = new AsyncDisposableStack();
  /** Resolvers of earlier configurations whose look-ups are not through. */
  readonly #retiring = new Set<Resolver>();
  #serves = false;
  #tellServing: () => void = () => {};
  #onCertificate: (certificate: LoadedCertificate) => void = () => {};
  #interface: Interface | null = null;

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
    building.use(await lockDataDir(config.data_dir));

    const statistics = new Statistics();
    const failed = Promise.withResolvers<StoreFailure>();
    const backend = await openWriterThread(
      config.data_dir,
      writerSettings(config),
      failed.resolve,
    );
    if (backend.upgrade !== null) log.warn(UPGRADED, { ...backend.upgrade });
    let outbound: Outbound | null = null;
    const listenerFault = (error: unknown): void => fault(statistics, log, error);
    const messages = new Listeners<MessageChange>(listenerFault);
    const sessionsEnded = new Listeners<null>(listenerFault);
    const writer = building.use(
      new StoreWriter(backend, {
        changed: (changes) => {
          for (const change of changes) {
            if (change.kind === "outbound") outbound?.wake(change.domain);
            else if (change.kind === "message") messages.tell(change);
            else sessionsEnded.tell(null);
          }
        },
        committed: (operations, ms) => statistics.commit(operations, ms),
      }),
    );
    const reader = building.use(new StoreReader(config.data_dir));
    const grace = (): number => graceOf(current);
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
      messages,
      sessionsEnded,
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

  /**
   * Calls `listener` after the commit with what it means for users' messages, whoever made the change; the function
   * that is returned ends that. One that throws hurts no other.
   */
  onMessage(listener: ChangeListener<MessageChange>): () => void {
    return this.#parts.messages.add(listener);
  }

  /** The same for sessions of browsers: some were ended. */
  onSessionsEnded(listener: ChangeListener<null>): () => void {
    return this.#parts.sessionsEnded.add(listener);
  }

  /** As it is now: a reload changes it. */
  get config(): Config {
    return this.#parts.current.config;
  }

  /** As it is now, for the addresses of other hosts; a reload may put another one in its place. */
  get resolver(): Resolver {
    return this.#parts.current.resolver;
  }

  get statistics(): Statistics {
    return this.#parts.statistics;
  }

  /** Calls `listener` with the certificate, now where there is one, and with each that takes its place. */
  onCertificate(listener: (certificate: LoadedCertificate) => void): void {
    this.#onCertificate = listener;
    const { loaded } = this.#parts.certificate;
    if (loaded !== null) listener(loaded);
  }

  /** Has the status and the metrics tell of the interface for clients, and closes it before anything else. */
  attach(api: Interface): void {
    this.#interface = api;
    this.#closing.defer(() => api.close(graceOf(this.#parts.current)));
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
    fault(this.#parts.statistics, this.#parts.log, error);
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
      api: this.#interface?.view ?? null,
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
    this.#onCertificate(certificate);
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

/** Milliseconds that what is under way has left. A start that fails has nothing to wait for. */
function graceOf({ stopBy }: Current): number {
  return Math.max(0, (stopBy ?? 0) - performance.now());
}

/** The interface for clients, which is above the host. */
export interface Interface {
  readonly view: InterfaceView;
  /** Takes no more clients, and lets requests under way finish for `graceMs`. */
  close(graceMs: number): Promise<void>;
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
  readonly messages: Listeners<MessageChange>;
  readonly sessionsEnded: Listeners<null>;
  readonly failed: Promise<StoreFailure>;
}

function fault(statistics: Statistics, log: Log, error: unknown): void {
  statistics.faults.add();
  log.error("internal error", { error: String(error) });
}
