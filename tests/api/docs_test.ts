// docs/api.md: what it says of the tests, the routes and the interface's numbers is so.

import assert from "node:assert/strict";
import { allRoutes } from "../../src/api/routes/mod.ts";
import { SOCKET_LIMITS } from "../../src/api/events/limits.ts";
import { LOOKUPS_AT_ONCE } from "../../src/api/host_lookup.ts";
import { QUEUE_LIMITS } from "../../src/api/push/queue.ts";
import { PUSH_TIMES } from "../../src/api/push/sending.ts";
import { CONNECTION_BOUNDS } from "../../src/api/server/connections.ts";
import { topicText } from "../../src/cli/topics.ts";
import { MAX_CIDRS, MAX_SUB_ACCOUNTS, MAX_SUBSCRIPTIONS } from "../../src/store/mod.ts";

const TESTS = new URL("../", import.meta.url);
const PAGE = await Deno.readTextFile(new URL("../../docs/api.md", import.meta.url));
const HEADING = "## What FMSG-003 demands\n";

/** The file and the name of each test that a table names. */
function named(): (readonly [file: string, name: string])[] {
  const table = PAGE.slice(PAGE.indexOf(HEADING));
  return [...table.matchAll(/`([a-z_/]+\.ts)` “([^”]+)”/g)]
    .map(([, file = "", name = ""]) => [file, name] as const);
}

/** The names in a file; what varies in one stands as a star. */
async function namesIn(file: string): Promise<string[]> {
  const text = await Deno.readTextFile(new URL(file, TESTS));
  return [...text.matchAll(/(?:Deno\.test|\.step)\(\s*(?:"([^"\n]*)"|'([^'\n]*)'|`([^`]*)`)/g)]
    .map(([, plain, quoting, template = ""]) =>
      plain ?? quoting ?? template.replaceAll(/\$\{[^}]*\}/g, "*")
    );
}

Deno.test("docs/api.md: every demand of FMSG-003 names tests, and all of those are there", async () => {
  const rows = PAGE.slice(PAGE.indexOf(HEADING)).split("\n").filter((line) =>
    /^\| [^-]/.test(line)
  );
  const demands = rows.filter((line) => !/\| tests \|$/.test(line));
  assert.ok(demands.length > 80, `${demands.length}`);
  for (const row of demands) assert.match(row, /`[a-z_/]+\.ts` “/);
  const missing: string[] = [];
  const found = new Map<string, string[]>();
  for (const [file, name] of named()) {
    const names = found.get(file) ?? await namesIn(file);
    found.set(file, names);
    if (!names.includes(name)) missing.push(`${file}: ${name}`);
  }
  assert.deepEqual(missing, []);
});

Deno.test("docs/api.md: its table of routes has each route that is served, and no other", () => {
  const begin = PAGE.indexOf("## Routes\n");
  const table = PAGE.slice(begin, PAGE.indexOf("\n## ", begin + 1));
  const told = [...table.matchAll(/^\| `([A-Z]+ [^`?]+)/gm)].map(([, route]) => route);
  const served = allRoutes.map(({ description: { method, path } }) =>
    `${method.toUpperCase()} ${path}`
  );
  // The WebSocket is served beside the routes; two are told of in the text.
  const elsewhere = ["GET /.well-known/jwks.json", "POST /fmsg/:id/react"];
  for (const route of elsewhere) assert.ok(PAGE.includes(route.replace("GET ", "")), route);
  assert.deepEqual(
    [...told, ...elsewhere].toSorted(),
    [...served, "GET /fmsg/ws"].toSorted(),
  );
});

Deno.test("docs/api.md: its limits are those of the program", () => {
  const limits = [
    [
      "connections of one address, of all",
      `${CONNECTION_BOUNDS.perAddress}, ${CONNECTION_BOUNDS.total}`,
    ],
    ["WebSockets of one identity, of all", `${SOCKET_LIMITS.each}, ${SOCKET_LIMITS.total}`],
    ["derived sub-accounts of one owner", `${MAX_SUB_ACCOUNTS}`],
    ["ranges of a grant", `${MAX_CIDRS}`],
    ["addresses looked up by one owner", `${LOOKUPS_AT_ONCE} at once, then one every 2 s`],
    ["subscriptions to notifications", `${MAX_SUBSCRIPTIONS}: the oldest goes`],
    [
      "notifications under way, of one, of all",
      `${QUEUE_LIMITS.underWayOfOne}, ${QUEUE_LIMITS.underWay}; ${
        PUSH_TIMES.deadlineMs / 1000
      } s each`,
    ],
    [
      "those that wait, of one, of all",
      `${QUEUE_LIMITS.waitingOfOne}, ${QUEUE_LIMITS.waiting}: the oldest goes`,
    ],
  ] as const;
  for (const [what, much] of limits) {
    assert.match(PAGE, new RegExp(`^\\| ${what} +\\| ${much} +\\|$`, "m"));
  }
  assert.ok(PAGE.includes(`pings every ${SOCKET_LIMITS.pingMs / 1000} seconds`));
});

Deno.test("fmsg help api is the guide, without the tables for those who work on the program", async () => {
  const text = await topicText("api");
  assert.ok(text.includes("## Turning it on") && text.includes("## fmsg-mcp"));
  assert.ok(!text.includes(HEADING) && !text.includes("_test.ts"));
});
