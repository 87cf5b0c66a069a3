// The OpenAPI 3.1 description of the interface, from the descriptions and schemas by which the routes work.

import { type ConversionConfig, toJsonSchema } from "@valibot/to-json-schema";
import * as v from "valibot";
import type { Schema } from "./checking.ts";
import { ERROR, EVENT } from "./client_types.ts";
import { jsonResponse } from "./response.ts";
import {
  type AnswerDescription,
  type BodyDescription,
  openRoute,
  type Route,
  type RouteDescription,
} from "./route.ts";

/** `GET /fmsg/openapi.json`: describes these routes, and itself. */
export function openApiRoute(routes: readonly Route[]): Route {
  let made: object | null = null;
  const self = openRoute({
    method: "get",
    path: "/fmsg/openapi.json",
    operation: "describe",
    summary: "This description",
    answers: { 200: { description: "OpenAPI 3.1", json: v.looseObject({}) } },
  }, ({ context }) => {
    made ??= openApi([...routes, self]);
    const { public_url } = context.config().api;
    const servers = public_url === null ? {} : { servers: [{ url: public_url }] };
    return jsonResponse({ ...made, ...servers }, 200, { "cache-control": "public, max-age=300" });
  });
  return self;
}

/** The description, without the server's own address. */
export function openApi(routes: readonly Route[]): OpenApi {
  const paths: Record<string, Record<string, object>> = {};
  const schemas: Schemas = {};
  // No route refers to them.
  for (const schema of [EVENT, ERROR]) hoisted(jsonSchema(schema, "output"), schemas);
  for (const { description } of routes) {
    const path = description.path.replace(/:([a-z_]+)/g, "{$1}");
    paths[path] = { ...paths[path], [description.method]: operation(description, schemas) };
  }
  paths["/fmsg/ws"] = { get: SOCKET };
  return {
    openapi: "3.1.0",
    info: {
      title: "fmsg Web API",
      version: "0.1.0",
      description: "FMSG-003: messages of one fmsg address, its drafts, its events, and " +
        "grants to act as other addresses.",
    },
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description:
            "An EdDSA token of an identity provider or of the host itself, or one that " +
            "POST /fmsg/token gave for an API key",
        },
        apiKey: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "fmsgk_<key-id>_<secret>",
          description: "An API key, which is only sent to be exchanged for a token",
        },
        socketToken: {
          type: "apiKey",
          in: "query",
          name: "access_token",
          description: "For WebSockets of browsers alone",
        },
      },
      parameters: {
        ActAs: {
          name: "X-FMSG-Act-As",
          in: "header",
          required: false,
          schema: { type: "string" },
          description:
            "The address of one of the owner's grants, to act as it; never with a token " +
            "that was exchanged for an API key",
        },
      },
      schemas,
      responses: {
        Error: {
          description:
            "400 wrong input, 401 no valid token, 403 not permitted, 404 absent or hidden, " +
            "409 not in this state, 413 too large, 429 too many requests, 500, 503",
          content: ERROR_CONTENT,
        },
      },
    },
  };
}

