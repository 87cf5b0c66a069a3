// The content of a message that is composed here: read, compressed where that makes it smaller, and staged.

import { createDeflate, deflateSync } from "node:zlib";
import { pipeline, Readable } from "node:stream";
import { type ComposedPart, turn } from "../protocol/mod.ts";
import { type ContentSource, ContentStaging, type StoreWriter } from "../store/mod.ts";

/** Where a part's bytes come from; it may be read twice. */
export interface PartInput {
  /** The media type in words. */
  readonly type: string;
  open(): AsyncIterable<Uint8Array>;
}

/** Compressed parts up to this size are kept from counting to staging, so that they are compressed once. */
const KEPT = 1024 * 1024;

/** What is compressed by its format; deflating it again costs time and gains nothing. */
export const COMPRESSED =
  /^(?:image\/(?!bmp|svg|tiff)|video\/|audio\/(?!midi|vnd\.wave)|font\/woff|application\/(?:epub|gzip|pdf|zip|vnd\.(?:amazon|oasis|openxmlformats)))/i;

/** The parts as a header declares them, and their content in the order of the wire. */
export interface StagedParts extends AsyncDisposable {
  readonly parts: readonly ComposedPart[];
  readonly content: ContentSource;
  /** Tells that an operation took the content. */
  adopted(): void;
}

/** Reads all parts, with little of them in memory at any time. Throws an Error when one changes between two reads. */
export async function stageParts(
  writer: StoreWriter,
  inputs: readonly PartInput[],
): Promise<StagedParts> {
  const measured: Measured[] = [];
  for (const input of inputs) measured.push(await measure(input));
  const size = measured.reduce((sum, { part }) => sum + part.size, 0);
  await using building = new AsyncDisposableStack();
  const staging = building.use(new ContentStaging(writer, size));
  for (const { part, bytes } of measured) {
    let written = 0;
    for await (const chunk of bytes()) {
      written += chunk.length;
      if (written > part.size) break;
      await staging.write(chunk);
    }
    if (written !== part.size) throw new Error("A file changed while it was read: try again");
  }
  const content = await staging.source();
  building.move();
  return {
    parts: measured.map(({ part }) => part),
    content,
    adopted: () => staging.adopted(),
    [Symbol.asyncDispose]: () => staging[Symbol.asyncDispose](),
  };
}

interface Measured {
  readonly part: ComposedPart;
  /** The bytes as they go over the wire. */
  bytes(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

async function measure(input: PartInput): Promise<Measured> {
  const { type } = input;
  let size = 0;
  const kept: Uint8Array[] = [];
  for await (const chunk of input.open()) {
    size += chunk.length;
    if (size <= KEPT) kept.push(chunk);
  }
  const small = size <= KEPT;
  const raw: Measured = {
    part: { type, size, expandedSize: null },
    bytes: () => small ? kept : input.open(),
  };
  if (COMPRESSED.test(type) || size === 0) return raw;
  if (small) {
    const deflated = deflateSync(join(kept, size));
    return deflated.length < size
      ? { part: { type, size: deflated.length, expandedSize: size }, bytes: () => [deflated] }
      : raw;
  }
  const deflated = (): AsyncIterable<Uint8Array> => deflatedStream(input.open());
  let deflatedSize = 0;
  for await (const chunk of deflated()) deflatedSize += chunk.length;
  return deflatedSize < size
    ? { part: { type, size: deflatedSize, expandedSize: size }, bytes: deflated }
    : raw;
}

/**
 * Deflates as it is read, a piece in each turn: the runtime compresses all of what it is given before anybody else has
 * one. An error of the input ends it; who reads no further ends the input.
 */
export function deflatedStream(input: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return pipeline(Readable.from(inPieces(input)), createDeflate(), () => {});
}

const PIECE = 64 * 1024;

async function* inPieces(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of input) {
    for (let at = 0; at < chunk.length; at += PIECE) {
      await turn();
      yield chunk.subarray(at, at + PIECE);
    }
  }
}

export function join(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
