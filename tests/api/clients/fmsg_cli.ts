// The author's command-line client as the host meets it: for each command the requests that it makes, in their order.
// Written by hand after what fmsg-cli does at 727ee89 (row N13).

import assert from "node:assert/strict";
import { basename } from "node:path";
import * as v from "valibot";
// @ts-types="../../../src/api/events/ws.d.ts"
import { WebSocket } from "ws";
import { PATIENCE, within } from "../../support/wait.ts";
import { type GoAnswer, goFetch, goForm, goJson, type GoRequest, goSegment } from "./go_http.ts";
import * as shape from "./go_shapes.ts";

type Message = v.InferOutput<typeof shape.MESSAGE>;
type Item = v.InferOutput<typeof shape.LIST_ITEM>;
type Grant = v.InferOutput<typeof shape.GRANT>;

/** What is not said, the command leaves out. */
export interface MessageFlags {
  readonly pid?: number;
  readonly topic?: string;
  readonly important?: true;
  readonly noReply?: true;
}

export interface UpdateFlags {
  readonly to?: readonly string[];
  readonly topic?: string;
  readonly type?: string;
  readonly important?: boolean;
  readonly noReply?: boolean;
  /** The body, unless it stays as it is. */
  readonly text?: string;
}

/** An answer that ends a command with exit status 1. */
export class CommandFailed extends Error {
  override readonly name = "CommandFailed";

  constructor(readonly status: number, readonly text: string) {
    super(`API error ${status}: ${text}`);
  }
}

/** Logged in with an API key or with a user's token. Each method gives what the command prints with `--json`. */
export class FmsgCli {
  readonly #base: string;
  readonly #key: string | null;
  #token: string;
  /** The address that the token says it is for. */
  readonly user: string;

  private constructor(base: string, key: string | null, token: string, user: string) {
    this.#base = base;
    this.#key = key;
    this.#token = token;
    this.user = user;
  }

  /** `fmsg login KEY` or `fmsg login JWT`. */
  static async login(base: string, credential: string): Promise<FmsgCli> {
    const isToken = credential.split(".").length === 3;
    if (isToken) {
      const claims = claimsOf(credential);
      assert.ok(Number(claims["exp"]) * 1000 > Date.now(), "JWT did not contain an exp claim");
      return new FmsgCli(base, null, credential, `${claims["fmsg_address"] ?? claims["sub"]}`);
    }
    assert.match(credential, /^fmsgk_/);
    const token = await exchange(base, credential);
    return new FmsgCli(base, credential, token, `${claimsOf(token)["sub"]}`);
  }

  async list(limit = 20, offset = 0): Promise<Item[]> {
    return await this.#json(shape.LIST, { method: "GET", path: `/fmsg${page(limit, offset)}` });
  }

