// The interface of a running host: its parts put together, started and stopped in their order.

import type { Config } from "../config.ts";
import type { Host, Interface, InterfaceView, Log } from "../host/mod.ts";
import { addressText, type Certificate, type Endpoint } from "../net/mod.ts";
import { Access, Mailbox, SearchThread } from "../store/mod.ts";
import { type Answered, type App, EVENTS_PATH, makeApp } from "./app.ts";
import type { ApiConfig, ApiContext } from "./context.ts";
import { EventSockets } from "./events/mod.ts";
import { HostLookup } from "./host_lookup.ts";
import { Authenticator } from "./identity/authenticator.ts";
import { egressOf, Pushes } from "./push/mod.ts";
import { allRoutes } from "./routes/mod.ts";
import { Clients } from "./server/clients.ts";
import { commonHeaders } from "./server/headers.ts";
import { RequestRates } from "./server/rates.ts";
import { HttpServer } from "./server/server.ts";
import { sessionRoutes, type SignInLimit } from "./session/routes.ts";
import { Page } from "./web/mod.ts";

/**
 * Starts the interface that the host's configuration has, until the host stops; resolves once it serves, or would but for
 * the certificate that the host is still getting. Throws an Error that tells why the address cannot be had; then nothing
 * is left open.
 */
export async function startApi(host: Host, log: Log): Promise<Api> {
  await using building = new AsyncDisposableStack();
  const api = building.adopt(new Api(host, log), (api) => api.close(0));
  await api.start();
  host.attach(api);
  building.move();
  return api;
}

export class Api implements Interface {
  readonly #host: Host;
  readonly #log: Log;
  readonly #closing = new AsyncDisposableStack();
  readonly #sockets: EventSockets;
  readonly #clients: Clients;
  readonly #context: ApiContext;
  readonly #app: App;
  #server: HttpServer | null = null;
  #starting: Promise<void> | null = null;
  #requests = 0;

  constructor(host: Host, log: Log) {
    this.#host = host;
    this.#log = log;
    const { config: { data_dir }, writer } = host;
    const config = (): ConfigWithApi => withApi(host.config);
    const access = this.#closing.use(new Access(data_dir));
    const mailbox = this.#closing.use(new Mailbox(data_dir));
    const search = this.#closing.use(new SearchThread(data_dir));
    const parts = { config, log, writer, access };
    const authenticator = this.#closing.use(new Authenticator(parts));
    this.#context = {
      ...parts,
      authenticator,
      search,
      lookup: new HostLookup(() => host.resolver),
      mailbox: (address) => mailbox.forIdentity(address),
    };
    this.#sockets = this.#closing.use(new EventSockets(this.#context));
    const pushes = this.#closing.use(
      new Pushes({
        ...this.#context,
        resolver: () => host.resolver,
        egress: () => egressOf(host.config),
        counter: host.statistics.pushes,
      }),
    );
    this.#closing.defer(host.onMessage((change) => {
      this.#sockets.publish(change);
      pushes.publish(change);
    }));
    this.#closing.defer(host.onSessionsEnded(() => this.#sockets.sessionsEnded()));
    this.#clients = new Clients(() => config().api, log);
    const rates = new RequestRates(() => config().api);
    this.#app = makeApp({
      context: this.#context,
      routes: [...allRoutes, ...sessionRoutes(this.#signInLimit(rates))],
      sockets: this.#sockets,
      page: new Page(log),
      clients: this.#clients,
      rates,
      answered: (request) => this.#answered(request),
      fault: (error) => this.#fault(error),
    });
  }

  /** With the host's certificate once it is there, where the interface serves TLS by itself. */
  async start(): Promise<void> {
    // Whoever verifies tokens finds a key from the first request on.
    await this.#host.writer.submit("ensureSigningKey", null);
    await this.#host.writer.submit("ensureVapidKey", null);
    if (!this.#context.config().api.tls) return await this.#listen(null);
    this.#host.onCertificate((certificate) => this.#show(certificate));
    if (this.#starting === null) this.#log.warn(WAITS);
    else await this.#starting;
  }

  /** Where it listens, with the port that the system chose; null while it waits for the host's certificate. */
  get endpoint(): Endpoint | null {
    return this.#server?.endpoint ?? null;
  }

  get view(): InterfaceView {
    return {
      address: this.endpoint === null ? null : addressText(this.endpoint),
      tls: this.#context.config().api.tls,
      connections: this.#server?.connections ?? 0,
      sockets: this.#sockets.count,
      requests: this.#requests,
    };
  }

  /** Takes no more clients, closes their WebSockets, and lets requests under way finish for `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#host.onCertificate(() => {});
    await this.#starting?.catch(() => {});
    // Together: a server is closed only when its connections are, those of events among them.
    await Promise.all([this.#server?.close(graceMs), this.#sockets[Symbol.asyncDispose]()]);
    await this.#closing.disposeAsync();
  }

  /** Whoever comes through a proxy that nobody told of has no address of its own; the tokens are too long to be guessed. */
  #signInLimit(rates: RequestRates): SignInLimit {
    return (ip) => {
      if (!this.#clients.standsForMany(ip)) rates.signIn(ip);
    };
  }

  /** The first certificate is what the interface waited for; later ones take its place without dropping a connection. */
  #show(certificate: Certificate): void {
    if (this.#starting !== null) return this.#server?.renew(certificate);
    this.#starting = this.#listen(certificate);
    this.#starting.catch((error: unknown) =>
      this.#log.error("there is no interface for clients", {
        error: error instanceof Error ? error.message : String(error),
      })
    );
  }

  async #listen(certificate: Certificate | null): Promise<void> {
    const { config } = this.#context;
    this.#server = await HttpServer.listen({
      endpoint: config().api.listen,
      certificate,
      limits: {
        flow: () => {
          const { idle_timeout, min_rate } = config().limits;
          return { idleMs: idle_timeout * 1000, minRate: min_rate };
        },
        standsForMany: (peer) => this.#clients.standsForMany(peer),
      },
      headers: () => commonHeaders(config()),
      answer: async (request, peer, upgrade) => await this.#app.fetch(request, { peer, upgrade }),
      isWebSocketPath: (path) => path.split("?", 1)[0] === EVENTS_PATH,
      failed: (error) => this.#fault(error),
      reopened: (problem) =>
        this.#log.error("no client was heard any more, the interface was opened anew", { problem }),
    }).catch((error: unknown) => {
      throw error instanceof Error
        ? new Error(`api.listen: ${error.message}`, { cause: error })
        : error;
    });
  }

  #answered({ method, path, status, ip, identity, ms }: Answered): void {
    this.#requests++;
    const { requests, requestSeconds } = this.#host.statistics;
    requests.add([METHODS.has(method) ? method : "other", `${Math.floor(status / 100)}xx`]);
    requestSeconds.observe(ms / 1000);
    this.#log.debug("request", { method, path, status, ip, identity, ms: Math.round(ms) });
  }

  #fault(error: unknown): void {
    this.#host.fault(error);
    if (error instanceof Error) this.#log.debug("stack", { stack: error.stack ?? null });
  }
}

const METHODS: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
]);

const WAITS = "the interface for clients waits for the host's certificate";

type ConfigWithApi = Config & { readonly api: ApiConfig };

/** The section cannot go away while the host runs: that takes a restart. */
function withApi(config: Config): ConfigWithApi {
  if (hasApi(config)) return config;
  throw new TypeError("The configuration has no interface");
}

function hasApi(config: Config): config is ConfigWithApi {
  return config.api !== null;
}
