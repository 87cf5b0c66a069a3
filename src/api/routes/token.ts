// POST /fmsg/token: an API key for a first-party token (FMSG-003 "POST /fmsg/token").

import * as v from "valibot";
import { jsonResponse } from "../response.ts";
import { openRoute, type Route } from "../route.ts";
import { named } from "../schema.ts";

const TOKEN = named("Token", {
  access_token: v.string(),
  token_type: v.literal("Bearer"),
  expires_in: v.pipe(v.number(), v.integer()),
  expires_at: v.pipe(v.string(), v.isoTimestamp()),
});

/** The key is the only thing that is read: a body, which some clients send, is not. */
export const tokenRoute: Route = openRoute({
  method: "post",
  path: "/fmsg/token",
  operation: "exchange_key",
  summary: "Exchange an API key for a JWT",
  security: "apiKey",
  answers: {
    200: { description: "A token for the granted address", json: TOKEN },
    401: { description: "The key is missing, malformed, unknown or expired" },
    403: { description: "The key may not be used from here, or its address is closed" },
  },
}, async ({ context, request, ip }) =>
  jsonResponse(
    await context.authenticator.exchangeKey(request.headers.get("authorization"), ip),
    200,
    { "cache-control": "no-store" },
  ));
