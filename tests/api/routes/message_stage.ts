// The message routes on a real store, without a server before them: a request of a user's is matched, checked and
// answered in process.

import assert from "node:assert/strict";
import type { WriterSettings } from "../../../src/store/mod.ts";
import type { TestStore, User } from "../../store/support.ts";
import { ALICE, BOB, CAROL, identityOf, RouteHost } from "./route_host.ts";

export { ALICE, BOB, CAROL };

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
  private constructor(private readonly host: RouteHost) {}

  static async open(
    users: readonly User[] = [ALICE, BOB, CAROL],
    settings: Partial<WriterSettings> = {},
  ): Promise<MessageStage> {
    return new MessageStage(await RouteHost.open(users, settings));
  }

  get store(): TestStore {
    return this.host.store;
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
    await this.host[Symbol.asyncDispose]();
  }

  async #answer(user: string, request: Request): Promise<Response> {
    return await this.host.answer(request, "127.0.0.1", () => identityOf(user));
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
