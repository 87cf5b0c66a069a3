// The owner's API-access grants (FMSG-003 "API-Access Grant Routes").

import * as v from "valibot";
import { type Grant, isAgentName, MAX_CIDRS, MAX_SUB_ACCOUNTS } from "../../store/mod.ts";
import { ApiError } from "../error.ts";
import { makeApiKey } from "../identity/keys.ts";
import { readRange } from "../identity/ranges.ts";
import { problemError } from "../problem_status.ts";
import { jsonResponse, noContent } from "../response.ts";
import { type Route, route } from "../route.ts";
import { ID, named } from "../schema.ts";
import { readRfc3339, rfc3339 } from "../time.ts";

const AGENT = v.pipe(
  v.string(),
  v.check(
    isAgentName,
    "has to be 1 to 64 bytes of letters, digits, dots and hyphens, without _ and @",
  ),
);

const BY_AGENT = v.object({ agent: AGENT });

/** Each range in its one spelling, and once. */
const CIDRS = v.pipe(
  v.array(
    v.pipe(
      v.string(),
      v.check(
        (text) => readRange(text) !== null,
        "has to be a range of IP addresses, like 203.0.113.0/24 or 2001:db8::/32",
      ),
      v.transform((text) => readRange(text) ?? text),
    ),
  ),
  v.check((ranges) => ranges.length >= 1, "has to hold at least one range of IP addresses"),
  v.check((ranges) => ranges.length <= MAX_CIDRS, `has to hold ${MAX_CIDRS} ranges at most`),
  v.transform((ranges) => [...new Set(ranges)]),
);

/** In POSIX seconds. */
const KEY_EXPIRES_AT = v.pipe(
  v.string(),
  v.check(
    (text) => (readRfc3339(text) ?? 0) > Date.now() / 1000,
    "has to be a time to come in the form of RFC 3339, like 2031-12-31T00:00:00Z",
  ),
  v.transform((text) => readRfc3339(text) ?? 0),
);

const FIELDS = {
  agent: v.string(),
  addr: v.string(),
  grant_type: v.picklist(["derived_sub_account", "delegated_identity"]),
  key_id: v.string(),
  allowed_cidrs: v.array(v.string()),
  key_expires_at: v.pipe(v.string(), v.isoTimestamp()),
};

const GRANT = named("Grant", FIELDS);
const GRANT_WITH_KEY = named("GrantWithKey", { ...FIELDS, api_key: v.string() });

const list = route({
  method: "get",
  path: "/fmsg/sub-accounts",
  operation: "list_grants",
  summary: "List owned API-access grants",
  admission: "owner",
  answers: {
    200: {
      description: "The grants, by their agents",
      json: named("Grants", { max_sub_accounts: ID, sub_accounts: v.array(GRANT) }),
    },
  },
}, ({ context, identity }) =>
  jsonResponse({
    max_sub_accounts: MAX_SUB_ACCOUNTS,
    sub_accounts: context.access.grantsOf(identity.owner.key).map(grantJson),
  }));

const create = route(
  {
    method: "post",
    path: "/fmsg/sub-accounts",
    operation: "create_grant",
    summary: "Create a derived sub-account grant",
    admission: "owner",
    body: {
      json: named("NewGrant", {
        agent: AGENT,
        allowed_cidrs: CIDRS,
        key_expires_at: KEY_EXPIRES_AT,
      }),
    },
    answers: { 201: { description: "The grant, and its key this once", json: GRANT_WITH_KEY } },
  },
  async ({ context, identity, readBody }) => {
    const body = await readBody();
    const key = makeApiKey();
    const grant = await context.writer.submit("createGrant", {
      ownerKey: identity.owner.key,
      agent: body.agent,
      delegated: null,
      cidrs: body.allowed_cidrs,
      key: { id: key.id, hash: key.hash, expires: body.key_expires_at },
    });
    if (grant.kind === "refused") throw problemError(grant);
    return jsonResponse({ ...grantJson(grant), api_key: key.text }, 201);
  },
);

const get = route({
  method: "get",
  path: "/fmsg/sub-accounts/:agent",
  operation: "get_grant",
  summary: "Retrieve one grant",
  admission: "owner",
  params: BY_AGENT,
  answers: { 200: { description: "The grant", json: GRANT } },
}, ({ context, identity, params }) => {
  const grant = context.access.grant(identity.owner.key, params.agent);
  if (grant === null) throw noGrant(params.agent);
  return jsonResponse(grantJson(grant));
});

const replaceCidrs = route({
  method: "patch",
  path: "/fmsg/sub-accounts/:agent",
  operation: "replace_cidrs",
  summary: "Replace a grant's allowed CIDRs",
  admission: "owner",
  params: BY_AGENT,
  body: { json: named("AllowedCidrs", { allowed_cidrs: CIDRS }) },
  answers: { 200: { description: "The grant as it is now", json: GRANT } },
}, async ({ context, identity, params, readBody }) => {
  const body = await readBody();
  const grant = await context.writer.submit("setGrantCidrs", {
    ownerKey: identity.owner.key,
    agent: params.agent,
    cidrs: body.allowed_cidrs,
  });
  if (grant.kind === "refused") throw problemError(grant);
  return jsonResponse(grantJson(grant));
});

const rotate = route({
  method: "post",
  path: "/fmsg/sub-accounts/:agent/rotate-key",
  operation: "rotate_key",
  summary: "Rotate a grant API key",
  admission: "owner",
  params: BY_AGENT,
  body: { json: named("KeyExpiry", { key_expires_at: KEY_EXPIRES_AT }) },
  answers: { 200: { description: "The grant, and its new key this once", json: GRANT_WITH_KEY } },
}, async ({ context, identity, params, readBody }) => {
  const body = await readBody();
  const key = makeApiKey();
  const grant = await context.writer.submit("rotateGrantKey", {
    ownerKey: identity.owner.key,
    agent: params.agent,
    key: { id: key.id, hash: key.hash, expires: body.key_expires_at },
  });
  if (grant.kind === "refused") throw problemError(grant);
  return jsonResponse({ ...grantJson(grant), api_key: key.text });
});

const remove = route({
  method: "delete",
  path: "/fmsg/sub-accounts/:agent",
  operation: "delete_grant",
  summary: "Delete a grant",
  admission: "owner",
  params: BY_AGENT,
  answers: { 204: { description: "The grant is gone, and its tokens are refused" } },
}, async ({ context, identity, params }) => {
  const name = { ownerKey: identity.owner.key, agent: params.agent };
  if (!await context.writer.submit("deleteGrant", name)) throw noGrant(params.agent);
  return noContent();
});

export const grantRoutes: readonly Route[] = [list, create, get, replaceCidrs, rotate, remove];

function grantJson(grant: Grant): v.InferOutput<typeof GRANT> {
  return {
    agent: grant.agent,
    addr: grant.address,
    grant_type: grant.type,
    key_id: grant.keyId,
    allowed_cidrs: [...grant.cidrs],
    key_expires_at: rfc3339(grant.expires),
  };
}

function noGrant(agent: string): ApiError {
  return new ApiError(404, `There is no grant "${agent}"`);
}
