// Answers that handlers give.

/** JSON, as FMSG-003 wants every answer that is not content. */
export function jsonResponse(
  value: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}

/** 204, with nothing to say. */
export function noContent(): Response {
  return new Response(null, { status: 204 });
}
