// Content in chunk rows, or in pieces that are contents: staging, adopting, reading and removing it.

import type { Bytes } from "../wire/mod.ts";
import { type Database, StoreError } from "./database.ts";
import type { ContentSource } from "./operations.ts";

/** Bytes in a chunk row; all but the last of a content have exactly so many. */
export const CHUNK_SIZE = 64 * 1024;

/** Chunk n of content c has the row id c * 2^20 + n: 64 GiB a content, and no index to keep. */
export const CHUNKS_PER_CONTENT = 2 ** 20;

/** The content of `id` from the byte `start` up to `end`, chunk by chunk. */
export function* readContent(
  db: Database,
  id: number,
  start = 0,
  end = Infinity,
): Generator<Bytes, void> {
  const pieces = db.all("SELECT part, start FROM piece WHERE content = ? ORDER BY place", id);
  if (pieces.length === 0) return yield* readChunks(db, id, start, end);
  for (const [i, piece] of pieces.entries()) {
    const first = piece.integer("start");
    const next = pieces[i + 1]?.integer("start") ?? Infinity;
    const [from, to] = [Math.max(start, first), Math.min(end, next)];
    if (from < to) yield* readChunks(db, piece.integer("part"), from - first, to - first);
  }
}

function* readChunks(db: Database, id: number, start: number, end: number): Generator<Bytes, void> {
  let at = start;
  while (at < end) {
    const row = db.get(
      "SELECT bytes FROM chunk WHERE id = ?",
      id * CHUNKS_PER_CONTENT + Math.floor(at / CHUNK_SIZE),
    );
    if (row === null) return;
    const bytes = row.blob("bytes");
    const from = at % CHUNK_SIZE;
    yield bytes.subarray(from, Math.min(bytes.length, from + end - at));
    at += bytes.length - from;
    if (bytes.length < CHUNK_SIZE) return;
  }
}

/** `size` bytes of a content from `start` on; a StoreError when they are not all there. */
export function* readWhole(
  db: Database,
  id: number,
  start: number,
  size: number,
): Generator<Bytes, void> {
  let left = size;
  for (const chunk of readContent(db, id, start, start + size)) {
    left -= chunk.length;
    yield chunk;
  }
  if (left > 0) throw new StoreError(`${left} bytes of this content are missing: try again`);
}

/** Content under way into the store. */
interface Staged {
  readonly id: number;
  chunks: number;
  size: number;
  /** Its row is on disk; until then a roll-back takes it away, and another content may get its id. */
  committed: boolean;
  /** A chunk was lost: nothing may adopt this. */
  broken: boolean;
}

/** Staged content of the writer: tokens of those who stage, and where their chunks are. */
export class Contents {
  readonly #db: Database;
  readonly #staged = new Map<string, Staged>();
  /** Ids of staged content that nobody waits for: what a crash left, and what could not be discarded. */
  readonly #abandoned: Set<number>;