  async sent(limit = 20, offset = 0): Promise<Item[]> {
    return await this.#json(shape.LIST, {
      method: "GET",
      path: `/fmsg/sent${page(limit, offset)}`,
    });
  }

  /** `fmsg get ID`; a negative id counts from the newest received message. */
  async get(id: number): Promise<Message> {
    const path = `/fmsg/${await this.#resolve(id)}`;
    return await this.#json(shape.MESSAGE, { method: "GET", path });
  }

  async send(
    to: string,
    text: string,
    flags: MessageFlags = {},
  ): Promise<{ id: number; time: number }> {
    const { id } = await this.draftCreate(to, text, flags);
    return await this.draftSend(id);
  }

  async draftCreate(to: string, text: string, flags: MessageFlags = {}): Promise<{ id: number }> {
    const { pid, topic, important, noReply } = flags;
    const body = {
      from: this.user,
      to: [to],
      version: 1,
      type: "text/plain",
      size: new TextEncoder().encode(text).length,
      data: text,
      ...pid === undefined ? {} : { pid },
      ...topic === undefined ? {} : { topic },
      ...important === undefined ? {} : { important },
      ...noReply === undefined ? {} : { no_reply: noReply },
    };
    return await this.#json(shape.CREATED, { method: "POST", path: "/fmsg", ...json(body) });
  }

  async draftSend(id: number): Promise<{ id: number; time: number }> {
    const path = `/fmsg/${await this.#resolve(id)}/send`;
    return await this.#json(shape.SENT, { method: "POST", path });
  }

  /** Loads the draft and its body, and writes all of it back. */
  async update(id: number, flags: UpdateFlags): Promise<void> {
    const found = await this.get(id);
    const text = flags.text ??
      (found.size > 0 ? new TextDecoder().decode(await this.getData(id)) : "");
    const topic = flags.topic ?? found.topic;
    const body = {
      from: this.user,
      version: 1,
      to: flags.to ?? found.to,
      ...topic === "" ? {} : { topic },
      ...found.pid === null ? {} : { pid: found.pid },
      important: flags.important ?? found.important,
      no_reply: flags.noReply ?? found.no_reply,
      data: text,
      size: new TextEncoder().encode(text).length,
      type: flags.type ?? found.type,
    };
    await this.#do({ method: "PUT", path: `/fmsg/${id}`, ...json(body) });
  }

  async del(id: number): Promise<void> {
    await this.#do({ method: "DELETE", path: `/fmsg/${await this.#resolve(id)}` });
  }

  async addTo(id: number, ...to: string[]): Promise<{ id: number; added: number }> {
    const path = `/fmsg/${await this.#resolve(id)}/add-to`;
    return await this.#json(shape.ADDED, { method: "POST", path, ...json({ add_to: to }) });
  }

  async attach(
    id: number,
    file: string,
    content: Uint8Array,
  ): Promise<{ filename: string; size: number }> {
    const path = `/fmsg/${await this.#resolve(id)}/attach`;
    const form = goForm(basename(file), content);
    return await this.#json(shape.ATTACHED, { method: "POST", path, ...form });
  }

  async getAttach(id: number, filename: string): Promise<Uint8Array> {
    const path = `/fmsg/${await this.#resolve(id)}/attach/${goSegment(filename)}`;
    return (await this.#do({ method: "GET", path })).body;
  }

  async rmAttach(id: number, filename: string): Promise<void> {
    const path = `/fmsg/${await this.#resolve(id)}/attach/${goSegment(filename)}`;
    await this.#do({ method: "DELETE", path });
  }

  async getData(id: number): Promise<Uint8Array> {
    const path = `/fmsg/${await this.#resolve(id)}/data`;
    return (await this.#do({ method: "GET", path })).body;
  }

  /** `fmsg watch`: its socket, once it is open. Without an Origin, and without compression. */
  async watch(): Promise<Watch> {
    const socket = new WebSocket(`${this.#base.replace(/^http/, "ws")}/fmsg/ws`, {
      headers: { "Authorization": `Bearer ${this.#token}`, "User-Agent": "Go-http-client/1.1" },
      perMessageDeflate: false,
    });
    const watch = new Watch(socket);
    await within(PATIENCE, "the handshake", watch.opened);
    return watch;
  }

  async subAccounts(): Promise<v.InferOutput<typeof shape.GRANTS>> {
    return await this.#json(shape.GRANTS, { method: "GET", path: "/fmsg/sub-accounts" });
  }

  async subAccount(agent: string): Promise<Grant> {
    return await this.#json(shape.GRANT, { method: "GET", path: grantPath(agent) });
  }

  async createSubAccount(agent: string, cidrs: readonly string[], expires: string): Promise<Grant> {
    const body = { agent, allowed_cidrs: cidrs, key_expires_at: expires };
    const path = "/fmsg/sub-accounts";
    return await this.#json(shape.GRANT, { method: "POST", path, ...json(body) });
  }

  async updateCidrs(agent: string, cidrs: readonly string[]): Promise<Grant> {
    const body = json({ allowed_cidrs: cidrs });
    return await this.#json(shape.GRANT, { method: "PATCH", path: grantPath(agent), ...body });
  }

  async rotateKey(agent: string, expires: string): Promise<Grant> {
    const path = `${grantPath(agent)}/rotate-key`;
    const body = json({ key_expires_at: expires });
    return await this.#json(shape.GRANT, { method: "POST", path, ...body });
  }

  async deleteSubAccount(agent: string): Promise<void> {
    await this.#do({ method: "DELETE", path: grantPath(agent) });
  }

  async #resolve(id: number): Promise<number> {
    if (id > 0) return id;
    const [message] = await this.list(1, -id - 1);
    if (message === undefined) throw new Error(`no message at index ${id}`);
    return message.id;
  }

  async #json<T>(schema: v.GenericSchema<unknown, T>, sent: Omit<GoRequest, "token">): Promise<T> {
    return v.parse(schema, JSON.parse(new TextDecoder().decode((await this.#do(sent)).body)));
  }

  /** A 401 gets a new token for the key, and the request goes out once more. */
  async #do(sent: Omit<GoRequest, "token">): Promise<GoAnswer> {
    let answer = await goFetch(this.#base, { ...sent, token: this.#token });
    if (answer.status === 401 && this.#key !== null) {
      this.#token = await exchange(this.#base, this.#key);
      answer = await goFetch(this.#base, { ...sent, token: this.#token });
    }
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw new CommandFailed(answer.status, new TextDecoder().decode(answer.body));
  }
}

/** The events that `fmsg watch` reads. */
export class Watch implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #events: v.InferOutput<typeof shape.EVENT>[] = [];
  #wake: () => void = () => {};
  /** Rejects when the handshake is refused. */
  readonly opened: Promise<void>;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    this.opened = new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    socket.on("message", (data, isBinary) => {
      assert.equal(isBinary, false, "fmsg-cli reads text frames");
      this.#events.push(v.parse(shape.EVENT, JSON.parse(`${data}`)));
      this.#wake();
    });
  }

  /** The next event of that type; those before it are passed over. */
  async next(type: string): Promise<v.InferOutput<typeof shape.EVENT>> {
    for (;;) {
      for (let event = this.#events.shift(); event !== undefined; event = this.#events.shift()) {
        if (event.type === type) return event;
      }
      const more = new Promise<void>((resolve) => this.#wake = resolve);
      await within(PATIENCE, `an event ${type}`, more);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.once("close", resolve));
    this.#socket.close();
    await closed;
  }
}

async function exchange(base: string, key: string): Promise<string> {
  const answer = await goFetch(base, { method: "POST", path: "/fmsg/token", token: key });
  const text = new TextDecoder().decode(answer.body);
  if (answer.status !== 200) throw new CommandFailed(answer.status, text);
  return v.parse(shape.TOKEN, JSON.parse(text)).access_token;
}

function claimsOf(token: string): Record<string, unknown> {
  const [, payload = ""] = token.split(".");
  const bytes = Uint8Array.fromBase64(payload, { alphabet: "base64url" });
  return v.parse(v.record(v.string(), v.unknown()), JSON.parse(new TextDecoder().decode(bytes)));
}

/** Zero is not sent; the names are in the order of their letters. */
function page(limit: number, offset: number): string {
  const query = [
    ...limit > 0 ? [`limit=${limit}`] : [],
    ...offset > 0 ? [`offset=${offset}`] : [],
  ].join("&");
  return query === "" ? "" : `?${query}`;
}

function json(body: Readonly<Record<string, unknown>>): { body: string; type: string } {
  return { body: goJson(body), type: "application/json" };
}

function grantPath(agent: string): string {
  return `/fmsg/sub-accounts/${goSegment(agent)}`;
}
