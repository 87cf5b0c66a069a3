// The interface as an application of Hono: what goes before every route, the routes, and what is no route.

import { type Context, Hono, type MiddlewareHandler } from "hono";
import { hasRoom, PartGone, StoreFailure } from "../store/mod.ts";
import type { ApiContext } from "./context.ts";
import { ApiError } from "./error.ts";
import type { EventSockets } from "./events/mod.ts";
import type { Credentials, Identity } from "./identity/identity.ts";
import { bestFirst, meantBy, methodsOf } from "./paths.ts";
import { notFound } from "./problem_status.ts";
import { jsonResponse } from "./response.ts";
import type { Route } from "./route.ts";
import { sessionCookie } from "./session/cookie.ts";
import { type FromClient, ownOrigin, requireOwnOrigin } from "./session/origin.ts";
import type { Clients } from "./server/clients.ts";
import { crossOrigin, mayConnect } from "./server/headers.ts";
import type { RequestRates } from "./server/rates.ts";
import type { Upgrade } from "./server/server.ts";
import { Gone } from "./server/web_request.ts";
import { isOfPage, type Page } from "./web/mod.ts";

/** Where events are. */
export const EVENTS_PATH = "/fmsg/ws";

export interface AppParts {
  readonly context: ApiContext;
  readonly routes: readonly Route[];
  readonly sockets: Pick<EventSockets, "upgrade">;
  readonly page: Pick<Page, "answer">;
  readonly clients: Clients;
  readonly rates: RequestRates;
  /** Told of each request once its answer is known. */
  readonly answered: (request: Answered) => void;
  /** Told of errors that nobody foresaw. */
  readonly fault: (error: unknown) => void;
}

/** A request with its answer: for the log, so without anything secret. */
export interface Answered {
  readonly method: string;
  /** Without the query, which may hold a token. */
  readonly path: string;
  readonly status: number;
  readonly ip: string;
  readonly identity: string | null;
  readonly ms: number;
}

/** What the server gives with a request. */
export interface Bindings {
  /** The address of the socket; canonical. */
  readonly peer: string;
  readonly upgrade: Upgrade | null;
}

interface Env {
  Bindings: Bindings;
  Variables: { ip: string; identity: Identity | null };
}

export type App = Hono<Env>;

export function makeApp(parts: AppParts): App {
  const { context, rates, clients } = parts;
  const routes = bestFirst(parts.routes);
  const app: App = new Hono<Env>();
  app.use(observed(parts));
  app.use(crossOrigin(() => context.config().api));
  app.use(async (c, next) => {
    if (!clients.standsForMany(c.var.ip)) rates.ofAddress(c.var.ip);
    await next();
  });
  app.get(EVENTS_PATH, (c) => connect(c, parts));
  for (const route of routes) {
    const { method, path } = route.description;
    app.on(method.toUpperCase(), path, (c) => {
      // `DELETE /fmsg/sent` and `DELETE /fmsg/ws` delete no message.
      const isMeant = c.req.path !== EVENTS_PATH && meantBy(c.req.path, routes) === path;
      return isMeant ? answer(c, route, parts) : noRoute(c, routes);
    });
  }
  app.notFound(async (c) => await ofPage(c, parts) ?? noRoute(c, routes));
  app.onError((error) => refusal(error, parts));
  return app;
}

async function answer(c: Context<Env>, route: Route, parts: AppParts): Promise<Response> {
  const { context, rates } = parts;
  const { ip } = c.var;
  const { admission } = route.description;
  const identity = admission === "open" ? null : await authenticated(c, parts);
  const attempt = (): Promise<Response> =>
    route.answer({ context, identity, request: c.req.raw, ip });
  if (identity === null) return await withFailuresCounted(c, parts, attempt);
  if (route.description.takesRoom === true) requireRoom(context);
  using _place = placeFor(c.req.raw, route, identity, rates);
  return await attempt();
}

/** As messages of other hosts are refused then (row P8). */
function requireRoom({ config }: ApiContext): void {
  const { data_dir, limits } = config();
  if (!hasRoom(data_dir, limits.min_free_disk)) throw noRoom();
}

function noRoom(): ApiError {
  return new ApiError(507, "The host's disk is full: try again later");
}

/** A place among what is uploaded at once, where the body may be large. */
function placeFor(
  { headers }: Request,
  { description: { body } }: Route,
  { address }: Identity,
  rates: RequestRates,
): Disposable | null {
  if (body === undefined) return null;
  if ("multipart" in body) return rates.upload(address.key);
  // A length that is not told may be any.
  const length = Number(
    headers.get("content-length") ?? (headers.has("transfer-encoding") ? Infinity : 0),
  );
  return length > SMALL_BODY ? rates.largeBody(address.key, length) : null;
}

/** Bytes of a body of which any number may be in memory. */
const SMALL_BODY = 256 * 1024;

