// The program's version, from the one place where it is written.

import manifest from "../deno.json" with { type: "json" };

export const PROGRAM_VERSION: string = manifest.version;
