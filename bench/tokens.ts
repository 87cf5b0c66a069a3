// Identity tokens for the users of a site, signed by its host's own key as "fmsg token" does.

import { withWriter } from "../src/cli/open.ts";
import { issuerOf } from "../src/api/identity/issuer.ts";
import { signIdentityToken } from "../src/api/identity/tokens.ts";
import type { Config } from "../src/config.ts";
import { Access } from "../src/store/mod.ts";

export interface User {
  readonly address: string;
  readonly token: string;
}

/** Seconds for which the tokens are valid. */
const LIFETIME = 24 * 3600;

export async function issueTokens(config: Config, addresses: readonly string[]): Promise<User[]> {
  await withWriter(config, (writer) => writer.submit("ensureSigningKey", null));
  using access = new Access(config.data_dir);
  const key = access.currentSigningKey();
  if (key === null) throw new Error("The host has no key to sign with");
  const users: User[] = [];
  for (const address of addresses) {
    const { token } = await signIdentityToken(key, issuerOf(config), address, LIFETIME);
    users.push({ address, token });
  }
  return users;
}
