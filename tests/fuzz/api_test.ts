// Requests that nobody has seen before, to every route of a running host's interface.

import assert from "node:assert/strict";
import { openApi } from "../../src/api/openapi.ts";
import { allRoutes } from "../../src/api/routes/mod.ts";
import { fuzzInterface } from "./api.ts";

/** A round or two; `deno task fuzz --interface` goes on for as long as it is told. */
const STEPS = 600;

Deno.test("N9 odd requests to every route: no failure, every refusal in JSON, others are served, and nothing is left", async () => {
  const { outcomes, steps } = await fuzzInterface({
    // A finding names the seed of its step.
    seed: Math.floor(Math.random() * 2 ** 31),
    goOn: (played) => played < STEPS,
  });
  const seen = [...outcomes.keys()];
  for (const [path, methods] of Object.entries(openApi(allRoutes).paths)) {
    for (const method of Object.keys(methods)) {
      const operation = `${method.toUpperCase()} ${path},`;
      assert.ok(seen.some((outcome) => outcome.startsWith(operation)), `${operation} went untried`);
    }
  }
  // Were nearly all of them refused for the same reason, the routes would go untried.
  for (const status of [200, 201, 204, 400, 401, 403, 404, 405, 409, 415, 501]) {
    assert.ok(seen.some((outcome) => outcome.endsWith(`: ${status}`)), `${status} in ${steps}`);
  }
});
