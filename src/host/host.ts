// A running host: the parts put together, started and stopped in their order.

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type CertificateFiles,
  fingerprint,
  loadCertificate,
  type LoadedCertificate,
} from "../certificate/load.ts";
import type { Config } from "../config.ts";
import {
  createResolver,
  Dialler,
  type Endpoint,
  Listener,
  type ListenerLimits,
  type Resolver,
} from "../net/mod.ts";
import { OutgoingRecord } from "../protocol/mod.ts";
import {
  type ConfigurableBackend,
  DirectoryLock,
  lockOwner,
  openWriterThread,
  StoreError,
  StoreReader,
  StoreWriter,
  type WriterSettings,
} from "../store/mod.ts";
import { connectToHost, ControlServer } from "./control.ts";
import { type Exchange, logExchange } from "./exchange.ts";
import { Inbound } from "./inbound.ts";
import type { Log } from "./log.ts";
import { Outbound } from "./outbound.ts";

/** How long exchanges under way may go on when the host stops, in milliseconds. */
const GRACE_MS = 8000;

/** How often the certificate's files are looked at, in milliseconds. */
const CERTIFICATE_CHECK_MS = 5000;

/** How long a command may hold the data directory that a host wants, in milliseconds. */
const LOCK_WAIT_MS = 5000;

/** The configuration lacks what a running host needs; the message says what. */
export class NotConfigured extends Error {
  override readonly name = "NotConfigured";
}

export class Host implements AsyncDisposable {
  readonly #current: Current;
  readonly #log: Log;
  readonly #closing: AsyncDisposableStack;
  readonly #backend: ConfigurableBackend;
  readonly #listener: Listener;
  /** The way into the store for whoever runs in this process. */
  readonly writer: StoreWriter;
  #certificate: { loaded: LoadedCertificate; fingerprint: string };

  private constructor(parts: Parts) {
    this.#current = parts.current;
    this.#log = parts.log;
    this.#closing = parts.closing;
    this.#backend = parts.backend;
    this.#listener = parts.listener;
    this.writer = parts.writer;
    this.#certificate = parts.certificate;
    const timer = setInterval(() => this.#checkCertificate(), CERTIFICATE_CHECK_MS);
    this.#closing.defer(() => clearInterval(timer));
  }

  /**
   * Starts a host; resolves once it serves. Throws a NotConfigured, StoreError or CertificateError that tells what to do,
   * or the Error of an address that cannot be listened on; then nothing is left open. `onExchange` is told of each
   * exchange when it ends.
   */
  static async start(
    config: Config,
    log: Log,
    onExchange: (exchange: Exchange) => void = () => {},
  ): Promise<Host> {
    await using building = new AsyncDisposableStack();
    const files = certificateFiles(config);
    const certificate = readCertificate(files, config);
    mkdirSync(config.data_dir, { recursive: true, mode: 0o700 });
    building.use(await lock(config.data_dir));

    const backend = await openWriterThread(config.data_dir, writerSettings(config));
    let outbound: Outbound | null = null;
    const writer = building.use(
      new StoreWriter(backend, (changes) => {
        for (const { domain } of changes) outbound?.wake(domain);
      }),
    );
    const reader = building.use(new StoreReader(config.data_dir));
    const resolver = building.use(makeResolver(config));
    const dialler = makeDialler(config);
    const outgoing = new OutgoingRecord();
    // What changes with a reload is read through this.
    const current: Current = { config, stopBy: Infinity };
    const grace = (): number => Math.max(0, current.stopBy - Date.now());
    const ended = (exchange: Exchange): void => {
      logExchange(log, exchange);
      onExchange(exchange);
    };
    const shared = {
      config: () => current.config,
      reader,
      writer,
      resolver,
      dialler,
      outgoing,
      ended,
    };

    const inbound = new Inbound(shared);
    const listener = await Listener.listen({
      endpoints: config.listen,
      certificate: certificate.loaded,
      serverName: serverName(config),
      limits: () => listenerLimits(current.config),
      serve: (connection) => inbound.serve(connection),
      refused: (peer, reason, detail) =>
        log.info("refused", { peer, reason, detail: detail ?? null }),
    });
    building.defer(() => listener.close(grace()));
    outbound = new Outbound({ ...shared, log, endpoints: listener.endpoints });
    const sending = outbound;
    building.defer(() => sending.stop(grace()));
    building.use(new ControlServer(config.data_dir, writer));
    sending.start();

    const closing = building.move();
    return new Host({
      current,
      log,
      closing,
      backend,
      listener,
      writer,
      certificate,
    });
  }

  /** Where it listens, with the ports that the system chose. */
  get endpoints(): readonly Endpoint[] {
    return this.#listener.endpoints;
  }

  get certificate(): LoadedCertificate {
    return this.#certificate.loaded;
  }

  /** Takes a new configuration and certificate over, without dropping a connection; throws and changes nothing else. */
  reload(config: Config): void {
    this.#renew(config);
    this.#current.config = config;
    this.#log.setLevel(config.log.level);
    this.#backend.configure(writerSettings(config));
  }

  /** Stops taking connections, lets exchanges under way finish for a bounded time, and closes the store. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#current.stopBy = Date.now() + GRACE_MS;
    await this.#closing.disposeAsync();
  }

  #renew(config: Config): void {
    const certificate = readCertificate(certificateFiles(config), config);
    this.#listener.renew(certificate.loaded);
    this.#certificate = certificate;
  }

  /** Row T5: a renewed certificate is picked up by itself; what cannot be used leaves the old one in place. */
  #checkCertificate(): void {
    try {
      const config = this.#current.config;
      if (fingerprint(certificateFiles(config)) === this.#certificate.fingerprint) return;
      this.#renew(config);
      this.#log.info("certificate renewed", { expires: this.certificate.expires.toISOString() });
    } catch (error) {
      this.#log.error("the certificate could not be renewed, the old one is kept", {
        error: error instanceof Error ? error.message : String(error),
      });
    }
  }
}

