// Answers that handlers give.

/** JSON, as FMSG-003 wants every answer that is not content. */
export function jsonResponse(
  value: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  // As bytes, which are not on the heap, and of a length that the server can count while they wait.
  const body = new TextEncoder().encode(JSON.stringify(value));
  return new Response(body, {
    status,
    headers: {
      "content-type": "application/json",
      "content-length": String(body.length),
      ...headers,
    },
  });
}

/** 204, with nothing to say. */
export function noContent(): Response {
  return new Response(null, { status: 204 });
}
