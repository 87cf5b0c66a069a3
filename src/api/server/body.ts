// The JSON of a request: bounded before and while it is read, and in its shape before it is parsed (row N9).

import { ApiError } from "../error.ts";
import { checkShape } from "./json_shape.ts";

/** The value of a request's body of at most `limit` bytes. Throws an ApiError: 400, 413 or 415. */
export async function readJson(request: Request, limit: number): Promise<unknown> {
  if (!isJson(request.headers.get("content-type"))) {
    throw new ApiError(415, "The body has to be JSON: send it as content-type: application/json");
  }
  const bytes = await readBytes(request, limit);
  checkShape(bytes);
  try {
    const value: unknown = JSON.parse(UTF_8.decode(bytes));
    return value;
  } catch (error) {
    throw new ApiError(400, bytes.length === 0 ? NO_BODY : NO_JSON, {}, { cause: error });
  }
}

/** The chunks of a request's body. Throws an ApiError with 413 as soon as it is seen to have more than `limit` bytes. */
export async function* boundedBody(
  request: Request,
  limit: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  // Not a byte is read of what says itself that it is too large.
  if (Number(request.headers.get("content-length") ?? 0) > limit) throw tooLarge(limit);
  if (request.body === null) return;
  let size = 0;
  for await (const chunk of request.body) {
    size += chunk.length;
    if (size > limit) throw tooLarge(limit);
    yield chunk;
  }
}

const UTF_8 = new TextDecoder("utf-8", { fatal: true });

const NO_BODY = "The request has no body: it needs a JSON object";
const NO_JSON = "The body is no JSON in UTF-8";

/** FMSG-003: with an optional charset of UTF-8. Clients that do not say what they send are believed to send JSON. */
function isJson(contentType: string | null): boolean {
  return contentType === null || JSON_TYPE.test(contentType);
}

const JSON_TYPE = /^application\/json[ \t]*(?:;[ \t]*charset=(?:utf-8|"utf-8")[ \t]*)?;?[ \t]*$/i;

async function readBytes(request: Request, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of boundedBody(request, limit)) {
    chunks.push(chunk);
    size += chunk.length;
  }
  const [first] = chunks;
  if (first !== undefined && chunks.length === 1) return first;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function tooLarge(limit: number): ApiError {
  return new ApiError(413, `The body is too large: it may have ${limit} bytes`);
}
