// What the store refuses, as statuses of HTTP.

import type { Problem } from "../protocol/mod.ts";
import { ApiError, type ErrorStatus } from "./error.ts";

/** The same for what is hidden and for what is absent (row N2). */
export function notFound(): ApiError {
  return new ApiError(404, "There is no such message");
}

/** A sent message is immutable: 403, but for a second send, which is a conflict (row N3). */
export function alreadySent(status: 403 | 409 = 403): ApiError {
  return new ApiError(
    status,
    status === 403
      ? "The message was sent: it can be neither changed nor deleted"
      : "The message was sent before",
  );
}

/** The refusal of an operation. `sent` is the status where the operation wanted an unsent draft. */
export function problemError(problem: Problem, sent: 403 | 409 = 403): ApiError {
  switch (problem.reason) {
    case "message not found":
      return notFound();
    case "already sent":
      return alreadySent(sent);
    default:
      return new ApiError(statusOf(problem.reason), problem.message);
  }
}

type OtherReason = Exclude<Problem["reason"], "message not found" | "already sent">;

function statusOf(reason: OtherReason): ErrorStatus {
  switch (reason) {
    case "bad address":
    case "bad recipients":
    case "bad content":
      return 400;
    case "link not valid":
      return 401;
    case "sender unknown":
    case "not a participant":
    case "over quota":
    case "too many grants":
    case "user switched off":
      return 403;
    case "user unknown":
    case "grant not found":
      return 404;
    case "cannot be delivered":
    case "already added":
    case "already granted":
    case "changed meanwhile":
    case "still waiting":
      return 409;
    case "too big":
      return 413;
  }
}