/** Authentication and act-as come before the upgrade, and a refusal is an ordinary answer (FMSG-003 "Connection"). */
async function connect(c: Context<Env>, parts: AppParts): Promise<Response> {
  const { upgrade } = c.env;
  const { config } = parts.context;
  const origin = c.req.header("origin") ?? null;
  const isAllowed = mayConnect(origin, config(), c.req.header("host") ?? null) ||
    origin === ownOrigin(config(), fromClient(c));
  if (!isAllowed) {
    throw new ApiError(403, "This web site may not connect: api.origins does not have it");
  }
  const identity = await authenticated(c, parts, {
    token: c.req.query("access_token"),
    actAs: c.req.query("act_as"),
  });
  if (upgrade === null) {
    throw new ApiError(426, "Events come over a WebSocket: connect with one", {
      upgrade: "websocket",
    });
  }
  parts.sockets.upgrade(upgrade.incoming, upgrade.socket, upgrade.head, identity, c.var.ip);
  upgrade.taken = true;
  return new Response(null, { status: 204 });
}

/** `query` has what a browser cannot send as headers; headers go before it. */
async function authenticated(
  c: Context<Env>,
  parts: AppParts,
  query: { readonly token?: string | undefined; readonly actAs?: string | undefined } = {},
): Promise<Identity> {
  const { context: { authenticator, config }, rates } = parts;
  const bearer = query.token === undefined ? null : `Bearer ${query.token}`;
  const authorization = c.req.header("authorization") ?? bearer;
  const session = authorization === null ? sessionCookie(config(), fromClient(c)) : null;
  // A cookie comes along whoever makes the request: another site's page must not do a thing with it, nor listen.
  if (session !== null && (!isSafe(c.req.method) || c.req.path === EVENTS_PATH)) {
    requireOwnOrigin(config(), fromClient(c));
  }
  const credentials: Credentials = {
    authorization,
    session,
    actAs: c.req.header("x-fmsg-act-as") ?? query.actAs ?? null,
    ip: c.var.ip,
  };
  const identity = await withFailuresCounted(
    c,
    parts,
    () => authenticator.authenticate(credentials),
    authorization ?? session?.text ?? null,
  );
  c.set("identity", identity);
  rates.ofIdentity(identity.address.key);
  return identity;
}

function fromClient(c: Context<Env>): FromClient {
  return { request: c.req.raw, ip: c.var.ip };
}

/** RFC 9110 9.2.1. */
function isSafe(method: string): boolean {
  return method === "GET" || method === "HEAD";
}

/** An address that brings wrong credentials again and again is not listened to for a while; whoever brings none guesses nothing. */
async function withFailuresCounted<Value>(
  c: Context<Env>,
  { rates, clients }: AppParts,
  attempt: () => Promise<Value>,
  credentials = c.req.header("authorization") ?? null,
): Promise<Value> {
  const { ip } = c.var;
  if (credentials === null || clients.standsForMany(ip)) return await attempt();
  rates.beforeCredentials(ip);
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) rates.refusedCredentials(ip);
    throw error;
  }
}

/** A file of the page in the browser, which is no route: programs have no use for it. */
async function ofPage(c: Context<Env>, { page }: AppParts): Promise<Response | null> {
  const { path, method, raw } = c.req;
  if (!isOfPage(path)) return null;
  const answer = await page.answer(raw);
  if (answer === null || method === "GET" || method === "HEAD") return answer;
  await answer.body?.cancel();
  return notTaken(method, ["GET", "HEAD"]);
}

/** Of a path that a client made up, in a line of the log. */
const MAX_LOGGED_PATH = 256;

function observed({ clients, answered }: AppParts): MiddlewareHandler<Env> {
  return async (c, next) => {
    const started = performance.now();
    c.set("ip", clients.addressOf(c.env.peer, c.req.header("x-forwarded-for") ?? null));
    c.set("identity", null);
    await next();
    const { method } = c.req;
    answered({
      method,
      path: loggedPath(c.req.path),
      status: c.env.upgrade?.taken === true ? 101 : c.res.status,
      ip: c.var.ip,
      identity: c.var.identity?.address.text ?? null,
      ms: performance.now() - started,
    });
  };
}

/** Without a key or a token that a client put where none belongs. */
function loggedPath(path: string): string {
  return path.slice(0, MAX_LOGGED_PATH).replaceAll(/(fmsgk_|eyJ)[^/]+/g, "$1…");
}

function noRoute(c: Context<Env>, routes: readonly Route[]): Response {
  const methods = c.req.path === EVENTS_PATH ? ["GET", "HEAD"] : methodsOf(c.req.path, routes);
  if (methods.length === 0) return jsonResponse({ error: "There is nothing at this address" }, 404);
  return notTaken(c.req.method, methods);
}

function notTaken(method: string, methods: readonly string[]): Response {
  const allow = [...new Set([...methods, "OPTIONS"])].join(", ");
  return method === "OPTIONS"
    ? new Response(null, { status: 204, headers: { allow } })
    : jsonResponse({ error: `This address takes ${allow} only` }, 405, { allow });
}

function refusal(error: unknown, parts: AppParts): Response {
  if (error instanceof ApiError) {
    return jsonResponse({ error: error.message }, error.status, error.headers);
  }
  if (error instanceof PartGone) return refusal(notFound(), parts);
  // There is nobody who reads it.
  if (error instanceof Gone) return jsonResponse({ error: "The request broke off" }, 400);
  if (error instanceof StoreFailure && /disk is full/.test(error.message)) {
    return refusal(noRoom(), parts);
  }
  parts.fault(error);
  return jsonResponse({ error: "internal error" }, 500);
}
