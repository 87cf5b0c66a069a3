// The OpenAPI 3.1 description of the interface, from the descriptions and schemas by which the routes work.

import { type ConversionConfig, toJsonSchema, toJsonSchemaDefs } from "@valibot/to-json-schema";
import * as v from "valibot";
import { MESSAGE, MESSAGE_ITEM } from "./message_json.ts";
import { jsonResponse } from "./response.ts";
import {
  type AnswerDescription,
  type BodyDescription,
  openRoute,
  type Route,
  type RouteDescription,
  type Schema,
} from "./route.ts";

/** `GET /fmsg/openapi.json`: describes these routes, and itself. */
export function openApiRoute(routes: readonly Route[]): Route {
  let made: object | null = null;
  const self = openRoute({
    method: "get",
    path: "/fmsg/openapi.json",
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
  for (const { description } of routes) {
    const path = description.path.replace(/:([a-z_]+)/g, "{$1}");
    paths[path] = { ...paths[path], [description.method]: operation(description) };
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
            "POST /fmsg/token gave for an API key. To that route the API key itself is the bearer.",
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
      schemas: {
        ...toJsonSchemaDefs(DEFINITIONS, CONVERSION),
        Event: {
          type: "object",
          description: "A text frame of the WebSocket; other types may come, and are to be ignored",
          properties: {
            type: { enum: ["new_msg", "delivered", "recipients_added"] },
            data: { $ref: "#/components/schemas/MessageItem" },
          },
          required: ["type", "data"],
        },
        Error: {
          type: "object",
          properties: { error: { type: "string", description: "For people; not stable" } },
          required: ["error"],
        },
      },
      responses: {
        Error: {
          description:
            "400 wrong input, 401 no valid token, 403 not permitted, 404 absent or hidden, " +
            "409 not in this state, 413 too large, 429 too many requests, 500, 503",
          content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
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

const DEFINITIONS = { Message: MESSAGE, MessageItem: MESSAGE_ITEM };

const CONVERSION: ConversionConfig = {
  target: "draft-2020-12",
  // Checks in code have no words in JSON Schema.
  errorMode: "ignore",
  typeMode: "output",
  definitions: DEFINITIONS,
  overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
};

const SOCKET = {
  operationId: "get_fmsg_ws",
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

function operation(description: RouteDescription<unknown, unknown, unknown>): object {
  const { method, path, summary, admission, params, query, body, answers } = description;
  const actAs = admission === "identity" ? [{ $ref: "#/components/parameters/ActAs" }] : [];
  return {
    operationId: `${method}${path.replace(/[^a-z]+/g, "_").replace(/_$/, "")}`,
    summary,
    ...admission === "open" ? { security: [] } : {},
    parameters: [...parametersOf(params, "path"), ...parametersOf(query, "query"), ...actAs],
    ...body === undefined ? {} : { requestBody: { required: true, content: contentOf(body) } },
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [status, answerOf(answer)]),
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

function contentOf(body: BodyDescription<unknown>): object {
  if ("json" in body) return { "application/json": { schema: jsonSchema(body.json, "input") } };
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

function answerOf(answer: AnswerDescription): object {
  const { description } = answer;
  if ("json" in answer) {
    const schema = jsonSchema(answer.json, "output");
    return { description, content: { "application/json": { schema } } };
  }
  return "content" in answer ? { description, content: { [answer.content]: {} } } : { description };
}

/** What is taken is described as it comes in, what is given and what is a parameter as it goes out. */
function jsonSchema(schema: Schema, typeMode: "input" | "output"): ReturnType<typeof toJsonSchema> {
  const { $schema: _, $defs: __, ...described } = toJsonSchema(schema, { ...CONVERSION, typeMode });
  return described;
}
