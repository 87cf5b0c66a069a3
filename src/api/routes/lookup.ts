// An address before anything is sent to it: is it one, is it known here, is its host to be found (beyond FMSG-003)?

import * as v from "valibot";
import { Address, addressProblem } from "../../wire/mod.ts";
import { LOOKUP, type Lookup } from "../client_types.ts";
import { ApiError } from "../error.ts";
import { jsonResponse } from "../response.ts";
import { type Route, route } from "../route.ts";
import { ADDRESS } from "../schema.ts";

/**
 * That somebody is a user here is told to users alone, who are told it anyway when they send there: `disclose_users`
 * keeps it from strangers. The rate keeps one who means no good from trying names.
 */
export const lookupRoutes: readonly Route[] = [
  route({
    method: "get",
    path: "/fmsg/lookup",
    operation: "look_up_address",
    summary:
      "Look whether an address is one, and whether its host is to be found (beyond FMSG-003)",
    admission: "identity",
    query: v.object({ address: ADDRESS }),
    answers: { 200: { description: "What is known of it", json: LOOKUP } },
  }, async ({ context, identity, query }) => {
    const address = Address.parse(query.address);
    if (address === null) {
      const problem = addressProblem(query.address) ?? "";
      throw new ApiError(400, `"address" is no address: ${problem}`);
    }
    context.lookup.count(identity.owner.key);
    const { text, domain, key } = address;
    const local = domain === context.config().domain;
    const lookup: Lookup = {
      address: text,
      local,
      known: local ? context.access.user(key) !== null : null,
      host: local ? "found" : await context.lookup.find(domain),
    };
    return jsonResponse(lookup, 200, { "cache-control": "no-store" });
  }),
];
