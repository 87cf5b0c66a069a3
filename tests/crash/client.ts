// A client of a host's interface that may lose the host at any moment, and knows what has to be there afterwards.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as v from "valibot";
import type { ApiAnswer, ApiClient } from "../support/api_client.ts";
import { noise } from "../support/message.ts";
import { count, type Random } from "./survival.ts";

/** A message as its sender knows it; null: there is none. */
type State = null | {
  readonly sent: boolean;
  /** The hash of its data. */
  readonly data: string;
  /** Hashes of its files, by their names. */
  readonly files: Readonly<Record<string, string>>;
  readonly added: readonly (readonly string[])[];
};

type Present = Exclude<State, null>;

/** What a message is, or either of two where nobody knows: its last request had no answer. */
interface Known {
  readonly id: number;
  readonly states: readonly State[];
}

const MADE = v.object({ id: v.number() });
const MESSAGE = v.object({
  time: v.nullable(v.number()),
  attachments: v.array(v.object({ filename: v.string() })),
  add_to: v.array(v.object({ to: v.array(v.string()) })),
});
const LIST = v.array(v.object({ id: v.number(), topic: v.string(), time: v.nullable(v.number()) }));

/** Incompressible, of which any piece may be a file. */
const NOISE = noise(2_000_000);

/** Writes messages from one user, one request after the other. */
export class CrashClient {
  readonly #known: Known[] = [];
  /** Topics of messages whose making had no answer: each may be there once, with data and nothing else. */
  readonly #unsure = new Map<string, string>();
  #made = 0;
  /** To requests that write. */
  answers = 0;

  constructor(
    readonly label: string,
    readonly from: string,
    readonly api: ApiClient,
    readonly to: readonly string[],
    readonly random: Random,
  ) {}

  /** Goes on until the host is gone. */
  async run(): Promise<void> {
    while (await this.#write());
  }

  /** Makes a message and does things to it; false when the host is gone. */
  async #write(): Promise<boolean> {
    const topic = `${this.label}: ${++this.#made}`;
    const data = this.#text();
    const made = await this.#ask(this.api.post("/fmsg", this.#body(topic, data)), 201);
    if (made === null) {
      this.#unsure.set(topic, hashOf(data));
      return false;
    }
    const { id } = v.parse(MADE, made.json);
    let state: State = { sent: false, data: hashOf(data), files: {}, added: [] };
    for (let left = 1 + this.random.below(6); left > 0 && state !== null && !state.sent; left--) {
      const step: Step = this.#step(id, topic, state, left === 1);
      if (await this.#ask(step.request, step.status) === null) {
        this.#known.push({ id, states: [state, step.next] });
        return false;
      }
      state = step.next;
    }
    this.#known.push({ id, states: [state] });
    return true;
  }

  #step(id: number, topic: string, state: Present, last: boolean): Step {
    const { api, random } = this;
    const names = Object.keys(state.files);
    const [name] = names;
    const kind = random.below(last ? 3 : 8);
    if (last && kind > 0) {
      return { request: api.post(`/fmsg/${id}/send`), status: 200, next: { ...state, sent: true } };
    }
    if (last) return { request: api.delete(`/fmsg/${id}`), status: 204, next: null };
    if (kind === 0 && name !== undefined) {
      const { [name]: _gone, ...files } = state.files;
      return {
        request: api.delete(`/fmsg/${id}/attach/${name}`),
        status: 204,
        next: { ...state, files },
      };
    }
    if (kind === 1) {
      const data = this.#text();
      return {
        request: api.put(`/fmsg/${id}`, this.#body(topic, data)),
        status: 200,
        next: { ...state, data: hashOf(data) },
      };
    }
    if (kind === 2) {
      const to = [`@n${state.added.length}@elsewhere.test`, `@m${state.added.length}@else.test`];
      return {
        request: api.post(`/fmsg/${id}/add-to`, { add_to: to }),
        status: 200,
        next: { ...state, added: [...state.added, to] },
      };
    }
    // A new file, or one that takes the place of another.
    const filename = kind === 3 && name !== undefined ? name : `f${names.length}.bin`;
    const start = random.below(1_000_000);
    const most = random.below(4) === 0 ? 1_000_000 : 100_000;
    const body = NOISE.subarray(start, start + random.below(most));
    return {
      request: api.upload(`/fmsg/${id}/attach`, { filename, body }),
      status: 201,
      next: { ...state, files: { ...state.files, [filename]: hashOf(body) } },
    };
  }

