// Prints how wide two characters of two columns are after a command, in a process in which nothing else was run.

import { runCommandLine } from "../../src/cli/main.ts";
import { width } from "../../src/cli/terminal.ts";
import { capturing } from "./support.ts";

await runCommandLine(Deno.args, capturing(80).to);
console.log(width("日本"));