/** What changes while the host runs. */
interface Current {
  config: Config;
  /** When exchanges under way are cut, in milliseconds; Infinity while the host is not stopping. */
  stopBy: number;
}

interface Parts {
  readonly current: Current;
  readonly log: Log;
  readonly closing: AsyncDisposableStack;
  readonly backend: ConfigurableBackend;
  readonly listener: Listener;
  readonly writer: StoreWriter;
  readonly certificate: { loaded: LoadedCertificate; fingerprint: string };
}

/** What the writer has to know, also when a command opens the store without a host. */
export function writerSettings(config: Config): WriterSettings {
  return {
    domain: config.domain,
    quota: config.quota,
    maxSize: config.limits.max_size,
    maxExpandedSize: config.limits.max_expanded_size,
    discloseUsers: config.limits.disclose_users,
    window: config.delivery.window,
  };
}

function serverName(config: Config): string {
  return `fmsg.${config.domain}`;
}

function certificateFiles(config: Config): { readonly cert: string; readonly key: string } {
  const { tls } = config;
  if (tls === null) {
    throw new NotConfigured(
      'There is no certificate: set tls.cert and tls.key in fmsg.yaml, or let "fmsg host init" make the configuration',
    );
  }
  if (tls.kind === "acme") {
    throw new NotConfigured(
      "tls.acme has no effect yet: set tls.cert and tls.key to a pair of files",
    );
  }
  return tls;
}

/** Files that change while they are read have another fingerprint afterwards, and are read again. */
function readCertificate(files: CertificateFiles, config: Config): Parts["certificate"] {
  const before = fingerprint(files);
  return { loaded: loadCertificate(files, serverName(config)), fingerprint: before };
}

/** Takes the directory; a command that uses it while no host runs is waited for. */
async function lock(dataDir: string): Promise<DirectoryLock> {
  const waitUntil = Date.now() + LOCK_WAIT_MS;
  for (;;) {
    const taken = DirectoryLock.take(dataDir);
    if (taken !== null) return taken;
    const host = await connectToHost(dataDir);
    await host?.close();
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

function makeResolver({ dns }: Config): Resolver {
  return createResolver({
    servers: dns.servers,
    hosts: dns.hosts,
    dnssec: dns.dnssec,
    trusted: dns.trusted,
  });
}

function makeDialler({ tls, data_dir, delivery, limits }: Config): Dialler {
  const ca = tls?.ca;
  return new Dialler({
    extraRoots: ca === undefined ? null : readFileSync(ca, "utf8"),
    rootsFile: join(data_dir, "roots.pem"),
    connectMs: delivery.connect_timeout * 1000,
    limits: { idleMs: limits.idle_timeout * 1000, minRate: limits.min_rate },
  });
}

function listenerLimits({ limits }: Config): ListenerLimits {
  return {
    maxConnections: limits.max_connections,
    maxConnectionsPerIp: limits.max_connections_per_ip,
    headerMs: limits.header_timeout * 1000,
    idleMs: limits.idle_timeout * 1000,
    minRate: limits.min_rate,
  };
}
