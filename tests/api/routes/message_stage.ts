// The message routes on a real store, without a server before them: a request of a user's is matched, checked and
// answered in process.

import assert from "node:assert/strict";
import type { ApiContext } from "../../../src/api/context.ts";
import { ApiError } from "../../../src/api/error.ts";
import { Authenticator } from "../../../src/api/identity/authenticator.ts";
import type { Identity } from "../../../src/api/identity/identity.ts";
import type { Route } from "../../../src/api/route.ts";
import { allRoutes } from "../../../src/api/routes/mod.ts";
import { parseConfig } from "../../../src/config.ts";
import { Log } from "../../../src/host/mod.ts";
import { Access, Mailbox, Search, type WriterSettings } from "../../../src/store/mod.ts";
import { Address } from "../../../src/wire/mod.ts";
import { HERE, TestStore, type User } from "../../store/support.ts";

export const ALICE = `@alice@${HERE}`;
export const BOB = `@bob@${HERE}`;
export const CAROL = `@carol@${HERE}`;

/** What an answer was. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Null where the answer is no JSON. */
  readonly json: unknown;
}

export type Body = BodyInit | { readonly json: unknown };

export class MessageStage implements AsyncDisposable {
  private constructor(
    readonly store: TestStore,
    private readonly context: ApiContext,
    private readonly closing: AsyncDisposableStack,
  ) {}

  static async open(
    users: readonly User[] = [ALICE, BOB, CAROL],
    settings: Partial<WriterSettings> = {},
  ): Promise<MessageStage> {
    await using opening = new AsyncDisposableStack();
    const store = opening.use(await TestStore.open(users, settings));
    const { folder, writer } = store;
    const access = opening.use(new Access(folder));
    const mailbox = opening.use(new Mailbox(folder));
    const search = opening.use(new Search(folder));
    const log = new Log({ level: "error", readable: false, write: () => {} });
    const config = configFor(settings);
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
    return new MessageStage(store, context, opening.move());
  }

  /** A request of this user's. An error that is no ApiError goes through: it would be a 500. */
  async request(
    user: string,
    method: string,
    path: string,
    body?: Body,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answered> {
    const isJson = typeof body === "object" && "json" in body;
    const request = new Request(`http://127.0.0.1${path}`, {
      method,
      headers: { ...isJson ? { "content-type": "application/json" } : {}, ...headers },
      ...body === undefined ? {} : { body: isJson ? JSON.stringify(body.json) : body },
    });
    return await answered(await this.#answer(user, request));
  }

  /** As `request`, with an answer that has to be of this status. */
  async expect(
    status: number,
    user: string,
    method: string,
    path: string,
    body?: Body,
  ): Promise<Answered> {
    const answer = await this.request(user, method, path, body);
    assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
    if (status >= 400) errorOf(answer);
    return answer;
  }

  /** A draft of this user's; its id. */
  async draft(from: string, changes: Readonly<Record<string, unknown>> = {}): Promise<number> {
    return idOf(await this.expect(201, from, "POST", "/fmsg", { json: draftOf(from, changes) }));
  }

  /** A message that this user sends; its id. */
  async send(from: string, changes: Readonly<Record<string, unknown>> = {}): Promise<number> {
    const id = await this.draft(from, changes);
    await this.expect(200, from, "POST", `/fmsg/${id}/send`);
    return id;
  }

  async upload(
    user: string,
    id: number,
    name: string,
    data: BlobPart,
    type = "",
  ): Promise<Answered> {
    const form = new FormData();
    form.set("file", new File([data], name, { type }));
    return await this.request(user, "POST", `/fmsg/${id}/attach`, form);
  }

  /** The bytes that a download gives. */
  async bytes(user: string, path: string): Promise<Uint8Array> {
    const response = await this.#answer(user, new Request(`http://127.0.0.1${path}`));
    assert.equal(response.status, 200);
    return await response.bytes();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.closing.disposeAsync();
  }

  async #answer(user: string, request: Request): Promise<Response> {
    const found = allRoutes.find((route) => matches(route, request));
    if (found === undefined) return new Response(null, { status: 404 });
    const { context } = this;
    const identity = identityOf(user);
    try {
      return await found.answer({ context, identity, request, ip: "127.0.0.1" });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { status, message, headers } = error;
      return new Response(JSON.stringify({ error: message }), {
        status,
        headers: { ...headers, "content-type": "application/json" },
      });
    }
  }
}

/** What POST and PUT take. */
export function draftOf(
  from: string,
  changes: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const data = "hello";
  return { version: 1, from, to: [BOB], type: "text/plain", size: data.length, data, ...changes };
}

/** Fields of a JSON answer that is an object. */
export function fieldsOf(answer: Answered): Record<string, unknown> {
  const { json } = answer;
  assert.ok(typeof json === "object" && json !== null && !Array.isArray(json), answer.text);
  return Object.fromEntries(Object.entries(json));
}

export function idOf(answer: Answered): number {
  const { id } = fieldsOf(answer);
  assert.ok(typeof id === "number" && Number.isSafeInteger(id) && id > 0, answer.text);
  return id;
}

/** FMSG-003 "Errors": an object with a text for people. */
export function errorOf(answer: Answered): string {
  const { error } = fieldsOf(answer);
  assert.ok(typeof error === "string" && error !== "", answer.text);
  assert.ok(!error.includes("\n"), error);
  return error;
}

/** The ids of a list. */
export function idsOf(answer: Answered): number[] {
  assert.ok(Array.isArray(answer.json), answer.text);
  return answer.json.map((json: unknown) => idOf({ ...answer, json }));
}

async function answered(response: Response): Promise<Answered> {
  const text = await response.text();
  const type = response.headers.get("content-type") ?? "";
  const json: unknown = type.startsWith("application/json") ? JSON.parse(text) : null;
  return { status: response.status, headers: response.headers, text, json };
}

function configFor(settings: Partial<WriterSettings>): ApiContext["config"] {
  const { maxSize = 10 * 1024 * 1024, maxExpandedSize = maxSize } = settings;
  const limits = { max_size: maxSize, max_expanded_size: maxExpandedSize };
  const config = parseConfig(
    JSON.stringify({ domain: HERE, api: { listen: "127.0.0.1:8000" }, limits }),
    "fmsg.yaml",
  );
  const { api } = config;
  assert.ok(api !== null);
  return () => ({ ...config, api });
}

function identityOf(text: string): Identity {
  const address = Address.parse(text);
  assert.ok(address !== null, text);
  return {
    address,
    owner: address,
    via: "identity provider",
    expires: Infinity,
    keyId: null,
    signedBy: null,
    actsAs: false,
  };
}

function matches({ description: { method, path } }: Route, request: Request): boolean {
  const segments = new URL(request.url).pathname.split("/");
  const names = path.split("/");
  return method === request.method.toLowerCase() && names.length === segments.length &&
    names.every((name, i) => name.startsWith(":") || name === segments[i]);
}
