// The public keys that this host signs tokens with, for everybody who checks them (RFC 7517).

import * as v from "valibot";
import { publicKeys } from "../identity/jwks.ts";
import { jsonResponse } from "../response.ts";
import { openRoute, type Route } from "../route.ts";
import { named } from "../schema.ts";

const KEYS = named("KeySet", {
  keys: v.array(named("Key", {
    kty: v.literal("OKP"),
    crv: v.literal("Ed25519"),
    x: v.string(),
    kid: v.string(),
    alg: v.literal("EdDSA"),
    use: v.literal("sig"),
  })),
});

/** Where this host says they are, and where programs look that know nothing of fmsg. */
export const jwksRoutes: readonly Route[] = [
  { path: "/fmsg/jwks.json", operation: "get_keys" },
  { path: "/.well-known/jwks.json", operation: "get_well_known_keys" },
]
  .map((place) =>
    openRoute(
      {
        method: "get",
        ...place,
        summary: "The host's own public keys",
        answers: { 200: { description: "The keys, the one that signs first", json: KEYS } },
      },
      ({ context }) =>
        jsonResponse(publicKeys(context.access), 200, { "cache-control": "public, max-age=60" }),
    )
  );
