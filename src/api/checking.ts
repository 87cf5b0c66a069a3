// What a request says in its path, its query and its body, checked; a 400 in plain words for what is wrong.

import * as v from "valibot";
import { ApiError } from "./error.ts";

/** A schema of valibot's that needs no waiting. */
export type Schema<Output = unknown> = v.GenericSchema<unknown, Output>;

type Place = "path" | "query" | "body";

/** The parameters of a path like `/fmsg/:id/attach/:filename`, each one segment, decoded once. */
export function pathParameters(path: string, url: URL): Record<string, string> {
  const segments = url.pathname.split("/");
  const parameters: Record<string, string> = {};
  for (const [i, name] of path.split("/").entries()) {
    if (name.startsWith(":")) parameters[name.slice(1)] = decoded(segments[i] ?? "");
  }
  return parameters;
}

/** The parameters of the query. Of one that is repeated the last counts. */
export function queryParameters(url: URL): Record<string, string> {
  return Object.fromEntries(url.searchParams);
}

/** What the schema makes of the value. Throws an ApiError with 400 when it does not fit. */
export function valid<Output>(
  schema: Schema<Output> | undefined,
  value: unknown,
  place: Place,
): Output {
  // Without a schema nothing gives `Output` a name: it is `unknown`, and every value is of that type.
  if (schema === undefined) return undefined as Output;
  const result = v.safeParse(schema, value, { abortEarly: true, abortPipeEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new ApiError(400, wordsFor(issue, place));
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (error) {
    throw new ApiError(400, "The path holds a % that encodes nothing: encode it as UTF-8", {}, {
      cause: error,
    });
  }
}

/** Of what was sent only names are repeated: the rest may be content, or a secret. */
function wordsFor(issue: v.BaseIssue<unknown>, place: Place): string {
  const path = v.getDotPath(issue);
  const what = path === null ? `The ${place}` : `"${path}"`;
  // Schemas of the interface say what they want in words of their own; valibot's begin so.
  if (!issue.message.startsWith("Invalid ")) {
    return path === null ? issue.message : `${what}: ${issue.message}`;
  }
  if (issue.received === "undefined") return `${what} is missing`;
  return `${what} has to be ${WANTED.get(issue.type) ?? issue.expected ?? "something else"}`;
}

/** Kinds of values in plain words, by the names that valibot gives to checks for them. */
const WANTED: ReadonlyMap<string, string> = new Map([
  ["array", "an array"],
  ["boolean", "true or false"],
  ["integer", "an integer"],
  ["number", "a number"],
  ["object", "an object"],
  ["string", "a text"],
]);
