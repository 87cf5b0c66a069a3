// The executable: built once, and used in each way that it promises to work. The tests stand in the files named here.

import { build, cleanUp } from "./support.ts";
import "./program.ts";
import "./self_extracting.ts";
import "./trust.ts";
import "./build.ts";

Deno.test.beforeAll(build);
Deno.test.afterAll(cleanUp);
