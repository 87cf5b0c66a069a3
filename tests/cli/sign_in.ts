// A browser that signs in with a link, without a browser: what the interface asks of the store then.

import { readSignInToken } from "../../src/api/session/token.ts";
import { withWriter } from "../../src/cli/open.ts";
import { loadConfig } from "../../src/config.ts";
import { isProblem } from "../../src/protocol/mod.ts";
import type { Session } from "../../src/store/mod.ts";

/** Null where the link is not good (any more). */
export async function signIn(
  configFile: string,
  link: string,
  { id, agent = "" }: { readonly id: string; readonly agent?: string },
): Promise<Session | null> {
  const token = readSignInToken(link.slice(link.indexOf("#sign-in=") + "#sign-in=".length));
  if (token === null) throw new Error(`There is no token in ${link}`);
  const opened = await withWriter(
    loadConfig(configFile),
    (writer) => writer.submit("openSession", { link: token, id, hash: new Uint8Array(32), agent }),
  );
  return isProblem(opened) ? null : opened;
}
