// Drafts of the page on the host's real routes and a real store, with a network between that can fail.

/// <reference lib="dom" />
import assert from "node:assert/strict";
import type { MessageItem } from "../../src/api/message_schema.ts";
import { bodyText, message } from "../../src/web/client.ts";
import { Draft, type DraftParts } from "../../src/web/drafts.ts";
import type { DraftContent } from "../../src/web/draft_steps.ts";
import { type LocalDraft, localDrafts } from "../../src/web/local_drafts.ts";
import { ALICE, BOB, CAROL, identityOf, RouteHost } from "../api/routes/route_host.ts";

export { ALICE, BOB, CAROL };

/** What happens to a request of the page's; `ask` asks the host. `fresh`: nothing that was kept is wanted. */
export type Network = (
  request: Request,
  ask: () => Promise<Response>,
  fresh: boolean,
) => Promise<Response>;

export class DraftStage implements AsyncDisposable {
  network: Network = (_, ask) => ask();
  /** What was told to whoever writes. */
  readonly told: string[] = [];
  /** Of drafts and messages, as the lists of the page have them. */
  readonly items = new Map<number, MessageItem | null>();
  readonly #host: RouteHost;
  readonly #drafts: Draft[] = [];
  readonly #globals: Disposable;
  readonly #now = Date.now;

  private constructor(host: RouteHost) {
    this.#host = host;
    this.#globals = withGlobals({
      localStorage: new MemoryStorage(),
      XMLHttpRequest: UploadRequest,
      // A browser takes paths alone.
      fetch: (path: string, init: RequestInit) =>
        this.#fetched(
          new Request(new URL(path, "http://127.0.0.1"), init),
          init.cache === "no-store",
        ),
    });
  }

  static async open(): Promise<DraftStage> {
    return new DraftStage(await RouteHost.open());
  }

  get store(): RouteHost["store"] {
    return this.#host.store;
  }

  /** So much later that it is not certain any more what the host has. */
  later(): void {
    const { now } = Date;
    Date.now = () => now() + 21_000;
  }

  get parts(): DraftParts {
    return {
      from: ALICE,
      onChanged: (id, item) => void this.items.set(id, item),
      onError: (error) => void this.told.push(error instanceof Error ? error.message : "?"),
    };
  }

  begin(content: Partial<DraftContent>): Draft {
    return this.#kept(Draft.begin(this.parts, { to: [BOB], ...content }));
  }

  /** Opens the host's draft, as another tab or another device does. */
  async elsewhere(id: number): Promise<Draft> {
    return this.#kept(await Draft.open(this.parts, await message(id)));
  }

  /** What this browser kept, opened after the page was closed. */
  again(local: LocalDraft | undefined = localDrafts()[0]): Draft {
    assert.ok(local !== undefined);
    return this.#kept(Draft.fromLocal(this.parts, local));
  }

  /** A draft that the host has. */
  async saved(content: Partial<DraftContent>): Promise<{ draft: Draft; id: number }> {
    const draft = this.begin(content);
    await draft.save();
    return { draft, id: idOf(draft) };
  }

  /** What the host has: text, and names of files. */
  async text(id: number): Promise<string> {
    return (await bodyText(await message(id), { all: true })).text;
  }
  async files(id: number): Promise<string[]> {
    return (await message(id)).attachments.map(({ filename }) => filename);
  }

  /** Those that the host has, by id. */
  async drafts(): Promise<number[]> {
    const response = await this.#answer(new Request("http://127.0.0.1/fmsg/sent?limit=50"));
    const items: MessageItem[] = await response.json();
    return items.filter(({ time }) => time === null).map(({ id }) => id).sort((a, b) => a - b);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const draft of this.#drafts) {
      draft.abandon();
      await draft.save();
    }
    this.#globals[Symbol.dispose]();
    Date.now = this.#now;
    await this.#host[Symbol.asyncDispose]();
  }

  #kept(draft: Draft): Draft {
    this.#drafts.push(draft);
    return draft;
  }

  async #fetched(request: Request, fresh: boolean): Promise<Response> {
    const response = await this.network(request, () => this.#answer(request), fresh);
    request.signal.throwIfAborted();
    return response;
  }

  async #answer(request: Request): Promise<Response> {
    return await this.#host.answer(request, "127.0.0.1", () => identityOf(ALICE));
  }
}

