// The JSON of a request: bounded before and while it is read, and in its shape before it is parsed (row N9).

import { ApiError } from "../error.ts";
import { JsonShape } from "./json_shape.ts";
import { TakingTurns } from "./taking_turns.ts";

/** The value of a request's body of at most `limit` bytes. Throws an ApiError: 400, 413 or 415. */
export async function readJson(request: Request, limit: number): Promise<unknown> {
  if (!isJson(request.headers.get("content-type"))) {
    throw new ApiError(415, "The body has to be JSON: send it as content-type: application/json");
  }
  const text = await readText(request, limit);
  const parsed = (): unknown => JSON.parse(text);
  try {
    return text.length < LARGE ? parsed() : await LARGE_TEXTS.do(parsed);
  } catch (error) {
    throw new ApiError(400, text.length === 0 ? NO_BODY : NO_JSON, {}, { cause: error });
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

const NO_BODY = "The request has no body: it needs a JSON object";
const NO_JSON = "The body is no JSON in UTF-8";

/** FMSG-003: with an optional charset of UTF-8. Clients that do not say what they send are believed to send JSON. */
function isJson(contentType: string | null): boolean {
  return contentType === null || JSON_TYPE.test(contentType);
}

const JSON_TYPE = /^application\/json[ \t]*(?:;[ \t]*charset=(?:utf-8|"utf-8")[ \t]*)?;?[ \t]*$/i;

/** Characters of text that take more than a moment to parse; all of them block all else. */
const LARGE = 512 * 1024;

const LARGE_TEXTS = new TakingTurns();

/** Looked at and decoded as it comes in: at once, that would take longer than the parsing. */
async function readText(request: Request, limit: number): Promise<string> {
  const shape = new JsonShape();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const decoded = (piece?: Uint8Array): string => {
    try {
      return decoder.decode(piece, { stream: piece !== undefined });
    } catch (error) {
      throw new ApiError(400, NO_JSON, {}, { cause: error });
    }
  };
  let text = "";
  for await (const chunk of boundedBody(request, limit)) {
    shape.add(chunk);
    text += decoded(chunk);
  }
  return text + decoded();
}

function tooLarge(limit: number): ApiError {
  return new ApiError(413, `The body is too large: it may have ${limit} bytes`);
}
