// What a host gives its routes, without a server before them: a store, users, mailboxes, and whatever answers a request.

import { ApiError } from "../../../src/api/error.ts";
import type { ApiContext } from "../../../src/api/context.ts";
import { Authenticator } from "../../../src/api/identity/authenticator.ts";
import { HostLookup } from "../../../src/api/host_lookup.ts";
import type { Identity } from "../../../src/api/identity/identity.ts";
import type { RouteDescription } from "../../../src/api/route.ts";
import { allRoutes } from "../../../src/api/routes/mod.ts";
import { parseConfig } from "../../../src/config.ts";
import { Log } from "../../../src/host/mod.ts";
import { createResolver } from "../../../src/net/mod.ts";
import { Access, Mailbox, SearchThread, type WriterSettings } from "../../../src/store/mod.ts";
import { Address } from "../../../src/wire/mod.ts";
import { HERE, TestStore, type User } from "../../store/support.ts";

export const ALICE = `@alice@${HERE}`;
export const BOB = `@bob@${HERE}`;
export const CAROL = `@carol@${HERE}`;

/** What DNS has for every test. */
const HOSTS = { "fmsg.far.example": ["192.0.2.1"], "fmsg.none.example": [] };

/** Whose request it is; null on a route that is open. */
export type Identify = (
  admission: RouteDescription<unknown, unknown, unknown>["admission"],
) => Promise<Identity | null> | Identity | null;

export class RouteHost implements AsyncDisposable {
  private constructor(
    readonly store: TestStore,
    readonly context: ApiContext,
    private readonly closing: AsyncDisposableStack,
  ) {}

  static async open(
    users: readonly User[] = [ALICE, BOB, CAROL],
    settings: Partial<WriterSettings> = {},
  ): Promise<RouteHost> {
    await using opening = new AsyncDisposableStack();
    const store = opening.use(await TestStore.open(users, settings));
    const { folder, writer } = store;
    await writer.submit("ensureSigningKey", null);
    const access = opening.use(new Access(folder));
    const mailbox = opening.use(new Mailbox(folder));
    const search = opening.use(new SearchThread(folder));
    const log = new Log({ level: "error", readable: false, write: () => {} });
    const config = configFor(settings);
    const resolver = opening.use(createResolver({ hosts: HOSTS }));
    const authenticator = opening.use(new Authenticator({ config, log, writer, access }));
    const context: ApiContext = {
      config,
      log,
      writer,
      access,
      search,
      authenticator,
      lookup: new HostLookup(() => resolver),
      mailbox: (address) => mailbox.forIdentity(address),
    };
    return new RouteHost(store, context, opening.move());
  }

  /** An error that is no ApiError goes through: it would be a 500. */
  async answer(request: Request, ip: string, identify: Identify): Promise<Response> {
    const route = allRoutes.find(({ description: { method, path } }) =>
      method === request.method.toLowerCase() && matches(path, request)
    );
    if (route === undefined) return new Response(null, { status: 404 });
    const { context } = this;
    try {
      const identity = await identify(route.description.admission);
      return await route.answer({ context, identity, request, ip });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { status, message, headers } = error;
      return new Response(JSON.stringify({ error: message }), {
        status,
        headers: { ...headers, "content-type": "application/json" },
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.closing.disposeAsync();
  }
}

function configFor(settings: Partial<WriterSettings>): ApiContext["config"] {
  const { maxSize = 10 * 1024 * 1024, maxExpandedSize = maxSize } = settings;
  const limits = { max_size: maxSize, max_expanded_size: maxExpandedSize };
  const config = parseConfig(
    JSON.stringify({ domain: HERE, api: { listen: "127.0.0.1:8000" }, limits }),
    "fmsg.yaml",
  );
  const { api } = config;
  if (api === null) throw new Error("The configuration has no interface");
  return () => ({ ...config, api });
}

function matches(path: string, request: Request): boolean {
  const segments = new URL(request.url).pathname.split("/");
  const names = path.split("/");
  return names.length === segments.length &&
    names.every((name, i) => name.startsWith(":") || name === segments[i]);
}

/** Who is signed in with an address, by a token of a provider. */
export function identityOf(text: string): Identity {
  const address = Address.parse(text);
  if (address === null) throw new Error(`${text} is no address`);
  return {
    address,
    owner: address,
    via: "identity provider",
    expires: Infinity,
    keyId: null,
    sessionId: null,
    issuer: "https://idp.example",
    signedBy: null,
    issued: null,
    actsAs: false,
  };
}
