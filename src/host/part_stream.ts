// One part that streams in, of unknown size and readable once: compressed where that makes it smaller, and staged.

import { deflateSync } from "node:zlib";
import type { ComposedPart } from "../protocol/mod.ts";
import { type ContentSource, ContentStaging, type StoreWriter } from "../store/mod.ts";
import { COMPRESSED, deflatedStream, join, stageParts } from "./parts.ts";

/** As it is stored. */
export interface StagedPart extends AsyncDisposable {
  readonly part: ComposedPart;
  readonly content: ContentSource;
  /** Tells that an operation took the content. */
  adopted(): void;
}

/** A part up to this size waits in memory, so that it is compressed only if that makes it smaller. */
const KEPT = 128 * 1024;

/**
 * Stages a part of at most `most` bytes. Whether a large one is compressed is told by its beginning: where that saves
 * more than a thousandth of all there may be, deflating cannot make the whole larger, whatever follows.
 */
export async function stageStream(
  writer: StoreWriter,
  type: string,
  input: AsyncIterable<Uint8Array>,
  most: number,
): Promise<StagedPart> {
  await using building = new AsyncDisposableStack();
  const rest = input[Symbol.asyncIterator]();
  building.defer(async () => void await rest.return?.());
  const { chunks, size, ended } = await begin(rest);
  if (ended) return await stageWhole(writer, type, chunks);
  const isCompressed = !COMPRESSED.test(type) &&
    size - deflateSync(join(chunks, size)).length > most / 1000;
  const staging = building.use(new ContentStaging(writer, Math.max(most, size)));
  const read = { bytes: 0 };
  const all = chained(chunks, rest, read);
  let stored = 0;
  for await (const chunk of isCompressed ? deflatedStream(all) : all) {
    stored += chunk.length;
    await staging.write(chunk);
  }
  const content = await staging.source();
  building.move();
  return {
    part: { type, size: stored, expandedSize: isCompressed ? read.bytes : null },
    content,
    adopted: () => staging.adopted(),
    [Symbol.asyncDispose]: () => staging[Symbol.asyncDispose](),
  };
}

interface Beginning {
  readonly chunks: readonly Uint8Array[];
  readonly size: number;
  /** Is this all? */
  readonly ended: boolean;
}

async function begin(input: AsyncIterator<Uint8Array>): Promise<Beginning> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  while (size <= KEPT) {
    const next = await input.next();
    if (next.done === true) return { chunks, size, ended: true };
    chunks.push(next.value);
    size += next.value.length;
  }
  return { chunks, size, ended: false };
}

async function stageWhole(
  writer: StoreWriter,
  type: string,
  chunks: readonly Uint8Array[],
): Promise<StagedPart> {
  const staged = await stageParts(writer, [{ type, open: () => inTurn(chunks) }]);
  const [part] = staged.parts;
  if (part === undefined) throw new TypeError("What was staged has no part");
  return {
    part,
    content: staged.content,
    adopted: () => staged.adopted(),
    [Symbol.asyncDispose]: () => staged[Symbol.asyncDispose](),
  };
}

async function* inTurn(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void> {
  yield* chunks;
}

async function* chained(
  chunks: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
  read: { bytes: number },
): AsyncGenerator<Uint8Array, void> {
  for (const chunk of chunks) {
    read.bytes += chunk.length;
    yield chunk;
  }
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
    read.bytes += next.value.length;
    yield next.value;
  }
}