  #body(topic: string, data: string): Record<string, unknown> {
    return {
      version: 1,
      from: this.from,
      to: this.to,
      topic,
      type: "text/plain;charset=UTF-8",
      data,
    };
  }

  #text(): string {
    return `${this.random.below(2 ** 30)} `.repeat(1 + this.random.below(20_000));
  }

  /** The answer, which has to have this status; null where there was none. */
  async #ask(request: Promise<ApiAnswer>, status: number): Promise<ApiAnswer | null> {
    const answer = await request.catch((error: unknown) => {
      // What fetch throws when the connection breaks off, before or in the midst of the answer.
      if (error instanceof TypeError) return null;
      throw error;
    });
    if (answer === null) return null;
    assert.equal(answer.status, status, answer.text);
    this.answers++;
    count("requests of clients answered");
    return answer;
  }

  /** After the host lives again: all that was answered is there, and nothing is half there. Gives the number of drafts. */
  async survives(): Promise<number> {
    const listed = new Map<number, { readonly topic: string; readonly isDraft: boolean }>();
    for (let offset = 0;; offset += 100) {
      const { json } = await this.api.get(`/fmsg/sent?limit=100&offset=${offset}`);
      const page = v.parse(LIST, json);
      for (const { id, topic, time } of page) listed.set(id, { topic, isDraft: time === null });
      if (page.length < 100) break;
    }
    const ofMine = new Set(this.#known.map(({ id }) => id));
    for (const [i, { id, states }] of this.#known.entries()) {
      const state = await this.#state(id);
      assert.equal(listed.has(id), state !== null);
      assert.ok(
        states.some((known) => same(known, state)),
        `${id}: ${JSON.stringify(state)} is none of ${JSON.stringify(states)}`,
      );
      this.#known[i] = { id, states: [state] };
    }
    for (const [id, { topic }] of listed) {
      if (!topic.startsWith(`${this.label}: `) || ofMine.has(id)) continue;
      const data = this.#unsure.get(topic);
      assert.ok(data !== undefined, `nobody wrote ${id}, or it is there twice`);
      this.#unsure.delete(topic);
      const state = await this.#state(id);
      assert.deepEqual(state, { sent: false, data, files: {}, added: [] });
      this.#known.push({ id, states: [state] });
    }
    this.#unsure.clear();
    return [...listed.values()].filter(({ isDraft }) => isDraft).length;
  }

  async #state(id: number): Promise<State> {
    const { status, json } = await this.api.get(`/fmsg/${id}`);
    if (status === 404) return null;
    const { time, attachments, add_to } = v.parse(MESSAGE, json);
    const files: Record<string, string> = {};
    for (const { filename } of attachments) {
      files[filename] = await this.#hash(`/fmsg/${id}/attach/${filename}`);
    }
    return {
      sent: time !== null,
      data: await this.#hash(`/fmsg/${id}/data`),
      files,
      added: add_to.map(({ to }) => to),
    };
  }

  async #hash(path: string): Promise<string> {
    const { status, bytes } = await this.api.get(path);
    assert.equal(status, 200, path);
    return hashOf(bytes);
  }
}

interface Step {
  readonly request: Promise<ApiAnswer>;
  /** Of its answer. */
  readonly status: number;
  readonly next: State;
}

function same(one: State, other: State): boolean {
  try {
    assert.deepEqual(one, other);
    return true;
  } catch {
    return false;
  }
}

function hashOf(bytes: string | Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
