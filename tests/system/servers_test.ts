// The executable on servers of the stage, with systemd: built once for all. The tests stand in the files named here.

import "./quickstart.ts";
import "./service.ts";
import { build, cleanUp } from "./stage/program.ts";

Deno.test.beforeAll(build);
Deno.test.afterAll(cleanUp);
