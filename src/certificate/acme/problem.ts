// What an authority complains of (RFC 7807, RFC 8555 6.7), in words that say what to do.

import { AcmeError, type AcmeFailure } from "./error.ts";
import { type AcmeAnswer, hostOf, oneLine, retryAfterOf } from "./http.ts";
import { parseJson, PROBLEM, type ProblemDocument } from "./objects.ts";
import * as v from "valibot";

const NAMESPACE = "urn:ietf:params:acme:error:";

/** What is known beside the problem itself. */
export interface Circumstances {
  /** The authority. */
  readonly authority: string;
  /** The name that the certificate is for. */
  readonly name: string;
  /** Requests of the authority that this machine answered; null: the problem is not about a validation. */
  readonly heard: number | null;
  readonly retryAfter: Date | null;
}

/** The error for an answer that is none that was asked for. */
export function refusal(answer: AcmeAnswer, name: string, now: number): AcmeError {
  const authority = hostOf(answer.url);
  const retryAfter = retryAfterOf(answer.headers, now);
  const problem = v.safeParse(PROBLEM, parseJson(answer.text));
  if (problem.success && problem.output.type !== null) {
    // Whatever the authority calls it: a fault of its own is none of ours.
    const type = answer.status >= 500 ? `${NAMESPACE}serverInternal` : problem.output.type;
    return problemError({ ...problem.output, type }, {
      authority,
      name,
      heard: null,
      retryAfter,
    });
  }
  if (answer.status === 429) {
    const wait = untilText(retryAfter);
    return new AcmeError("rate limited", `${authority} wants fewer requests: wait ${wait}`, {
      retryAfter,
      problem: "rateLimited",
    });
  }
  const shown = oneLine(answer.text).slice(0, 60);
  const what = `${authority} answers ${answer.status}${shown === "" ? "" : ` ("${shown}")`}`;
  return answer.status >= 500
    ? new AcmeError("unreachable", `${what}: it has a fault, wait until it is well again`, {
      retryAfter,
    })
    : new AcmeError("not understood", `${what}: check the URL in tls.acme.directory`, {
      retryAfter,
    });
}

/** The error for a problem document. Of several problems the first that is known is told. */
export function problemError(problem: ProblemDocument, about: Circumstances): AcmeError {
  const parts = [problem, ...problem.subproblems];
  const told = parts.find(({ type }) => explain(nameOf(type), problem, about) !== null) ?? problem;
  const type = nameOf(told.type);
  const [failure, text] = explain(type, problem, about) ??
    ["not understood", `${about.authority} refuses this with "${oneLine(type)}"`];
  const details = [...new Set([problem.detail, told.detail])].filter((detail) => detail !== null);
  const says = details.length === 0 ? "" : ` (it says: ${oneLine(details.join("; "))})`;
  return new AcmeError(failure, text + says, { retryAfter: about.retryAfter, problem: type });
}

/** When, as people read it. */
function untilText(time: Date | null): string {
  if (time === null) return "some hours";
  return `until ${time.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

function nameOf(type: string | null): string {
  return type?.startsWith(NAMESPACE) ? type.slice(NAMESPACE.length) : type ?? "";
}

/** Null for what is not known. */
function explain(
  type: string,
  { instance }: ProblemDocument,
  { authority, name, heard, retryAfter }: Circumstances,
): readonly [AcmeFailure, string] | null {
  switch (type) {
    case "dns":
      return [
        "dns",
        `${authority} cannot look up ${name}: add its address records (A, AAAA) to the DNS, and wait until they are seen`,
      ];
    case "connection":
    case "tls":
      return [
        "connection",
        `${authority} cannot reach port 80 of ${name}${evidence(heard)}: ` +
        "open it in the firewall, forward it in the router, and see that the DNS names this machine's address (and no AAAA record where IPv6 does not arrive)",
      ];
    case "unauthorized":
    case "incorrectResponse":
      return heard === null
        ? ["unauthorized", `${authority} does not let this account do that for ${name}`]
        : [
          "unauthorized",
          heard === 0
            ? `Somebody else answers on port 80 of ${name}${evidence(heard)}: ` +
              "see that the DNS names this machine only, and that a web server there passes /.well-known/acme-challenge/ on to tls.acme.listen"
            : `${authority} got another answer than this host gave${evidence(heard)}: ` +
              `see that the DNS names no other machine for ${name}, and that nothing between changes it`,
        ];
    case "caa":
      return [
        "caa",
        `A CAA record forbids ${authority} to give a certificate for ${name}: add one to the DNS that allows it, or choose the authority that is named there`,
      ];
    case "rateLimited":
      return [
        "rate limited",
        `${authority} gives no more for ${name} for now: wait ${untilText(retryAfter)}`,
      ];
    case "rejectedIdentifier":
    case "unsupportedIdentifier":
      return [
        "name refused",
        `${authority} gives no certificates for ${name}: choose another authority, or use files (tls.cert, tls.key)`,
      ];
    case "userActionRequired": {
      const where = instance === null ? "with the authority" : `at ${oneLine(instance)}`;
      return ["account", `${authority} wants something from you first: look ${where}`];
    }
    case "externalAccountRequired":
      return ["account", externalAccount(authority)];
    case "invalidContact":
    case "unsupportedContact":
      return ["account", `${authority} does not take the address in tls.acme.email: correct it`];
    case "accountDoesNotExist":
      return [
        "account",
        `${authority} does not know its account any more, nor a new one: try again later`,
      ];
    case "serverInternal":
      return ["unreachable", `${authority} has a fault: wait until it is well again`];
    case "badNonce":
      return [
        "unreachable",
        `${authority} takes none of the nonces that it gives: wait until it is well again`,
      ];
    case "malformed":
    case "badCSR":
    case "badPublicKey":
    case "badSignatureAlgorithm":
    case "orderNotReady":
      return [
        "not understood",
        `${authority} does not take what it was sent (${type}): choose another authority, or report this as a fault of fmsg`,
      ];
    default:
      return null;
  }
}

/** Of use to whoever wants to know which end is at fault. */
function evidence(heard: number | null): string {
  if (heard === null) return "";
  return heard === 0
    ? ", and no request of it arrived here"
    : `, although ${heard === 1 ? "a request" : `${heard} requests`} arrived here`;
}

export function externalAccount(authority: string): string {
  return `${authority} gives certificates only to accounts made on its web site (external account binding), which fmsg cannot use: choose another authority, or use files (tls.cert, tls.key)`;
}
