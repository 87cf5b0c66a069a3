// Requests that nobody has seen before, to every route of a running host's interface.

import assert from "node:assert/strict";
import { openApi } from "../../src/api/openapi.ts";
import { allRoutes } from "../../src/api/routes/mod.ts";
import { fuzzInterface } from "./api.ts";

/** Statuses that must have been seen: were nearly all requests refused for one reason, the routes would go untried. */
const STATUSES = [200, 201, 204, 400, 401, 403, 404, 405, 409, 415, 501];

/** Two rounds are nearly always enough; `deno task fuzz --interface` goes on for as long as it is told. */
const ENOUGH_STEPS = 600;
const MOST_STEPS = 8000;

Deno.test("N9 odd requests to every route: no failure, every refusal in JSON, others are served, and nothing is left", async () => {
  const { outcomes, steps } = await fuzzInterface({
    // A finding names the seed of its step.
    seed: Math.floor(Math.random() * 2 ** 31),
    goOn: ({ steps, outcomes }) =>
      steps < ENOUGH_STEPS || (steps < MOST_STEPS && untried([...outcomes.keys()]).length > 0),
  });
  assert.deepEqual(untried([...outcomes.keys()]), [], `after ${steps} steps`);
});

/** Operations that were not asked for, and statuses that were not answered, by `outcomes`. */
function untried(outcomes: readonly string[]): string[] {
  const missing: string[] = [];
  for (const [path, methods] of Object.entries(openApi(allRoutes).paths)) {
    for (const method of Object.keys(methods)) {
      const operation = `${method.toUpperCase()} ${path}`;
      if (!outcomes.some((one) => one.startsWith(`${operation},`))) missing.push(operation);
    }
  }
  for (const status of STATUSES) {
    if (!outcomes.some((one) => one.endsWith(`: ${status}`))) missing.push(String(status));
  }
  return missing;
}
