// What the interface says of itself (OpenAPI), as far as requests are made from it.

import * as v from "valibot";

const SCHEMA = v.looseObject({
  $ref: v.optional(v.string()),
  properties: v.optional(v.record(v.string(), v.unknown())),
});

const OPERATION = v.object({
  parameters: v.optional(
    v.array(v.object({ name: v.optional(v.string()), in: v.optional(v.string()) })),
    [],
  ),
  requestBody: v.optional(
    v.object({ content: v.record(v.string(), v.object({ schema: SCHEMA })) }),
  ),
});

const DESCRIPTION = v.object({
  paths: v.record(v.string(), v.record(v.string(), OPERATION)),
  components: v.object({ schemas: v.record(v.string(), SCHEMA) }),
});

export interface Operation {
  /** In capitals. */
  readonly method: string;
  /** As in `/fmsg/{id}`. */
  readonly path: string;
  readonly query: readonly string[];
  /** The properties of a JSON body, or that it is a form with a file. */
  readonly body: readonly string[] | "form" | null;
}

export function operationsOf(openApi: unknown): Operation[] {
  const { paths, components } = v.parse(DESCRIPTION, openApi);
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters, requestBody }]): Operation => {
      const json = requestBody?.content["application/json"]?.schema;
      const schema = components.schemas[json?.$ref?.split("/").at(-1) ?? ""] ?? json;
      return {
        method: method.toUpperCase(),
        path,
        query: parameters.flatMap((p) => p.in === "query" && p.name !== undefined ? [p.name] : []),
        body: requestBody === undefined
          ? null
          : schema === undefined
          ? "form"
          : Object.keys(schema.properties ?? {}),
      };
    })
  );
}