export function idOf({ id }: Draft): number {
  assert.ok(id.value !== null);
  return id.value;
}

/** Deadlines of so many milliseconds are over when the test says so. */
export function deadlines(milliseconds: number): Disposable & { pass(): void } {
  const { setTimeout } = globalThis;
  const running: (() => void)[] = [];
  const globals = withGlobals({
    setTimeout: (work: () => void, after: number) => {
      if (after === milliseconds) running.push(work);
      return setTimeout(work, after);
    },
  });
  return { ...globals, pass: () => running.forEach((work) => work()) };
}

/** No network. */
export const offline: Network = (): Promise<never> => Promise.reject(new TypeError("no network"));

/** The host does it, and its answer is lost. */
export function losing(method: string): Network {
  return async (request, ask) => {
    const response = await ask();
    if (request.method !== method) return response;
    await response.body?.cancel();
    throw new TypeError("the connection broke");
  };
}

/** As a service worker does without a network, and on a slow one: what was seen before. */
export function keeping(): { network: Network; isOffline: boolean; isSlow: boolean } {
  const seen = new Map<string, Response>();
  const kept = {
    isOffline: false,
    isSlow: false,
    network: async (
      request: Request,
      ask: () => Promise<Response>,
      fresh: boolean,
    ): Promise<Response> => {
      const known = fresh || request.method !== "GET" ? undefined : seen.get(request.url);
      if (kept.isOffline && known === undefined) throw new TypeError("no network");
      if ((kept.isOffline || kept.isSlow) && known !== undefined) return known.clone();
      const response = await ask();
      if (request.method === "GET") seen.set(request.url, response.clone());
      return response;
    },
  };
  return kept;
}

/** As a browser's: what is kept are properties of its own. */
class MemoryStorage {
  [name: string]: unknown;
  getItem(name: string): string | null {
    const value = Object.hasOwn(this, name) ? this[name] : null;
    return typeof value === "string" ? value : null;
  }
  setItem(name: string, value: string): void {
    this[name] = value;
  }
  removeItem(name: string): void {
    delete this[name];
  }
}

/** What upload.ts needs of a browser's XMLHttpRequest, on fetch. */
class UploadRequest {
  readonly upload: { onprogress?: (event: { loaded: number; total: number }) => void } = {};
  onload?: () => void;
  onerror?: () => void;
  onabort?: () => void;
  onloadend?: () => void;
  status = 0;
  responseText = "";
  readonly #abort = new AbortController();
  #path = "";

  open(_: string, path: string): void {
    this.#path = path;
  }

  send(body: FormData): void {
    fetch(this.#path, { method: "POST", body, signal: this.#abort.signal }).then(
      async (response) => {
        this.status = response.status;
        this.responseText = await response.text();
        this.onload?.();
      },
    ).catch(() => this.#abort.signal.aborted ? this.onabort?.() : this.onerror?.())
      .finally(() => this.onloadend?.());
  }

  abort(): void {
    this.#abort.abort();
  }

  getResponseHeader(): null {
    return null;
  }
}

function withGlobals(values: Readonly<Record<string, unknown>>): Disposable {
  const before = Object.keys(values).map((name) =>
    [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const
  );
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  return {
    [Symbol.dispose](): void {
      for (const [name, descriptor] of before) {
        if (descriptor === undefined) Reflect.deleteProperty(globalThis, name);
        else Object.defineProperty(globalThis, name, descriptor);
      }
    },
  };
}
