// Signed requests to one authority: directory, nonces, and what it complains of (RFC 8555 6).

import * as v from "valibot";
import { AcmeError } from "./error.ts";
import {
  type AcmeAnswer,
  type AcmeRequest,
  hostOf,
  oneLine,
  retryAfterOf,
  type Transport,
} from "./http.ts";
import { DIRECTORY, type Directory, parseObject } from "./objects.ts";
import { refusal } from "./problem.ts";
import type { AccountKey } from "./signing.ts";

/** With what a request is signed. */
export interface Signer {
  readonly key: AccountKey;
  /** The account's URL; null: there is none yet. */
  readonly kid: string | null;
}

/** An object of the authority's, and when it wants to be asked for it again. */
export interface Received<T> {
  readonly value: T;
  readonly status: number;
  /** Where the object is (RFC 8555 7.3, 7.4), when the answer says so. */
  readonly location: string | null;
  readonly retryAfter: Date | null;
}

/** How often a request is repeated with the nonce that came with `badNonce` (RFC 8555 6.5). */
const NONCE_TRIES = 12;

/** Nonces that are kept; each answer brings one, each request takes one. */
const MAX_NONCES = 4;

interface SessionParts {
  readonly transport: Transport;
  /** The directory. */
  readonly url: string;
  /** What the certificate is for, for messages. */
  readonly name: string;
  readonly now: () => number;
}

export class Session {
  /** The authority, for messages. */
  readonly authority: string;
  readonly #transport: Transport;
  readonly #name: string;
  readonly #now: () => number;
  readonly #protocol: string;
  readonly #nonces: string[] = [];

  private constructor(
    readonly directory: Directory,
    { transport, url, name, now }: SessionParts,
  ) {
    this.authority = hostOf(url);
    this.#transport = transport;
    this.#protocol = new URL(url).protocol;
    this.#name = name;
    this.#now = now;
  }

  /** Reads the directory. Throws as all requests do. */
  static async open(parts: SessionParts, signal: AbortSignal): Promise<Session> {
    const { transport, url, name, now } = parts;
    const answer = await transport.request({ method: "GET", url }, signal);
    if (answer.status !== 200) throw refusal(answer, name, now());
    const directory = parseObject(DIRECTORY, answer, "directory");
    return new Session(directory, parts);
  }

  /**
   * POST; `payload` null is a POST-as-GET. Throws an AcmeError, which has the problem's name when the authority
   * refuses, or the reason of `signal`.
   */
  async post(
    url: string,
    payload: object | null,
    { key, kid }: Signer,
    signal: AbortSignal,
    accept?: string,
  ): Promise<AcmeAnswer> {
    for (let tries = 1;; tries++) {
      const nonce = this.#nonces.pop() ?? await this.#newNonce(signal);
      const body = await key.sign({ url, nonce, payload, kid });
      const answer = await this.#request(
        { method: "POST", url, body, ...(accept === undefined ? {} : { accept }) },
        signal,
      );
      if (answer.status >= 200 && answer.status < 300) return answer;
      const error = refusal(answer, this.#name, this.#now());
      if (error.problem !== "badNonce" || tries === NONCE_TRIES) throw error;
    }
  }

  /** POST for an object of the authority's. */
  async postFor<const S extends v.GenericSchema>(
    schema: S,
    what: string,
    url: string,
    payload: object | null,
    signer: Signer,
    signal: AbortSignal,
  ): Promise<Received<v.InferOutput<S>>> {
    const answer = await this.post(url, payload, signer, signal);
    return {
      value: parseObject(schema, answer, what),
      status: answer.status,
      location: locationOf(answer),
      retryAfter: retryAfterOf(answer.headers, this.#now()),
    };
  }

  async #newNonce(signal: AbortSignal): Promise<string> {
    const url = this.directory.newNonce;
    const answer = await this.#request({ method: "HEAD", url }, signal);
    const nonce = this.#nonces.pop();
    if (nonce !== undefined) return nonce;
    if (answer.status >= 400) throw refusal(answer, this.#name, this.#now());
    throw new AcmeError(
      "not understood",
      `${this.authority} gives no nonce (RFC 8555 7.2): check the URL in tls.acme.directory, or choose another authority`,
    );
  }

  async #request(request: AcmeRequest, signal: AbortSignal): Promise<AcmeAnswer> {
    // RFC 8555 6.1. Only where the directory itself is asked without TLS, on this machine, others may be.
    if (URL.parse(request.url)?.protocol !== this.#protocol) {
      throw new AcmeError(
        "not understood",
        `${this.authority} sends on to ${
          oneLine(request.url)
        }, which is not ${this.#protocol} as it is itself (RFC 8555 6.1): choose another authority`,
      );
    }
    const answer = await this.#transport.request(request, signal);
    // RFC 8555 6.5.1: what is no base64url is ignored.
    const nonce = answer.headers.get("replay-nonce") ?? "";
    if (/^[A-Za-z0-9_-]{1,1024}$/.test(nonce) && this.#nonces.length < MAX_NONCES) {
      this.#nonces.push(nonce);
    }
    return answer;
  }
}

/** As it stands there where it is whole, since it is signed and compared as text (RFC 8555 6.2, 6.4). */
function locationOf({ url, headers }: AcmeAnswer): string | null {
  const text = headers.get("location") ?? "";
  if (text === "" || URL.canParse(text)) return text || null;
  return URL.parse(text, url)?.href ?? null;
}
