// A client of a host's interface (FMSG-003), as plain as HTTP: requests of any kind, answers with all that they have.

import { within } from "./wait.ts";

export interface ApiRequest {
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly body?: BodyInit;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly text: string;
  /** What the text means as JSON; undefined where it is none. */
  readonly json: unknown;
}

/** How long an answer may take, in milliseconds. */
const ANSWER_MS = 60_000;

export class ApiClient {
  /** As in `http://127.0.0.2:8000`. */
  readonly base: string;
  readonly token: string | null;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(
    base: string,
    token: string | null = null,
    headers: Readonly<Record<string, string>> = {},
  ) {
    this.base = base;
    this.token = token;
    this.#headers = headers;
  }

  /** The same with another token. */
  with(token: string | null): ApiClient {
    return new ApiClient(this.base, token, this.#headers);
  }

  /** The same, acting as one of the owner's grants. */
  actingAs(address: string): ApiClient {
    return new ApiClient(this.base, this.token, { ...this.#headers, "x-fmsg-act-as": address });
  }

  /** Where events are, as in `ws://127.0.0.2:8000/fmsg/ws`. */
  get events(): string {
    return `${this.base.replace(/^http/, "ws")}/fmsg/ws`;
  }

  /** Whatever the answer says, an error too. */
  async request(method: string, path: string, request: ApiRequest = {}): Promise<ApiAnswer> {
    const what = `${method} ${path}`;
    const response = await within(ANSWER_MS, what, this.fetch(method, path, request));
    const bytes = new Uint8Array(await within(ANSWER_MS, what, response.arrayBuffer()));
    const text = new TextDecoder().decode(bytes);
    const { status, headers } = response;
    return { status, headers, bytes, text, json: parsed(text) };
  }

  /** The answer as it comes: its body has to be read or cancelled. */
  fetch(method: string, path: string, request: ApiRequest = {}): Promise<Response> {
    const { json, body, headers = {}, signal } = request;
    return fetch(this.base + path, {
      method,
      headers: {
        ...this.token === null ? {} : { authorization: `Bearer ${this.token}` },
        ...json === undefined ? {} : { "content-type": "application/json" },
        ...this.#headers,
        ...headers,
      },
      ...json === undefined ? {} : { body: JSON.stringify(json) },
      ...body === undefined ? {} : { body },
      ...signal === undefined ? {} : { signal },
      redirect: "manual",
    });
  }

  get(path: string, request?: ApiRequest): Promise<ApiAnswer> {
    return this.request("GET", path, request);
  }

  post(path: string, json?: unknown, request: ApiRequest = {}): Promise<ApiAnswer> {
    return this.request("POST", path, json === undefined ? request : { ...request, json });
  }

  put(path: string, json?: unknown, request: ApiRequest = {}): Promise<ApiAnswer> {
    return this.request("PUT", path, json === undefined ? request : { ...request, json });
  }

  patch(path: string, json?: unknown, request: ApiRequest = {}): Promise<ApiAnswer> {
    return this.request("PATCH", path, json === undefined ? request : { ...request, json });
  }

  delete(path: string, request?: ApiRequest): Promise<ApiAnswer> {
    return this.request("DELETE", path, request);
  }

  /** Uploads a file as the field `file` of a form. */
  upload(
    path: string,
    file: { readonly filename: string; readonly body: BlobPart; readonly type?: string },
  ): Promise<ApiAnswer> {
    const form = new FormData();
    const { filename, body, type } = file;
    form.append("file", new Blob([body], type === undefined ? {} : { type }), filename);
    return this.request("POST", path, { body: form });
  }
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}