  /** To be made before anything is staged. */
  constructor(db: Database) {
    this.#db = db;
    this.#abandoned = new Set(
      db.all("SELECT id FROM content WHERE staged = 1").map((row) => row.integer("id")),
    );
  }

  /** Contents that are staged and adopted by nothing yet. */
  get staged(): number {
    return this.#staged.size;
  }

  stage(token: string, bytes: Bytes): void {
    let content = this.#staged.get(token);
    if (content === undefined) {
      content = { id: this.#insert(1), chunks: 0, size: 0, committed: false, broken: false };
      this.#staged.set(token, content);
    }
    if (content.broken) throw notWhole();
    // Until this chunk is in: one that follows in the same group must not take its place.
    content.broken = true;
    // All chunks but the last are whole, or positions could not be computed.
    if (content.size !== content.chunks * CHUNK_SIZE || bytes.length > CHUNK_SIZE) {
      throw new RangeError("A chunk of staged content has the wrong length");
    }
    this.#insertChunk(content.id, content.chunks, bytes);
    content.chunks++;
    content.size += bytes.length;
    content.broken = false;
  }

  /** What a chunk's transaction came to. */
  settle(token: string, committed: boolean): void {
    const content = this.#staged.get(token);
    if (content === undefined) return;
    if (committed) content.committed = true;
    else if (content.committed) content.broken = true;
    else this.#staged.delete(token);
  }

  /** Removes staged content; `forget` has to follow once that is committed. */
  discard(token: string): void {
    const content = this.#staged.get(token);
    if (content === undefined) return;
    // Not what an operation before this one in its group has adopted.
    const row = this.#db.get("SELECT 1 FROM content WHERE id = ? AND staged = 1", content.id);
    if (row !== null) this.remove(content.id);
  }

  /** Drops a token whose content was adopted or discarded. */
  forget(token: string): void {
    this.#staged.delete(token);
  }

  /** How many bytes a source holds. */
  size(source: ContentSource): number {
    return source.kind === "inline" ? source.bytes.length : this.#find(source.token).size;
  }

  /** Makes a source the content of a message; its id. `forget` has to follow once that is committed. */
  adopt(source: ContentSource): number {
    if (source.kind === "inline") {
      if (source.bytes.length > CHUNK_SIZE) {
        throw new RangeError("Content of more than one chunk has to be staged");
      }
      const id = this.#insert(0);
      if (source.bytes.length > 0) this.#insertChunk(id, 0, source.bytes);
      return id;
    }
    const { id } = this.#find(source.token);
    const { changes } = this.#db.run(
      "UPDATE content SET staged = 0 WHERE id = ? AND staged = 1",
      id,
    );
    // Taken or thrown away by an operation before this one in its group.
    if (changes === 0) throw notWhole();
    return id;
  }

  /** Makes one content of pieces of any length; its id. */
  join(pieces: Iterable<Bytes>): number {
    const id = this.#insert(0);
    const chunk = new Uint8Array(CHUNK_SIZE);
    let [chunks, length] = [0, 0];
    for (let piece of pieces) {
      while (piece.length > 0) {
        const taken = piece.subarray(0, CHUNK_SIZE - length);
        chunk.set(taken, length);
        length += taken.length;
        piece = piece.subarray(taken.length);
        if (length < CHUNK_SIZE) continue;
        this.#insertChunk(id, chunks++, chunk);
        length = 0;
      }
    }
    if (length > 0) this.#insertChunk(id, chunks, chunk.subarray(0, length));
    return id;
  }

  /** Makes one content of these, which stay where they are; its id. So a large draft is sent in no time. */
  chain(parts: readonly { readonly id: number; readonly size: number }[]): number {
    const whole = this.#insert(0);
    let start = 0;
    for (const [place, { id, size }] of parts.entries()) {
      this.#db.run(
        "INSERT INTO piece (content, place, part, start) VALUES (?, ?, ?, ?)",
        whole,
        place,
        id,
        start,
      );
      start += size;
    }
    return whole;
  }

  /** The bytes of a source, wherever they are. */
  *read(source: ContentSource): Generator<Bytes, void> {
    if (source.kind === "inline") yield source.bytes;
    else yield* readContent(this.#db, this.#find(source.token).id);
  }

  remove(id: number): void {
    const parts = this.#db.all("DELETE FROM piece WHERE content = ? RETURNING part", id);
    for (const row of parts) this.#remove(row.integer("part"));
    this.#remove(id);
  }

  /** How many contents are staged that nobody waits for. */
  get abandoned(): number {
    return this.#abandoned.size;
  }

  /** Leaves staged content that could not be discarded to the sweep. */
  abandon(token: string): void {
    const content = this.#staged.get(token);
    if (content?.committed === true) this.#abandoned.add(content.id);
    this.#staged.delete(token);
  }

  /** Removes what nobody waits for; `swept` has to follow once that is committed. */
  sweep(): void {
    for (const id of this.#abandoned) this.remove(id);
  }

  swept(): void {
    this.#abandoned.clear();
  }

  #remove(id: number): void {
    const first = id * CHUNKS_PER_CONTENT;
    this.#db.run("DELETE FROM chunk WHERE id >= ? AND id < ?", first, first + CHUNKS_PER_CONTENT);
    this.#db.run("DELETE FROM content WHERE id = ?", id);
  }

  #find(token: string): Staged {
    const content = this.#staged.get(token);
    if (content === undefined || content.broken) throw notWhole();
    return content;
  }

  #insert(staged: 0 | 1): number {
    return this.#db.run("INSERT INTO content (staged) VALUES (?)", staged).id;
  }

  #insertChunk(content: number, number: number, bytes: Bytes): void {
    this.#db.run(
      "INSERT INTO chunk (id, bytes) VALUES (?, ?)",
      content * CHUNKS_PER_CONTENT + number,
      bytes,
    );
  }
}

function notWhole(): Error {
  return new Error(
    "The content is not whole in the store, or the host restarted meanwhile: send it again",
  );
}
