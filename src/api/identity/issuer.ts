// The names under which the host issues tokens.

import type { Config } from "../../config.ts";

/** The issuer, and the audience, of the identity tokens that the host signs. */
export function issuerOf({ api, domain }: Config): string {
  return api?.public_url ?? `https://fmsg.${domain}`;
}

/** The issuer, and the audience, of the tokens that API keys are exchanged for. */
export function firstPartyIssuerOf(config: Config): string {
  return `${issuerOf(config)}/fmsg/token`;
}
