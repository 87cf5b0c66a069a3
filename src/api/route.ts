// A route of the interface: what OpenAPI says of it, what is checked before its handler, and the handler.

import { pathParameters, queryParameters, type Schema, valid } from "./checking.ts";
import type { ApiContext } from "./context.ts";
import { ApiError } from "./error.ts";
import { type Identity, isDirectOwner } from "./identity/identity.ts";
import { readJson } from "./server/body.ts";

/** Who may use a route: anybody, an identity, or an owner who acts for nobody else. */
export type Admission = "open" | "identity" | "owner";

export type Method = "get" | "post" | "put" | "patch" | "delete";

/** What a route takes as its body, which is not read before the handler asks for it. */
export type BodyDescription<Body> =
  | {
    readonly json: Schema<Body>;
    /** Bytes of JSON that it takes at most; 64 KiB unless told. */
    readonly limit?: (context: ApiContext) => number;
  }
  | { readonly multipart: "file" };

/** What may be answered: JSON by a schema, bytes of some media type, or nothing; an error of FMSG-003 with 400 and above. */
export type AnswerDescription =
  | { readonly description: string; readonly json: Schema }
  | { readonly description: string; readonly content: string }
  | { readonly description: string };

/** What is said of a route, besides who may use it. */
export interface RouteTerms<Params, Query, Body> {
  readonly method: Method;
  /** As in `/fmsg/:id/attach/:filename`. */
  readonly path: string;
  /** What it is called in clients that are made from the description: verb_noun, each its own. */
  readonly operation: string;
  readonly summary: string;
  /** Shown in place of a token; the handler looks at it. */
  readonly security?: "apiKey";
  /** Path parameters, decoded. */
  readonly params?: Schema<Params>;
  readonly query?: Schema<Query>;
  readonly body?: BodyDescription<Body>;
  /** Refused with 507, before its body is read, while the host's disk has no room for more messages. */
  readonly takesRoom?: true;
  /** By status. Errors of FMSG-003 need not be named. */
  readonly answers: Readonly<Record<number, AnswerDescription>>;
}

export interface RouteDescription<Params, Query, Body> extends RouteTerms<Params, Query, Body> {
  readonly admission: Admission;
}

/** One request, as the server hands it on. */
export interface RouteRequest {
  readonly context: ApiContext;
  /** null on an open route. */
  readonly identity: Identity | null;
  readonly request: Request;
  /** The client's address, canonical. */
  readonly ip: string;
}

/** One request, its path and query checked. */
export interface Call<Params, Query, Body> extends RouteRequest {
  readonly params: Params;
  readonly query: Query;
  /**
   * Reads the body, of JSON, and checks it; once. What is not the caller's to change is refused before: FMSG-003 has
   * 403 or 404 for it, whatever the body says. Throws an ApiError.
   */
  readonly readBody: () => Promise<Body>;
}

/** A call whose identity is known. */
export interface IdentifiedCall<Params, Query, Body> extends Call<Params, Query, Body> {
  readonly identity: Identity;
}

type Answer = Response | Promise<Response>;

export interface Route {
  readonly description: RouteDescription<unknown, unknown, unknown>;
  /**
   * Checks the request and answers it. Throws an ApiError for whatever is wrong with it; anything else that it throws
   * is a failure of the server.
   */
  readonly answer: (request: RouteRequest) => Promise<Response>;
}

/** A route for those who are authenticated. Its handler meets nothing that does not fit the schemas. */
export function route<Params, Query, Body>(
  description: RouteTerms<Params, Query, Body> & { readonly admission: "identity" | "owner" },
  handler: (call: IdentifiedCall<Params, Query, Body>) => Answer,
): Route {
  return {
    description,
    answer: async (request) => {
      const { identity } = request;
      if (identity === null) throw new TypeError(`${description.path} was reached by nobody`);
      if (description.admission === "owner" && !isDirectOwner(identity)) throw ownersOnly();
      return await handler({ ...checked(description, request), identity });
    },
  };
}

/** A route for everybody. */
export function openRoute<Params, Query, Body>(
  terms: RouteTerms<Params, Query, Body>,
  handler: (call: Call<Params, Query, Body>) => Answer,
): Route {
  return {
    description: { ...terms, admission: "open" },
    answer: async (request) => await handler(checked(terms, request)),
  };
}

/** Most bodies are a few names; those that carry a message say their own bound. */
const JSON_LIMIT = 64 * 1024;

function checked<Params, Query, Body>(
  { path, params, query, body }: RouteTerms<Params, Query, Body>,
  request: RouteRequest,
): Call<Params, Query, Body> {
  const url = new URL(request.request.url);
  const found = pathParameters(path, url);
  return {
    ...request,
    params: valid(params, found, "path"),
    query: valid(query, query === undefined ? null : queryParameters(url), "query"),
    readBody: () => checkedBody(body, request),
  };
}

async function checkedBody<Body>(
  body: BodyDescription<Body> | undefined,
  { request, context }: RouteRequest,
): Promise<Body> {
  if (body === undefined || !("json" in body)) return valid<Body>(undefined, null, "body");
  return valid(body.json, await readJson(request, body.limit?.(context) ?? JSON_LIMIT), "body");
}

/** FMSG-003 "Act-As": first-party tokens and act-as identities manage no grants. */
function ownersOnly(): ApiError {
  return new ApiError(
    403,
    "This is done with the owner's own token (\"fmsg token\", or an identity provider's) or session, without X-FMSG-Act-As",
  );
}
