// The routes by which a browser signs in and out. They are the page's own, no part of FMSG-003 and not promised to anybody:
// so they stand neither in OpenAPI nor among the routes that it is made of. Their types: client_types.ts.

import * as v from "valibot";
import { isProblem } from "../../protocol/mod.ts";
import { type Session as SessionJson, SIGN_IN } from "../client_types.ts";
import { ApiError } from "../error.ts";
import { problemError } from "../problem_status.ts";
import { jsonResponse, noContent } from "../response.ts";
import { type IdentifiedCall, openRoute, type Route, route } from "../route.ts";
import { forgettingCookie, keepingCookie, sessionCookie } from "./cookie.ts";
import { ownOrigin, requireOwnOrigin } from "./origin.ts";
import { makeSessionKey } from "./key.ts";
import { readSignInToken } from "./token.ts";

/** How often an address may try the token of a link: counts a try, or throws an ApiError (429) when there were too many. */
export type SignInLimit = (ip: string) => void;

/** Bytes; a token has 43. */
const MAX_BODY = 1024;

export function sessionRoutes(limit: SignInLimit): readonly Route[] {
  return [signIn(limit), showSession, signOut, endOther];
}

const signIn = (limit: SignInLimit): Route =>
  openRoute(
    {
      method: "post",
      path: "/session",
      operation: "sign_in",
      summary: "Sign a browser in with the token of a link",
      body: { json: SIGN_IN, limit: () => MAX_BODY },
      answers: { 200: { description: "Signed in" } },
    },
    async (call) => {
      const { context: { config, writer, log }, request, ip, readBody } = call;
      // Another site must not sign its visitors in as somebody of its choice, to read what they write then.
      const origin = requireOwnOrigin(config(), call);
      if (!request.headers.has("content-type")) {
        throw new ApiError(415, "The body has to be JSON: send content-type: application/json");
      }
      // Before anything is waited for: many that come at once are as many tries.
      limit(ip);
      const { token } = await readBody();
      const key = makeSessionKey();
      const link = readSignInToken(token);
      const opened = link === null ? NO_TOKEN : await writer.submit("openSession", {
        link,
        id: key.id,
        hash: key.hash,
        agent: request.headers.get("user-agent") ?? "",
      });
      if (isProblem(opened)) throw problemError(opened);
      const before = sessionCookie(config(), call);
      // The browser forgets that one now; nobody could end it in there any more.
      if (before !== null && call.context.access.sessionByHash(before.id, before.hash) !== null) {
        await writer.submit("endSession", { id: before.id, addressKey: null });
      }
      log.info("signed in", { address: opened.address, peer: ip, session: opened.id });
      return jsonResponse({ address: opened.address }, 200, {
        "set-cookie": keepingCookie(origin, key),
      });
    },
  );

const showSession = route(
  {
    method: "get",
    path: "/session",
    operation: "show_session",
    summary: "Who is signed in, and where else",
    admission: "owner",
    answers: { 200: { description: "The session" } },
  },
  (call) => {
    const { context: { config, access }, identity: { address, sessionId } } = call;
    const { domain, limits, api } = config();
    const shown: SessionJson = {
      address: address.text,
      name: access.user(address.key)?.name ?? "",
      id: sessionId ?? "",
      domain,
      vapid_public_key: access.vapidKey()?.publicKey ?? null,
      limits: {
        max_size: limits.max_size,
        max_expanded_size: limits.max_expanded_size,
        uploads: api.uploads,
      },
      sessions: access.sessions(address.key).map(({ id, agent, created, used }) => ({
        id,
        agent,
        created,
        used,
        current: id === sessionId,
      })),
    };
    // A session goes on as long as it is used, and the browser's cookie with it.
    const key = sessionId === null ? null : sessionCookie(config(), call);
    const origin = ownOrigin(config(), call);
    return jsonResponse(
      shown,
      200,
      key === null || origin === null ? {} : { "set-cookie": keepingCookie(origin, key) },
    );
  },
);

const signOut = route(
  {
    method: "delete",
    path: "/session",
    operation: "sign_out",
    summary: "End the session that asks",
    admission: "owner",
    answers: { 204: { description: "Signed out" } },
  },
  async (call) => {
    const { sessionId } = call.identity;
    if (sessionId === null) throw noSession();
    return await end(call, sessionId);
  },
);

const endOther = route(
  {
    method: "delete",
    path: "/session/:id",
    operation: "end_session",
    summary: "End a session of the same address",
    admission: "owner",
    params: v.object({ id: v.string() }),
    answers: { 204: { description: "Ended" } },
  },
  async (call) => await end(call, call.params.id),
);

async function end(
  call: Omit<IdentifiedCall<unknown, unknown, unknown>, "params">,
  id: string,
): Promise<Response> {
  const { context: { writer, config }, identity } = call;
  const isEnded = await writer.submit("endSession", { id, addressKey: identity.address.key });
  if (!isEnded) throw noSession();
  const response = noContent();
  const origin = ownOrigin(config(), call);
  if (id === identity.sessionId && origin !== null) {
    response.headers.set("set-cookie", forgettingCookie(origin));
  }
  return response;
}

const NO_TOKEN = {
  kind: "refused",
  reason: "link not valid",
  message: "The link is not whole: open it as it was given to you",
} as const;

function noSession(): ApiError {
  return new ApiError(404, "There is no such session");
}
