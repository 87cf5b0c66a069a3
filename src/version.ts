// The program's version, from the one place where it is written, and the commit that it was built from.

import manifest from "../deno.json" with { type: "json" };

/** Written here by `deno task compile`, in the bundle. */
const COMMIT: string = "@COMMIT@";

/** False in a checkout. */
export const IS_BUILT: boolean = !COMMIT.startsWith("@");

/** As in `0.1.0 (b6a8a45)`; in a checkout `0.1.0 (source)`. */
export const PROGRAM_VERSION: string = `${manifest.version} (${IS_BUILT ? COMMIT : "source"})`;