export interface OpenApi {
  readonly openapi: string;
  readonly info: object;
  readonly security: readonly object[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>;
  readonly components: Readonly<Record<string, object>>;
}

const ERROR_CONTENT = {
  "application/json": { schema: { $ref: "#/components/schemas/Error" } },
};

const CONVERSION: ConversionConfig = {
  target: "draft-2020-12",
  // Checks in code have no words in JSON Schema.
  errorMode: "ignore",
  overrideAction: ({ valibotAction: { type }, jsonSchema }) =>
    type === "integer" ? { ...jsonSchema, type: "integer", format: "int64" } : undefined,
  // Generators look at the type of a constant, which JSON Schema need not have.
  overrideSchema: ({ jsonSchema }) =>
    typeof jsonSchema.const === "number" ? { ...jsonSchema, type: "integer" } : undefined,
};

const SOCKET = {
  operationId: "receive_events",
  summary: "Receive live events over WebSocket",
  description:
    "Text frames, each an Event of the schemas below, with a message as it stands in a list. " +
    "Nothing is kept for who is not connected: list after connecting.",
  security: [{ bearer: [] }, { socketToken: [] }],
  parameters: [
    { name: "act_as", in: "query", required: false, schema: { type: "string" } },
    { $ref: "#/components/parameters/ActAs" },
  ],
  responses: {
    101: { description: "The socket is open" },
    default: { $ref: "#/components/responses/Error" },
  },
};

type Schemas = Record<string, object>;

/** Schemas with a name of their own are put into `schemas`. */
function operation(
  description: RouteDescription<unknown, unknown, unknown>,
  schemas: Schemas,
): object {
  const { summary, admission, security, params, query, body, answers } = description;
  const actAs = admission === "identity" ? [{ $ref: "#/components/parameters/ActAs" }] : [];
  return {
    operationId: description.operation,
    summary,
    ...admission === "open" ? { security: security === undefined ? [] : [{ [security]: [] }] } : {},
    parameters: [...parametersOf(params, "path"), ...parametersOf(query, "query"), ...actAs],
    ...body === undefined
      ? {}
      : { requestBody: { required: true, content: contentOf(body, schemas) } },
    responses: {
      ...Object.fromEntries(
        Object.entries(answers)
          .map(([status, answer]) => [status, answerOf(Number(status), answer, schemas)]),
      ),
      default: { $ref: "#/components/responses/Error" },
    },
  };
}

function parametersOf(schema: Schema | undefined, place: "path" | "query"): object[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = jsonSchema(schema, "output");
  return Object.entries(properties).map(([name, found]) => {
    const { description, ...value } = typeof found === "boolean" ? {} : found;
    return {
      name,
      in: place,
      required: place === "path" || required.includes(name),
      ...description === undefined ? {} : { description },
      // Defaults stand there as they would in a query: as text.
      schema: value.type === "integer" && "default" in value
        ? { ...value, default: Number(value.default) }
        : value,
    };
  });
}

function contentOf(body: BodyDescription<unknown>, schemas: Schemas): object {
  if ("json" in body) {
    const schema = hoisted(jsonSchema(body.json, "input"), schemas);
    return { "application/json": { schema } };
  }
  const file = { type: "string", contentMediaType: "application/octet-stream" };
  return {
    "multipart/form-data": {
      schema: {
        type: "object",
        properties: { [body.multipart]: file },
        required: [body.multipart],
      },
    },
  };
}

function answerOf(status: number, answer: AnswerDescription, schemas: Schemas): object {
  const { description } = answer;
  if ("json" in answer) {
    const schema = hoisted(jsonSchema(answer.json, "output"), schemas);
    return { description, content: { "application/json": { schema } } };
  }
  if ("content" in answer) return { description, content: { [answer.content]: {} } };
  return status >= 400 ? { description, content: ERROR_CONTENT } : { description };
}

/** What is taken is described as it comes in, what is given and what is a parameter as it goes out. */
function jsonSchema(schema: Schema, typeMode: "input" | "output"): ReturnType<typeof toJsonSchema> {
  const { $schema: _, ...described } = toJsonSchema(schema, { ...CONVERSION, typeMode });
  return described;
}

/** The schema with a reference in place of each part that has a title; the parts go into `schemas`, by their titles. */
function hoisted(schema: unknown, schemas: Schemas): unknown {
  if (Array.isArray(schema)) return schema.map((part) => hoisted(part, schemas));
  if (typeof schema !== "object" || schema === null) return schema;
  const parts = Object.entries(schema).map(([key, part]) => [key, hoisted(part, schemas)] as const);
  const { title, ...described } = Object.fromEntries(parts);
  // A property may be called so, too.
  if (typeof title !== "string") return Object.fromEntries(parts);
  schemas[title] = described;
  return { $ref: `#/components/schemas/${title}` };
}
