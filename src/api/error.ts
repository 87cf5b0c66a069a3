// A refusal by the interface.

/** The statuses of FMSG-003 "Errors", and those of HTTP that a server's own limits need. */
export type ErrorStatus =
  | 400
  | 401
  | 403
  | 404
  | 405
  | 408
  | 409
  | 413
  | 415
  | 416
  | 426
  | 429
  | 500
  | 501
  | 503
  | 507;

/** Ends a request with this status and `{"error": message}`. The message is for people, and tells nothing that is hidden. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly status: ErrorStatus,
    message: string,
    /** Headers besides, such as `retry-after`. */
    readonly headers: Readonly<Record<string, string>> = {},
    options: ErrorOptions = {},
  ) {
    super(message, options);
  }
}
