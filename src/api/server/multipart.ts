// The one file of a multipart form, streamed to whoever takes it.

import type { Readable } from "node:stream";
import { Busboy, type BusboyInstance } from "@fastify/busboy";
import { ApiError } from "../error.ts";
import { boundedBody } from "./body.ts";

export interface UploadedFile {
  /** As the client wrote it. */
  readonly filename: string;
  /** The media type as the client wrote it; null where it gave none. */
  readonly type: string | null;
  /** As fast as they are taken, and no faster. Throws an ApiError when the form turns out to be broken or too large. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/**
 * Gives the file field `file` of a form of at most `limit` bytes to `take`, and what that gives once the form is seen to
 * have nothing else. Throws an ApiError, 400, 413 or 415, also when that shows after the file has been taken.
 */
export async function readFile<Taken>(
  request: Request,
  limit: number,
  take: (file: UploadedFile) => Promise<Taken>,
): Promise<Taken> {
  const form = new Form(request.headers.get("content-type"));
  const body = boundedBody(request, limit);
  const reading = form.read(body).catch((error: unknown) => form.fail(error));
  try {
    const file = await form.file;
    const taken = await take(file);
    // What nobody took of the file is read past.
    form.skip();
    await reading;
    form.throwIfFailed();
    return taken;
  } catch (error) {
    form.fail(error);
    await reading;
    // Whoever takes the file and refuses it breaks the form off: that is not what was wrong.
    if (error instanceof ApiError) throw error;
    form.throwIfFailed();
    throw error;
  } finally {
    await body.return(undefined);
  }
}

/** A form that is being read, up to its first fault. */
class Form {
  readonly #parser: BusboyInstance;
  readonly #file = Promise.withResolvers<UploadedFile>();
  readonly #ended = Promise.withResolvers<void>();
  #stream: Readable | null = null;
  #failure: { readonly error: unknown } | null = null;

  constructor(contentType: string | null) {
    this.#file.promise.catch(() => {});
    this.#ended.promise.catch(() => {});
    this.#parser = parserFor(contentType);
    this.#parser.on("file", (field, stream, filename, _encoding, type) => {
      stream.on("error", (error: Error) => this.fail(broken(error)));
      if (field !== "file" || this.#stream !== null) return this.fail(oneFile());
      if (filename === undefined) return this.fail(nameless());
      this.#stream = stream;
      this.#file.resolve({ filename, type: type === NO_TYPE ? null : type, bytes: stream });
    });
    this.#parser.on("field", () => this.fail(oneFile()));
    for (const limit of ["partsLimit", "filesLimit", "fieldsLimit"] as const) {
      this.#parser.on(limit, () => this.fail(oneFile()));
    }
    this.#parser.on("error", (error) => this.fail(broken(error)));
    this.#parser.on("finish", () => {
      if (this.#stream === null) this.fail(oneFile());
      this.#ended.resolve();
    });
  }

  /** Resolves when the file begins; rejects with what is wrong with the form before. */
  get file(): Promise<UploadedFile> {
    return this.#file.promise;
  }

  /** Feeds the form as fast as its file is taken. */
  async read(body: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of body) {
      const written = new Promise<void>((resolve) => this.#parser.write(chunk, () => resolve()));
      await Promise.race([written, this.#ended.promise]);
    }
    this.#parser.end();
    await this.#ended.promise;
  }

  /** The first fault counts, and ends the reading wherever it is. */
  fail(error: unknown): void {
    if (this.#failure !== null) return;
    this.#failure = { error };
    this.#file.reject(error);
    this.#ended.reject(error);
    this.#stream?.destroy(error instanceof Error ? error : undefined);
  }

  skip(): void {
    this.#stream?.resume();
  }

  throwIfFailed(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }
}

/** What the parser calls a part whose type is not told. */
const NO_TYPE = "text/plain";

/** Of one part: `content-disposition` with a name of 255 bytes, and `content-type`. */
const MAX_HEADER_BYTES = 8 * 1024;

function parserFor(contentType: string | null): BusboyInstance {
  if (contentType === null || !/^multipart\/form-data *;/i.test(contentType)) {
    throw new ApiError(415, "The file has to be sent as multipart/form-data");
  }
  try {
    return new Busboy({
      headers: { "content-type": contentType },
      // Names with a path in them are for the route to refuse.
      preservePath: true,
      limits: {
        files: 1,
        fields: 1,
        parts: 2,
        fieldSize: 1024,
        headerPairs: 16,
        headerSize: MAX_HEADER_BYTES,
      },
    });
  } catch (error) {
    throw broken(error);
  }
}

function oneFile(): ApiError {
  return new ApiError(400, 'The form has to have one file field named "file", and nothing else');
}

function nameless(): ApiError {
  return new ApiError(400, "The file has no name: give it one as filename");
}

function broken(cause: unknown): unknown {
  return cause instanceof ApiError
    ? cause
    : new ApiError(400, "The form is broken: it is no complete multipart/form-data", {}, { cause });
}
