// An ACME server (RFC 8555) for tests, with real TLS, signatures, nonces and validations, that misbehaves as it is told.

import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import { calculateJwkThumbprint, flattenedVerify, importJWK, type JWK } from "jose";
import type { Authority } from "../../src/certificate/make.ts";
import { issueFor } from "./acme_issue.ts";
import {
  type AcmeCall,
  problem,
  PROBLEMS,
  type Reply,
  type Resource,
  type Twist,
} from "./acme_replies.ts";

interface AccountState {
  readonly jwk: JWK;
  contact: unknown;
  status: "valid" | "deactivated";
}

interface OrderState {
  readonly name: string;
  readonly token: string;
  readonly kid: string;
  status: "pending" | "ready" | "processing" | "valid" | "invalid";
  authorization: "pending" | "valid" | "invalid";
  challenge: "pending" | "processing" | "valid" | "invalid";
  problem: object | null;
  csr: string | null;
  /** Questions that are answered with "processing" before it goes on. */
  slow: number;
}

export class AcmeServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #authority: Authority;
  readonly #base: string;
  readonly #nonces = new Set<string>();
  readonly #counts = new Map<Resource, number>();
  readonly #orders: OrderState[] = [];
  readonly #work = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  #nextNonce = 1;

  readonly accounts = new Map<string, AccountState>();
  /** Everything that was asked, in order, by resource. */
  readonly calls: AcmeCall[] = [];
  /** What went wrong in the server itself, such as a signature that is not right. */
  readonly faults: string[] = [];

  /** Asked about each request. */
  twist: (call: AcmeCall) => Twist = () => null;
  /** How many of the next nonces that come are refused. */
  refuseNonces = 0;
  /** Where validations go, in the place of port 80 of the name; null: every one is found valid without asking. */
  validateAt: { readonly ip: string; readonly port: number } | null = null;
  /** In the place of a validation. */
  validationProblem: object | null = null;
  /** Questions that are answered with "not yet", for validations and for issuing. */
  slow = 0;
  /** With everything that is not through. */
  retryAfter: string | null = null;
  meta: Record<string, unknown> = { termsOfService: "https://ca.test/terms" };
  /** Seconds. */
  lifetime = 90 * 24 * 3600;
  /** Seconds by which the certificate begins before it is made. */
  backdated = 60;
  /** The name in the certificate, where it is not to be the one that was asked for. */
  issuedName: string | null = null;
  /** What stands behind the host's certificate. */
  rest = "";
  /** New authorisations are valid at once, as when an authority remembers. */
  remembers = false;

  private constructor(server: Server, authority: Authority, base: string) {
    this.#server = server;
    this.#authority = authority;
    this.#base = base;
    this.rest = authority.pem;
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      const work = this.#serve(request, response).catch((error: unknown) => {
        // A client that went away is no fault.
        if (!(error instanceof Error) || Reflect.get(error, "code") !== "ECONNRESET") {
          this.faults.push(String(error));
        }
        response.destroy();
      }).finally(() => this.#work.delete(work));
      this.#work.add(work);
    });
  }

  /** On a loopback address, with a TLS certificate of `authority`, which issues as well. */
  static async start(
    authority: Authority,
    { ip = "127.0.0.1", port = 0, names = [ip] }: {
      ip?: string;
      port?: number;
      /** The names in its TLS certificate. */
      names?: readonly string[];
    } = {},
  ): Promise<AcmeServer> {
    const server = createServer(await authority.issue("acme.test", { names }));
    server.listen(port, ip);
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new TypeError("No address");
    return new AcmeServer(server, authority, `https://${ip}:${address.port}`);
  }

  get directory(): string {
    return `${this.#base}/directory`;
  }

  /** How often a resource was asked for. */
  count(resource: Resource): number {
    return this.#counts.get(resource) ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#server.close();
    this.#server.closeAllConnections();
    if (this.#server.listening) await once(this.#server, "close");
    await Promise.all(this.#work);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = await this.#reply(request);
    response.on("error", () => {});
    if (reply === "silence") return;
    const { status, headers = {}, body } = reply.reply;
    response.writeHead(status, {
      "replay-nonce": this.#newNonce(),
      "content-length": String(new TextEncoder().encode(body).length),
      ...headers,
    });
    if (!reply.cut) {
      response.end(request.method === "HEAD" ? "" : body);
      return;
    }
    response.write(body.slice(0, body.length / 2));
    // Once the half is on its way.
    setTimeout(() => response.destroy(), 20);
  }

  async #reply(
    request: IncomingMessage,
  ): Promise<"silence" | { readonly reply: Reply; readonly cut: boolean }> {
    const [resource, id] = resourceOf(request.url ?? "");
    const body = await bodyOf(request);
    const signed = request.method === "POST" ? await this.#verify(request, body) : null;
    if (signed !== null && "status" in signed) return { reply: signed, cut: false };
    const count = this.count(resource) + 1;
    this.#counts.set(resource, count);
    const { payload = null, kid = null, jwk = null } = signed ?? {};
    const call = { resource, count, payload, kid, headers: request.headers };
    this.calls.push(call);
    const twist = this.twist(call);
    if (twist === "silence") return twist;
    if (twist !== null && twist !== "cut") return { reply: twist, cut: false };
    return { reply: await this.#answer(call, id, jwk), cut: twist === "cut" };
  }

  /** RFC 8555 6.2 to 6.5. */
  async #verify(
    request: IncomingMessage,
    body: string,
  ): Promise<
    Reply | { payload: Record<string, unknown> | null; kid: string | null; jwk: JWK | null }
  > {
    const jws = JSON.parse(body);
    const header = JSON.parse(atob(jws.protected.replaceAll("-", "+").replaceAll("_", "/")));
    const kid: string | null = header.kid ?? null;
    if (request.headers["content-type"] !== "application/jose+json") {
      return problem("malformed", { status: 415 });
    }
    if (header.url !== `${this.#base}${request.url}`) return problem("unauthorized");
    if (!this.#nonces.delete(header.nonce) || this.refuseNonces > 0) {
      this.refuseNonces = Math.max(0, this.refuseNonces - 1);
      return problem("badNonce", { status: 400 });
    }
    const account = kid === null ? null : this.accounts.get(kid);
    if (account === undefined) return problem("accountDoesNotExist", { status: 400 });
    if (account?.status === "deactivated") return problem("unauthorized");
    const jwk: JWK = account?.jwk ?? header.jwk;
    const { payload } = await flattenedVerify(jws, await importJWK(jwk, "ES256"));
    const text = new TextDecoder().decode(payload);
    return { payload: text === "" ? null : JSON.parse(text), kid, jwk };
  }

  async #answer(call: AcmeCall, id: number, jwk: JWK | null): Promise<Reply> {
    const order = this.#orders[id];
    switch (call.resource) {
      case "directory":
        return this.#json(200, {
          newNonce: `${this.#base}/new-nonce`,
          newAccount: `${this.#base}/new-account`,
          newOrder: `${this.#base}/new-order`,
          meta: this.meta,
        });
      case "new-nonce":
        return { status: 200, body: "" };
      case "new-account":
        return await this.#newAccount(call, jwk ?? {});
      case "account": {
        const account = this.accounts.get(call.kid ?? "");
        if (account === undefined) return problem("malformed");
        account.contact = call.payload?.["contact"] ?? account.contact;
        return this.#json(200, { status: account.status });
      }
      case "new-order":
        return this.#newOrder(call);
    }
    if (order === undefined || order.kid !== call.kid) return problem("malformed", { status: 404 });
    switch (call.resource) {
      case "order":
        if (order.status === "processing" && order.slow-- <= 0) order.status = "valid";
        return this.#json(200, this.#orderJson(order, id));
      case "authorization":
        if (order.challenge === "processing" && order.slow-- <= 0) await this.#validate(order);
        return this.#json(200, this.#authorizationJson(order, id));
      case "challenge":
        if (order.challenge !== "pending") return problem("malformed", { status: 400 });
        order.challenge = "processing";
        return this.#json(200, this.#challengeJson(order, id));
      case "finalize":
        if (order.status !== "ready") return problem("orderNotReady");
        order.csr = String(call.payload?.["csr"]);
        order.status = "processing";
        order.slow = this.slow;
        return this.#json(200, this.#orderJson(order, id));
      case "certificate":
        return { status: 200, body: await this.#issue(order) };
    }
  }

  async #newAccount({ payload }: AcmeCall, jwk: JWK): Promise<Reply> {
    const kid = `${this.#base}/account/${await calculateJwkThumbprint(jwk)}`;
    const known = this.accounts.get(kid);
    if (known?.status === "deactivated") return problem("unauthorized");
    if (known === undefined) {
      if (payload?.["termsOfServiceAgreed"] !== true) return problem("userActionRequired");
      this.accounts.set(kid, { jwk, contact: payload["contact"], status: "valid" });
    }
    return this.#json(known === undefined ? 201 : 200, { status: "valid" }, { location: kid });
  }

  #newOrder({ payload, kid }: AcmeCall): Reply {
    const identifiers = payload?.["identifiers"];
    const [first] = Array.isArray(identifiers) ? identifiers : [];
    const order: OrderState = {
      name: first.value,
      token: `token-${this.#orders.length}`,
      kid: kid ?? "",
      status: this.remembers ? "ready" : "pending",
      authorization: this.remembers ? "valid" : "pending",
      challenge: this.remembers ? "valid" : "pending",
      problem: null,
      csr: null,
      slow: this.slow,
    };
    const id = this.#orders.push(order) - 1;
    return this.#json(201, this.#orderJson(order, id), { location: `${this.#base}/order/${id}` });
  }

  /** RFC 8555 8.3. */
  async #validate(order: OrderState): Promise<void> {
    const failed = this.validationProblem ?? await this.#whyInvalid(order);
    order.problem = failed;
    const status = failed === null ? "valid" : "invalid";
    order.authorization = status;
    order.challenge = status;
    order.status = failed === null ? "ready" : "invalid";
  }

  async #whyInvalid({ token, kid }: OrderState): Promise<object | null> {
    if (this.validateAt === null) return null;
    const { ip, port } = this.validateAt;
    const url = `http://${ip}:${port}/.well-known/acme-challenge/${token}`;
    try {
      const response = await fetch(url, { signal: this.#stop.signal });
      const text = await response.text();
      const jwk = this.accounts.get(kid)?.jwk ?? {};
      const wanted = `${token}.${await calculateJwkThumbprint(jwk)}`;
      if (response.status === 200 && text === wanted) return null;
      return { type: `${PROBLEMS}unauthorized`, detail: `${response.status} "${text}"` };
    } catch (error) {
      return { type: `${PROBLEMS}connection`, detail: String(error) };
    }
  }

  async #issue({ csr }: OrderState): Promise<string> {
    const notBefore = Date.now() - this.backdated * 1000;
    const leaf = await issueFor(this.#authority, {
      csr: csr ?? "",
      notBefore: new Date(notBefore),
      notAfter: new Date(notBefore + this.lifetime * 1000),
      ...(this.issuedName === null ? {} : { name: this.issuedName }),
    });
    return leaf + this.rest;
  }

  #orderJson(order: OrderState, id: number): object {
    return {
      status: order.status,
      identifiers: [{ type: "dns", value: order.name }],
      authorizations: [`${this.#base}/authorization/${id}`],
      finalize: `${this.#base}/finalize/${id}`,
      ...(order.status === "valid" ? { certificate: `${this.#base}/certificate/${id}` } : {}),
    };
  }

  #authorizationJson(order: OrderState, id: number): object {
    return {
      status: order.authorization,
      identifier: { type: "dns", value: order.name },
      challenges: [
        { type: "dns-01", status: "pending", url: `${this.#base}/other/${id}`, token: "other" },
        this.#challengeJson(order, id),
      ],
    };
  }

  #challengeJson({ challenge, token, problem }: OrderState, id: number): object {
    return {
      type: "http-01",
      status: challenge,
      url: `${this.#base}/challenge/${id}`,
      token,
      ...(problem === null ? {} : { error: problem }),
    };
  }

  #json(status: number, value: object, headers: Record<string, string> = {}): Reply {
    return {
      status,
      headers: {
        "content-type": "application/json",
        ...(this.retryAfter === null ? {} : { "retry-after": this.retryAfter }),
        ...headers,
      },
      body: JSON.stringify(value),
    };
  }

  #newNonce(): string {
    const nonce = `nonce-${this.#nextNonce++}`;
    this.#nonces.add(nonce);
    return nonce;
  }
}

const RESOURCES: readonly Resource[] = [
  ...["directory", "new-nonce", "new-account", "account", "new-order"] as const,
  ...["order", "authorization", "challenge", "finalize", "certificate"] as const,
];

function resourceOf(path: string): readonly [Resource, number] {
  const [, name, id = ""] = path.split("/");
  const resource = RESOURCES.find((resource) => resource === name);
  if (resource === undefined) throw new Error(`Nobody should ask for ${path}`);
  return [resource, Number(id)];
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += new TextDecoder().decode(chunk);
  return body;
}
