// The program: hands its arguments to the command line.

import { runCommandLine } from "./src/cli/main.ts";

Deno.exitCode = await runCommandLine(Deno.args);
