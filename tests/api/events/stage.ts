// The sockets of clients on a bare server: with the store, the authenticator and the mailboxes that a host gives them, but
// with limits of the test's own.

import { type AddressInfo } from "node:net";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { ApiError } from "../../../src/api/error.ts";
import type { ApiContext } from "../../../src/api/context.ts";
import { EventSockets } from "../../../src/api/events/mod.ts";
import { SOCKET_LIMITS, type SocketLimits } from "../../../src/api/events/limits.ts";
import { Authenticator } from "../../../src/api/identity/authenticator.ts";
import { issuerOf } from "../../../src/api/identity/issuer.ts";
import { signIdentityToken } from "../../../src/api/identity/tokens.ts";
import { parseConfig } from "../../../src/config.ts";
import { Log } from "../../../src/host/mod.ts";
import { Access, Mailbox } from "../../../src/store/mod.ts";
import { HERE, type Sending, sent, TestStore } from "../../store/support.ts";
import { ListeningClient } from "./listening_client.ts";
import { RawSocket } from "./raw_socket.ts";

export const ALICE = `@alice@${HERE}`;
export const BOB = `@bob@${HERE}`;
export const CAROL = `@carol@${HERE}`;

export class EventStage implements AsyncDisposable {
  /** Everything that was logged. */
  readonly log: string[] = [];
  #published = 0;

  private constructor(
    readonly store: TestStore,
    readonly sockets: EventSockets,
    private readonly access: Access,
    private readonly server: Server,
    private readonly closing: AsyncDisposableStack,
  ) {}

  static async open(limits: Partial<SocketLimits> = {}): Promise<EventStage> {
    await using opening = new AsyncDisposableStack();
    const store = opening.use(await TestStore.open([ALICE, BOB, CAROL]));
    await store.writer.submit("ensureSigningKey", null);
    const access = opening.use(new Access(store.folder));
    const mailbox = opening.use(new Mailbox(store.folder));
    const lines: string[] = [];
    const log = new Log({ level: "debug", readable: false, write: (text) => lines.push(text) });
    const { writer } = store;
    const authenticator = opening.use(
      new Authenticator({ config: () => CONFIG, log, writer, access }),
    );
    const sockets = opening.use(
      new EventSockets(
        { authenticator, log, mailbox: (address) => mailbox.forIdentity(address) },
        { ...SOCKET_LIMITS, ...limits },
      ),
    );
    const server = createServer();
    server.on("upgrade", (request, socket, head) => {
      admit(sockets, authenticator, request, socket, head).catch((error: unknown) =>
        refuse(socket, error)
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
    const stage = new EventStage(store, sockets, access, server, opening.move());
    stage.log.push(...lines);
    return stage;
  }

  get ip(): string {
    return "127.0.0.1";
  }

  get port(): number {
    return addressOf(this.server).port;
  }

  /** A token of a user, for so many seconds. */
  async token(address: string, seconds = 3600): Promise<string> {
    const key = this.access.currentSigningKey();
    if (key === null) throw new Error("The store has no key to sign with");
    return (await signIdentityToken(key, issuerOf(CONFIG), address, seconds)).token;
  }

  async listen(address: string, seconds?: number): Promise<ListeningClient> {
    return await ListeningClient.open(`ws://${this.ip}:${this.port}/fmsg/ws`, {
      token: await this.token(address, seconds),
    });
  }

  async raw(address: string): Promise<RawSocket> {
    return await RawSocket.open(this, { token: await this.token(address) });
  }

  /** Sends a message and publishes what the commit changed; gives its id. */
  async send(sending: Sending): Promise<number> {
    const { id } = sent(await this.store.send(sending));
    this.publish();
    return id;
  }

  /** Publishes what commits changed since the last time. */
  publish(): void {
    for (const change of this.store.changes.slice(this.#published)) {
      if (change.kind === "message") this.sockets.publish(change);
    }
    this.#published = this.store.changes.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sockets[Symbol.asyncDispose]();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
    await this.closing.disposeAsync();
  }
}

const CONFIG: ReturnType<ApiContext["config"]> = configWithApi();

function configWithApi(): ReturnType<ApiContext["config"]> {
  const config = parseConfig(
    JSON.stringify({ domain: HERE, api: { listen: "127.0.0.1:8000" } }),
    "fmsg.yaml",
  );
  const { api } = config;
  if (api === null) throw new Error("The configuration has no interface");
  return { ...config, api };
}

/** As the host's server does it: who asks is known before the socket is handed over. */
async function admit(
  sockets: EventSockets,
  authenticator: Authenticator,
  request: IncomingMessage,
  socket: Duplex,
  head: Uint8Array,
): Promise<void> {
  const { authorization = null } = request.headers;
  const ip = "127.0.0.1";
  const identity = await authenticator.authenticate({
    authorization,
    session: null,
    actAs: null,
    ip,
  });
  sockets.upgrade(request, socket, head, identity, ip);
}

function refuse(socket: Duplex, error: unknown): void {
  const [status, message] = error instanceof ApiError
    ? [error.status, error.message]
    : [500, String(error)];
  const body = JSON.stringify({ error: message });
  socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
}

function addressOf(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === "string") {
    throw new Error("The server does not listen");
  }
  return address;
}
