// The JSON that authorities send (RFC 8555 7.1), read without trusting it.

import * as v from "valibot";
import { AcmeError } from "./error.ts";
import { CHECK_DIRECTORY, hostOf, oneLine } from "./http.ts";

/** A URL to be asked; whether it may be is the session's matter. */
const url = v.pipe(v.string(), v.maxLength(2048), v.url());
const text = v.pipe(v.string(), v.maxLength(10_000));
const optionalText = v.nullish(text, null);

const SUBPROBLEM = v.object({
  type: optionalText,
  detail: optionalText,
  identifier: v.nullish(v.object({ value: optionalText }), null),
});

export const PROBLEM = v.object({
  type: optionalText,
  detail: optionalText,
  instance: optionalText,
  subproblems: v.nullish(v.pipe(v.array(SUBPROBLEM), v.maxLength(100)), []),
});

export const DIRECTORY = v.object({
  newNonce: url,
  newAccount: url,
  newOrder: url,
  meta: v.nullish(
    v.object({
      termsOfService: optionalText,
      website: optionalText,
      externalAccountRequired: v.nullish(v.boolean(), false),
    }),
    {},
  ),
});

export const ACCOUNT = v.object({ status: text });

export const ORDER = v.object({
  status: v.picklist(["pending", "ready", "processing", "valid", "invalid"]),
  authorizations: v.pipe(v.array(url), v.minLength(1), v.maxLength(10)),
  finalize: url,
  certificate: v.nullish(url, null),
  error: v.nullish(PROBLEM, null),
});

const CHALLENGE = v.object({
  type: text,
  url,
  status: v.nullish(text, "pending"),
  /** RFC 8555 8.1: base64url, so it is a part of a path as it is. */
  token: v.nullish(v.pipe(text, v.maxLength(512), v.regex(/^[A-Za-z0-9_-]+$/)), null),
  error: v.nullish(PROBLEM, null),
});

export const AUTHORIZATION = v.object({
  status: v.picklist(["pending", "valid", "invalid", "deactivated", "expired", "revoked"]),
  challenges: v.pipe(v.array(CHALLENGE), v.maxLength(20)),
});

export type ProblemDocument = v.InferOutput<typeof PROBLEM>;
export type Directory = v.InferOutput<typeof DIRECTORY>;
export type Order = v.InferOutput<typeof ORDER>;
export type Authorization = v.InferOutput<typeof AUTHORIZATION>;
export type Challenge = v.InferOutput<typeof CHALLENGE>;

/** `what` is named in the AcmeError that is thrown when it is something else, such as a page for people. */
export function parseObject<const S extends v.GenericSchema>(
  schema: S,
  { text, url }: { readonly text: string; readonly url: string },
  what: string,
): v.InferOutput<S> {
  const result = v.safeParse(schema, parseJson(text));
  if (result.success) return result.output;
  const [issue] = result.issues;
  const place = v.getDotPath(issue);
  const why = place === null ? `it begins with "${oneLine(text).slice(0, 40)}"` : `"${place}"`;
  throw new AcmeError(
    "not understood",
    `${hostOf(url)} sent no ${what} of ACME (${why}): ${CHECK_DIRECTORY}`,
    { cause: new v.ValiError(result.issues) },
  );
}

/** Undefined when it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
