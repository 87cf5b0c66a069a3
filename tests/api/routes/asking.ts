// Routes without a server in front: with the store, the authenticator and the mailboxes that a host gives them.

import type { ApiContext } from "../../../src/api/context.ts";
import { issuerOf } from "../../../src/api/identity/issuer.ts";
import { signIdentityToken } from "../../../src/api/identity/tokens.ts";
import { Address } from "../../../src/wire/mod.ts";
import type { TestStore } from "../../store/support.ts";
import { ALICE, BOB, CAROL, RouteHost } from "./route_host.ts";

export { ALICE, BOB, CAROL };

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
  private constructor(private readonly host: RouteHost) {}

  static async open(users: readonly string[] = [ALICE, BOB, CAROL]): Promise<RouteStage> {
    return new RouteStage(await RouteHost.open(users));
  }

  get store(): TestStore {
    return this.host.store;
  }

  get context(): ApiContext {
    return this.host.context;
  }

  /** A token of a user, signed by the host. */
  async token(address: string): Promise<string> {
    const key = this.context.access.currentSigningKey();
    if (key === null) throw new Error("The store has no key to sign with");
    return (await signIdentityToken(key, issuerOf(this.context.config()), address, 3600)).token;
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
    const { authenticator } = this.context;
    return await told(
      await this.host.answer(
        request,
        ip,
        async (admission) =>
          admission === "open"
            ? null
            : await authenticator.authenticate({ authorization, session: null, actAs, ip }),
      ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host[Symbol.asyncDispose]();
  }
}

async function told(response: Response): Promise<Told> {
  const { status, headers } = response;
  const isJson = headers.get("content-type") === "application/json";
  const body: unknown = isJson ? await response.json() : null;
  if (!isJson) await response.body?.cancel();
  return { status, headers, body };
}
