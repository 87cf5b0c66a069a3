// How authentication fails.

import { ApiError } from "../error.ts";

/** 401, with the challenge that RFC 6750 asks for. The message says which thing is wrong, and nothing of the token. */
export function unauthorized(message: string, cause?: unknown): ApiError {
  return new ApiError(
    401,
    message,
    { "www-authenticate": 'Bearer error="invalid_token"' },
    cause === undefined ? {} : { cause },
  );
}

/** 503: it cannot be told at the moment, so nobody gets in (FMSG-003 "Authentication": fail closed). */
export function unavailable(message: string, cause?: unknown): ApiError {
  return new ApiError(
    503,
    message,
    { "retry-after": "5" },
    cause === undefined ? {} : { cause },
  );
}
