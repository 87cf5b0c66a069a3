// fmsg-mcp, which lets agents use fmsg, as the host meets it: for each of its tools the requests that it makes.
// Written by hand after what its client does (row N13).

import assert from "node:assert/strict";
import * as v from "valibot";
// @ts-types="../../../src/api/events/ws.d.ts"
import { WebSocket } from "ws";
import { PATIENCE, within } from "../../support/wait.ts";

/** Ids are decimal digits there, taken from the numbers of the JSON text. */
const ID = v.pipe(v.number(), v.integer(), v.minValue(1), v.transform(String));

const DELIVERY = v.looseObject({
  addr: v.string(),
  time_delivered: v.nullable(v.string()),
  response_code: v.nullable(v.number()),
});

const FIELDS = {
  pid: v.optional(v.nullable(ID), null),
  from: v.string(),
  to: v.array(v.string()),
  to_delivery: v.array(DELIVERY),
  add_to: v.array(v.looseObject({ add_to_from: v.string(), to: v.array(v.string()) })),
  time: v.nullable(v.number()),
  no_reply: v.boolean(),
  topic: v.string(),
  type: v.string(),
  size: v.number(),
  short_text: v.optional(v.string()),
  read: v.boolean(),
  attachments: v.array(v.looseObject({ filename: v.string(), size: v.number() })),
  // Fields of later versions, which may be absent.
  terminal: v.optional(v.boolean(), false),
  reaction: v.optional(v.nullable(v.string()), null),
  reactions: v.optional(v.array(v.unknown()), []),
};

const MESSAGE = v.looseObject(FIELDS);
const ITEM = v.looseObject({ id: ID, ...FIELDS });

const PART = { type: v.string(), size: v.number(), cacheable: v.optional(v.boolean()) };

const THREAD = v.looseObject({
  root_id: ID,
  trigger_id: ID,
  complete: v.boolean(),
  messages: v.array(v.looseObject({
    id: ID,
    visible: v.boolean(),
    from: v.optional(v.string()),
    message_sha256: v.optional(v.string()),
    body: v.optional(v.looseObject({
      ...PART,
      text: v.optional(v.string()),
      download: v.optional(v.string()),
    })),
    attachments: v.optional(v.array(v.looseObject({
      ...PART,
      position: v.number(),
      filename: v.string(),
      download: v.optional(v.string()),
    }))),
  })),
});

type Item = v.InferOutput<typeof ITEM>;
type Thread = v.InferOutput<typeof THREAD>;

export interface McpSending {
  readonly to: readonly string[];
  readonly body: string;
  readonly topic?: string;
  readonly pid?: string;
  readonly attachments?: readonly {
    filename: string;
    data: Uint8Array<ArrayBuffer>;
    type: string;
  }[];
}

/** What a tool tells the agent of a refusal. */
export class McpRefused extends Error {
  override readonly name = "McpRefused";

  constructor(readonly status: number, message: string, readonly code: string | null) {
    super(message);
  }
}

export class FmsgMcp {
  readonly #url: string;
  readonly #key: string;
  #token: { readonly text: string; readonly address: string } | null = null;

  constructor(url: string, key: string) {
    this.#url = url;
    this.#key = key;
  }

