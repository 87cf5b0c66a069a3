// Routes without a server in front: with the store, the authenticator and the mailboxes that a host gives them.

import { ApiError } from "../../../src/api/error.ts";
import type { ApiContext } from "../../../src/api/context.ts";
import { Authenticator } from "../../../src/api/identity/authenticator.ts";
import { issuerOf } from "../../../src/api/identity/issuer.ts";
import { signIdentityToken } from "../../../src/api/identity/tokens.ts";
import { allRoutes } from "../../../src/api/routes/mod.ts";
import { type Config, parseConfig } from "../../../src/config.ts";
import { Log } from "../../../src/host/mod.ts";
import { Access, Mailbox, Search } from "../../../src/store/mod.ts";
import { Address } from "../../../src/wire/mod.ts";
import { HERE, TestStore } from "../../store/support.ts";

export const ALICE = `@alice@${HERE}`;
export const BOB = `@bob@${HERE}`;
export const CAROL = `@carol@${HERE}`;

export interface Asking {
  /** Whose identity token the request has. */
  readonly by?: string;
  /** In place of that: the header. */
  readonly authorization?: string;
  readonly actAs?: string;
  readonly ip?: string;
  readonly json?: unknown;
}

export interface Told {
  readonly status: number;
  readonly headers: Headers;
  /** The value of the JSON; null where there is none. */
  readonly body: unknown;
}

export class RouteStage implements AsyncDisposable {
  private constructor(
    readonly store: TestStore,
    readonly context: ApiContext,
    private readonly closing: AsyncDisposableStack,
  ) {}

  static async open(users: readonly string[] = [ALICE, BOB, CAROL]): Promise<RouteStage> {
    await using opening = new AsyncDisposableStack();
    const store = opening.use(await TestStore.open(users));
    const { folder, writer } = store;
    await writer.submit("ensureSigningKey", null);
    const access = opening.use(new Access(folder));
    const mailbox = opening.use(new Mailbox(folder));
    const search = opening.use(new Search(folder));
    const log = new Log({ level: "error", readable: false, write: () => {} });
    const config = (): Config & { api: NonNullable<Config["api"]> } => CONFIG;
    const authenticator = opening.use(new Authenticator({ config, log, writer, access }));
    const context: ApiContext = {
      config,
      log,
      writer,
      access,
      search,
      authenticator,
      mailbox: (address) => mailbox.forIdentity(address),
    };
    return new RouteStage(store, context, opening.move());
  }

  /** A token of a user, signed by the host. */
  async token(address: string): Promise<string> {
    const key = this.context.access.currentSigningKey();
    if (key === null) throw new Error("The store has no key to sign with");
    return (await signIdentityToken(key, issuerOf(CONFIG), address, 3600)).token;
  }

  addressOf(text: string): Address {
    const address = Address.parse(text);
    if (address === null) throw new Error(`${text} is no address`);
    return address;
  }

  /** What is told to a request such as `GET /fmsg/7`. */
  async ask(what: string, asking: Asking = {}): Promise<Told> {
    const { by, actAs = null, ip = "127.0.0.1", json } = asking;
    const authorization = asking.authorization ??
      (by === undefined ? null : `Bearer ${await this.token(by)}`);
    const [method = "", path = ""] = what.split(" ");
    const request = new Request(new URL(path, "http://127.0.0.1"), {
      method,
      headers: {
        ...authorization === null ? {} : { authorization },
        ...json === undefined ? {} : { "content-type": "application/json" },
      },
      ...json === undefined ? {} : { body: JSON.stringify(json) },
    });
    const route = allRoutes.find(({ description }) =>
      description.method === method.toLowerCase() &&
      new URLPattern({ pathname: description.path }).test(request.url)
    );
    if (route === undefined) throw new Error(`There is no route for ${what}`);
    const { context } = this;
    try {
      const identity = route.description.admission === "open"
        ? null
        : await context.authenticator.authenticate({ authorization, actAs, ip });
      return await told(await route.answer({ context, identity, request, ip }));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { status, message, headers } = error;
      return { status, headers: new Headers(headers), body: { error: message } };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.closing.disposeAsync();
  }
}

const CONFIG = configWithApi();

function configWithApi(): Config & { api: NonNullable<Config["api"]> } {
  const config = parseConfig(
    JSON.stringify({ domain: HERE, api: { listen: "127.0.0.1:8000" } }),
    "fmsg.yaml",
  );
  const { api } = config;
  if (api === null) throw new Error("The configuration has no interface");
  return { ...config, api };
}

async function told(response: Response): Promise<Told> {
  const { status, headers } = response;
  const isJson = headers.get("content-type") === "application/json";
  const body: unknown = isJson ? await response.json() : null;
  if (!isJson) await response.body?.cancel();
  return { status, headers, body };
}
