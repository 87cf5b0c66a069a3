// An identity provider on loopback: it serves its keys, more or less.

import { once } from "node:events";
import type { Issued } from "../../../src/certificate/make.ts";
import type { Keys } from "./stage.ts";

/** What it answers: its keys, or something by itself. */
type Behaviour = () => Response | Promise<Response>;

export class Provider implements AsyncDisposable {
  /** Requests for the keys so far. */
  asked = 0;
  keys: readonly Keys[] = [];
  behaviour: Behaviour | null = null;
  readonly url: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #ending = new AbortController();

  /** With a certificate for localhost it is an https site. */
  constructor(keys: readonly Keys[], tls?: Issued) {
    this.keys = keys;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {}, ...tls },
      () => {
        this.asked++;
        return this.behaviour?.() ?? Response.json({ keys: this.keys.map(({ jwk }) => jwk) });
      },
    );
    const site = tls === undefined ? "http://127.0.0.1" : "https://localhost";
    this.url = `${site}:${this.#server.addr.port}/jwks.json`;
  }

  /** Lines for the section `api` that trust this provider. */
  lines(more = ""): string {
    return `  idp:\n    issuer: ${ISSUER}\n    jwks: ${this.url}\n${more}`;
  }

  /** Answers nothing until the end. */
  hang(): void {
    this.behaviour = async () => {
      if (!this.#ending.signal.aborted) await once(this.#ending.signal, "abort");
      return new Response(null, { status: 500 });
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#server.shutdown();
  }
}

export const ISSUER = "https://idp.example";
