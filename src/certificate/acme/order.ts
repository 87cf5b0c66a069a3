// One order, from wherever it stands to its certificate (RFC 8555 7.4, 7.5).

import type { Account } from "./account.ts";
import { AcmeError } from "./error.ts";
import { AUTHORIZATION, type Authorization, type Challenge, ORDER, type Order } from "./objects.ts";
import { type Pace, poll } from "./polling.ts";
import { type Circumstances, problemError } from "./problem.ts";
import type { Responder } from "./responder.ts";
import type { Received, Session, Signer } from "./session.ts";
import type { AcmeStep } from "./step.ts";

export interface OrderParts {
  readonly session: Session;
  readonly account: Account;
  readonly responder: Responder;
  readonly name: string;
  /** Where the authority keeps the order. */
  readonly url: string;
  /** PEM; the certificate will be for it. */
  readonly key: string;
  /** Called before the authority is asked to validate, which it does by asking for the token. */
  readonly challenged: (token: string) => void;
  /** Called when the authority has made the certificate, unless it had before. */
  readonly issued: () => void;
  readonly progress: (step: AcmeStep) => void;
  /** Milliseconds between two questions. */
  readonly pollMs: number;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/**
 * Brings the order to its end; the URL of the certificate. Throws an AcmeError or the reason of the signal. An order is a
 * state of the authority's: whatever of this was done before, by an earlier try perhaps, is not done again.
 */
export async function fulfil(parts: OrderParts): Promise<string> {
  const { session, account, name, url, signal } = parts;
  let wasValid = true;
  const advance = async (): Promise<Received<Order>> => {
    const order = await session.postFor(ORDER, "order", url, null, account, signal);
    if (order.value.status !== "valid") wasValid = false;
    if (order.value.status === "pending") {
      for (const authorization of order.value.authorizations) await authorize(parts, authorization);
    } else if (order.value.status === "ready") {
      await finalize(parts, order.value);
    }
    return order;
  };
  const { status, certificate, error } = await poll(advance, isThrough, pace(parts));
  if (status === "valid" && !wasValid) parts.issued();
  if (status === "valid" && certificate !== null) return certificate;
  if (error !== null) throw problemError(error, about(parts, null));
  throw new AcmeError(
    "not understood",
    `${session.authority} leaves the order for ${name} ${status} and does not say why: try again later`,
  );
}

function isThrough({ status }: Order): boolean {
  return status === "valid" || status === "invalid";
}

/** Makes one name valid, unless it is already (RFC 8555 7.5). */
async function authorize(parts: OrderParts, url: string): Promise<void> {
  const { session, account, responder, name, progress, signal } = parts;
  const ask = (): Promise<Received<Authorization>> =>
    session.postFor(AUTHORIZATION, "authorization", url, null, account, signal);
  const authorization = (await ask()).value;
  const challenge = httpChallenge(authorization);
  if (authorization.status === "pending") {
    if (challenge === null) throw noHttpChallenge(parts, authorization);
    responder.answer(challenge.token, keyAuthorization(challenge.token, account));
    progress({ kind: "validating", name });
    parts.challenged(challenge.token);
    // One that is under way since an earlier try goes on by itself.
    if (challenge.status === "pending") {
      await session.post(challenge.url, {}, account, signal);
    }
  }
  const through = await poll(ask, ({ status }) => status !== "pending", pace(parts));
  if (through.status === "valid") return progress({ kind: "validated", name });
  const heard = challenge === null ? 0 : responder.answered(challenge.token);
  const problem = through.challenges.find(({ error }) => error !== null)?.error ?? null;
  if (problem !== null) throw problemError(problem, about(parts, heard));
  throw new AcmeError(
    "not understood",
    `${session.authority} says that ${name} is ${through.status} and not why: try again later`,
  );
}

/** RFC 8555 8.1. */
export function keyAuthorization(token: string, { key }: Signer): string {
  return `${token}.${key.thumbprint}`;
}

/** Tells the authority what to sign. It may have thought otherwise of the order meanwhile; then the order tells. */
async function finalize(
  { session, account, name, key, progress, signal }: OrderParts,
  order: Order,
): Promise<void> {
  progress({ kind: "issuing", name });
  const { makeRequest } = await import("./request.ts");
  const csr = await makeRequest(name, key);
  try {
    await session.post(order.finalize, { csr }, account, signal);
  } catch (error) {
    // RFC 8555 7.4: the order is to be asked what it wants.
    if (!(error instanceof AcmeError) || error.problem !== "orderNotReady") throw error;
  }
}

type HttpChallenge = Challenge & { readonly token: string };

function httpChallenge({ challenges }: Authorization): HttpChallenge | null {
  for (const challenge of challenges) {
    const { type, token } = challenge;
    if (type === "http-01" && token !== null) return { ...challenge, token };
  }
  return null;
}

function noHttpChallenge({ session, name }: OrderParts, { challenges }: Authorization): AcmeError {
  const offered = challenges.map(({ type }) => type).join(", ") || "nothing";
  return new AcmeError(
    "name refused",
    `${session.authority} wants ${name} proved by ${offered}, not by HTTP (http-01), which is all that fmsg can: choose another authority, or use files (tls.cert, tls.key)`,
  );
}

function about(
  { session, name }: OrderParts,
  heard: number | null,
): Circumstances {
  return { authority: session.authority, name, heard, retryAfter: null };
}

function pace({ pollMs, now, signal }: OrderParts): Pace {
  return { firstMs: pollMs, now, signal };
}