  async whoami(): Promise<string> {
    return (await this.#current()).address;
  }

  async listInbox(limit = 20, offset = 0): Promise<Item[]> {
    return await this.#json(v.array(ITEM), `/fmsg?limit=${limit}&offset=${offset}`);
  }

  async listSent(limit = 20, offset = 0): Promise<Item[]> {
    return await this.#json(v.array(ITEM), `/fmsg/sent?limit=${limit}&offset=${offset}`);
  }

  async getMessage(id: string): Promise<v.InferOutput<typeof MESSAGE>> {
    return await this.#json(MESSAGE, `/fmsg/${id}`);
  }

  /** The whole body of a text: out of `short_text` where that holds all of it. */
  async getText(id: string): Promise<string | null> {
    const { type, size, short_text: short } = await this.getMessage(id);
    if (!/^text\/|^application\/json|\+json\b/.test(type.toLowerCase())) return null;
    if (short !== undefined && new TextEncoder().encode(short).length >= size) return short;
    if (size === 0) return "";
    return await (await this.#do(`/fmsg/${id}/data`)).text();
  }

  /** Each body of the direct lineage, the root first; null for what is hidden or no text. */
  async getThread(id: string): Promise<(string | null)[]> {
    const thread = await this.threadMessages(id);
    return await Promise.all(thread.messages.map(async ({ body }) => {
      if (body?.text !== undefined) return body.text;
      if (body?.download === undefined || !body.type.startsWith("text/")) return null;
      return await (await this.downloadPath(body.download)).text();
    }));
  }

  async threadMessages(id: string): Promise<Thread> {
    return await this.#json(THREAD, `/fmsg/${id}/thread/messages`);
  }

  /** Only of these forms does it follow a path that an answer names. */
  async downloadPath(path: string): Promise<Response> {
    assert.match(path, /^\/fmsg\/[0-9]+\/(?:data|attach\/[^/?#\\]+)$/);
    assert.equal(new URL(path, "https://example.com").pathname, path);
    return await this.#do(path);
  }

  async markRead(id: string): Promise<number> {
    const schema = v.looseObject({ id: ID, time_read: v.number() });
    return (await this.#json(schema, `/fmsg/${id}/read`, { method: "POST" })).time_read;
  }

  async addRecipients(id: string, addTo: readonly string[]): Promise<number> {
    const schema = v.looseObject({ id: ID, added: v.number() });
    return (await this.#json(schema, `/fmsg/${id}/add-to`, post({ add_to: addTo }))).added;
  }

  async react(id: string, emoji: string): Promise<void> {
    await this.#done(`/fmsg/${id}/react`, post({ emoji }));
  }

  async downloadAttachment(id: string, filename: string): Promise<Response> {
    return await this.#do(`/fmsg/${id}/attach/${encodeURIComponent(filename)}`);
  }

  async deliveryStatus(id: string): Promise<Map<string, "delivered" | "failed" | "pending">> {
    const { to_delivery: states } = await this.getMessage(id);
    return new Map(states.map(({ addr, time_delivered: time, response_code: code }) => [
      addr,
      time !== null ? "delivered" : code !== null ? "failed" : "pending",
    ]));
  }

  /** `send_message` and `reply`: a draft without `size`, its attachments, and off; the draft is deleted when that fails. */
  async send({ to, body, topic, pid, attachments = [] }: McpSending): Promise<string> {
    const draft = {
      version: 1,
      from: await this.whoami(),
      to,
      type: "text/markdown; charset=utf-8",
      data: body,
      topic: pid === undefined ? topic ?? "" : "",
      // It writes the number after everything else.
      ...pid === undefined ? {} : { pid: Number(pid) },
    };
    const { id } = await this.#json(v.looseObject({ id: ID }), "/fmsg", post(draft));
    try {
      for (const { filename, data, type } of attachments) {
        const form = new FormData();
        form.append("file", new Blob([data], { type }), filename);
        await this.#done(`/fmsg/${id}/attach`, { method: "POST", body: form });
      }
      const schema = v.looseObject({ id: ID, time: v.number() });
      return (await this.#json(schema, `/fmsg/${id}/send`, { method: "POST" })).id;
    } catch (error) {
      await this.#done(`/fmsg/${id}`, { method: "DELETE" });
      throw error;
    }
  }

  /** `wait_for_message`: what is announced is read over HTTP at once, and its thread looked up. */
  async listen(): Promise<{ next: () => Promise<Item & { root: string }> } & AsyncDisposable> {
    const { text } = await this.#current();
    const socket = new WebSocket(`${this.#url.replace(/^http/, "ws")}/fmsg/ws`, {
      headers: { authorization: `Bearer ${text}` },
    });
    const opened = new Promise<void>((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    await within(PATIENCE, "the handshake", opened);
    const announced = new Promise<string>((resolve, reject) =>
      socket.on("message", (data) => {
        try {
          const event = v.parse(
            v.looseObject({ type: v.string(), data: ITEM }),
            JSON.parse(`${data}`),
          );
          if (event.type === "new_msg") resolve(event.data.id);
        } catch (error) {
          reject(error);
        }
      })
    );
    return {
      next: async () => {
        const id = await within(PATIENCE, "an event", announced);
        const { root_id: root } = await this.threadMessages(id);
        return { id, root, ...await this.getMessage(id) };
      },
      [Symbol.asyncDispose]: async () => {
        const closed = new Promise((resolve) => socket.once("close", resolve));
        socket.terminate();
        await closed;
      },
    };
  }

  async #current(): Promise<{ readonly text: string; readonly address: string }> {
    this.#token ??= await this.#exchange();
    return this.#token;
  }

  async #exchange(): Promise<{ readonly text: string; readonly address: string }> {
    const response = await fetch(`${this.#url}/fmsg/token`, {
      method: "POST",
      headers: { authorization: `Bearer ${this.#key}` },
      redirect: "error",
    });
    const schema = v.looseObject({ access_token: v.string(), expires_at: v.string() });
    const { access_token: text, expires_at: expires } = v.parse(schema, await answered(response));
    assert.ok(Date.parse(expires) > Date.now());
    const claims: unknown = JSON.parse(
      new TextDecoder().decode(
        Uint8Array.fromBase64(text.split(".")[1] ?? "", { alphabet: "base64url" }),
      ),
    );
    return { text, address: v.parse(v.looseObject({ sub: v.string() }), claims).sub };
  }

  async #json<T>(
    schema: v.GenericSchema<unknown, T>,
    path: string,
    init: RequestInit = {},
  ): Promise<T> {
    return v.parse(schema, await (await this.#do(path, init)).json());
  }

  async #done(path: string, init: RequestInit): Promise<void> {
    await (await this.#do(path, init)).body?.cancel();
  }

  async #do(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await this.#once(path, init);
    if (response.status !== 401) return await accepted(response);
    await response.body?.cancel();
    this.#token = await this.#exchange();
    return await accepted(await this.#once(path, init));
  }

  async #once(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${(await this.#current()).text}`);
    return await fetch(`${this.#url}${path}`, { ...init, headers, redirect: "error" });
  }
}

async function accepted(response: Response): Promise<Response> {
  if (response.ok) return response;
  assert.match(response.headers.get("content-type") ?? "", /json/);
  const schema = v.looseObject({ error: v.string(), code: v.optional(v.string()) });
  const { error, code } = v.parse(schema, await response.json());
  throw new McpRefused(response.status, error, code ?? null);
}

async function answered(response: Response): Promise<unknown> {
  return await (await accepted(response)).json();
}

function post(body: Readonly<Record<string, unknown>>): RequestInit {
  return {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  };
}
