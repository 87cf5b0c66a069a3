// The OpenAPI description: that it is one, and describes what is served.

import { deepEqual, equal, ok } from "node:assert/strict";
import { Validator } from "@seriousme/openapi-schema-validator";
import { openApi } from "../../src/api/openapi.ts";
import { allRoutes } from "../../src/api/routes/mod.ts";

/** As a client gets it: JSON. */
const DOCUMENT = structuredClone(openApi(allRoutes));

Deno.test("the description is valid OpenAPI 3.1", async () => {
  const { valid, errors } = await new Validator().validate({ ...structuredClone(DOCUMENT) });
  ok(valid, JSON.stringify(errors));
});

Deno.test("every reference of the description leads to something", () => {
  const found = [...JSON.stringify(DOCUMENT).matchAll(/"\$ref":"#\/([^"]+)"/g)];
  ok(found.length > 10);
  for (const [, path = ""] of found) {
    let at: unknown = DOCUMENT;
    for (const name of path.split("/")) {
      at = typeof at === "object" && at !== null
        ? Object.entries(at).find(([k]) => k === name)?.[1]
        : null;
    }
    ok(at, `#/${path} leads nowhere`);
  }
});

Deno.test("every route is described, and nothing but routes and the socket", () => {
  const served = allRoutes.map(({ description: { method, path } }) =>
    `${method} ${path.replace(/:([a-z]+)/g, "{$1}")}`
  );
  const described = Object.entries(DOCUMENT.paths)
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`));
  deepEqual(described.toSorted(), [...served, "get /fmsg/ws"].toSorted());
  equal(new Set(served).size, served.length);
});

Deno.test("all routes of FMSG-003 are there: the core, grants and Web Push", () => {
  const paths = new Set(
    Object.entries(DOCUMENT.paths)
      .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`)),
  );
  const wanted = `
    get /fmsg, get /fmsg/sent, post /fmsg, get /fmsg/{id}, put /fmsg/{id}, delete /fmsg/{id}, post /fmsg/{id}/send,
    post /fmsg/{id}/read, post /fmsg/{id}/add-to, get /fmsg/{id}/data, get /fmsg/{id}/thread, post /fmsg/{id}/attach,
    get /fmsg/{id}/attach/{filename}, delete /fmsg/{id}/attach/{filename}, get /fmsg/ws, post /fmsg/token,
    get /fmsg/sub-accounts, post /fmsg/sub-accounts, get /fmsg/sub-accounts/{agent}, patch /fmsg/sub-accounts/{agent},
    post /fmsg/sub-accounts/{agent}/rotate-key, delete /fmsg/sub-accounts/{agent}, post /fmsg/push/subscribe,
    delete /fmsg/push/subscribe`;
  for (const route of wanted.split(",").map((text) => text.trim())) ok(paths.has(route), route);
});

Deno.test("each operation says who may use it, what it takes and what can go wrong", () => {
  const { bearer } = schemes();
  ok(bearer);
  for (const { description } of allRoutes) {
    const path = description.path.replace(/:([a-z]+)/g, "{$1}");
    const operation = JSON.stringify(DOCUMENT.paths[path]?.[description.method]);
    ok(operation.includes("#/components/responses/Error"), path);
    const { admission, security } = description;
    equal(
      operation.includes('"security":[]'),
      admission === "open" && security === undefined,
      path,
    );
    equal(operation.includes('"security":[{"apiKey":[]}]'), path === "/fmsg/token", path);
    for (const [, name] of path.matchAll(/\{([a-z]+)\}/g)) {
      ok(operation.includes(`{"name":"${name}","in":"path","required":true`), `${path} ${name}`);
    }
  }
});

Deno.test("each operation has a name of its own", () => {
  const names = [...JSON.stringify(DOCUMENT).matchAll(/"operationId":"([a-z_]+)"/g)]
    .map(([, name]) => name);
  equal(names.length, allRoutes.length + 1);
  equal(new Set(names).size, names.length, names.join());
});

Deno.test("what a generated client needs types for has a name among the components", () => {
  const { schemas = {} } = DOCUMENT.components;
  const byName = new Map(Object.entries(schemas));
  for (
    const name of [
      ...["Message", "MessageItem", "Delivery", "AddToBatch", "Attachment", "Draft", "MessageId"],
      ...["Sent", "Read", "Added", "Recipients", "Uploaded", "Event", "Error", "Token", "KeySet"],
      ...["MessageHeader", "BatchHeader", "Lookup"],
      ...["Grant", "GrantWithKey", "Grants", "NewGrant", "AllowedCidrs", "KeyExpiry"],
    ]
  ) ok(byName.has(name), name);
  const paths = JSON.stringify(DOCUMENT.paths);
  for (const [, schema = ""] of paths.matchAll(/"application\/json":\{"schema":(\{"[^"]*")/g)) {
    // Or a list of one that has a name, or the description itself.
    ok(['{"$ref"', '{"type"'].includes(schema), schema);
  }
  equal([...paths.matchAll(/"application\/json":\{"schema":\{"type":"object"/g)].length, 2);
  const draft = JSON.stringify(byName.get("Draft"));
  ok(draft.includes('"required":["version","from","to","type"]'), draft);
  ok(draft.includes('"version":{"const":1,"type":"integer"}'), draft);
  ok(
    JSON.stringify(byName.get("MessageItem")).includes('"id":{"type":"integer","format":"int64"}'),
  );
});

Deno.test("every answer that is an error has the form of errors", () => {
  for (const methods of Object.values(DOCUMENT.paths)) {
    for (const operation of Object.values(methods)) {
      const { responses = {} } = Object.fromEntries(Object.entries(operation));
      for (const [status, answer] of Object.entries(responses)) {
        const described = JSON.stringify(answer);
        if (status === "default") ok(described.includes("#/components/responses/Error"), described);
        if (Number(status) >= 400) ok(described.includes("#/components/schemas/Error"), described);
      }
    }
  }
});

function schemes(): Record<string, unknown> {
  const { securitySchemes = {} } = DOCUMENT.components;
  return Object.fromEntries(Object.entries(securitySchemes));
}
