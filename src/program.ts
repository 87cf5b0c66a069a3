// Where the program itself is.

import { IS_BUILT } from "./version.ts";

/**
 * The absolute path of the executable, for those who have to start it; null in a checkout, where there is none.
 * The self-extracting form names itself in the environment, since the runtime in its cache is not what a person started.
 */
export function programPath(): string | null {
  if (Deno.build.standalone) return Deno.execPath();
  return IS_BUILT ? Deno.env.get("FMSG_PROGRAM") ?? null : null;
}
