// What comes to an ACME server for tests, and what it may answer.

import type { IncomingMessage } from "node:http";

export type Resource =
  | "directory"
  | "new-nonce"
  | "new-account"
  | "account"
  | "new-order"
  | "order"
  | "authorization"
  | "challenge"
  | "finalize"
  | "certificate";

/** A request that came, after its signature and nonce were found right. */
export interface AcmeCall {
  readonly resource: Resource;
  /** Which one of this resource, from 1. */
  readonly count: number;
  /** null: POST-as-GET, or no POST. */
  readonly payload: Record<string, unknown> | null;
  /** The account's URL; null where there is none. */
  readonly kid: string | null;
  readonly headers: IncomingMessage["headers"];
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What to do in the place of the usual answer: another one, silence, or half of the usual one and then nothing more. */
export type Twist = Reply | "silence" | "cut" | null;

export const PROBLEMS = "urn:ietf:params:acme:error:";

/** A problem document (RFC 7807). */
export function problem(
  type: string,
  { status = 403, detail = `This is ${type}`, headers = {}, ...rest }: {
    status?: number;
    detail?: string;
    headers?: Record<string, string>;
    instance?: string;
    subproblems?: object[];
  } = {},
): Reply {
  return {
    status,
    headers: { "content-type": "application/problem+json", ...headers },
    body: JSON.stringify({ type: PROBLEMS + type, detail, status, ...rest }),
  };
}
