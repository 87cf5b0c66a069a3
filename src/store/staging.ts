// Content on its way from a connection or a file into the store.

import type { Bytes } from "../wire/mod.ts";
import { CHUNK_SIZE } from "./contents.ts";
import type { StoreWriter } from "./gather.ts";
import type { ContentSource } from "./operations.ts";

/** Chunks that one content may have on their way to the writer; with them its memory is bounded. */
const CHUNKS_UNDER_WAY = 4;

/**
 * Collects content into chunks. Content of one chunk waits in memory for its commit; more is staged as it comes. What
 * was not adopted by a message when this is disposed of is thrown away.
 */
export class ContentStaging implements AsyncDisposable {
  readonly #writer: StoreWriter;
  readonly #small: boolean;
  #left: number;
  readonly #token = crypto.randomUUID();
  readonly #underWay = new Set<Promise<unknown>>();
  #buffer: Bytes;
  #length = 0;
  #staged = false;
  #failure: unknown = null;
  #adopted = false;

  /** `size` is how many bytes there will be. */
  constructor(writer: StoreWriter, size: number) {
    this.#writer = writer;
    this.#small = size <= CHUNK_SIZE;
    this.#left = size;
    this.#buffer = new Uint8Array(Math.min(size, CHUNK_SIZE));
  }

  /** Takes a copy of the bytes; resolves when more may come. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#left -= bytes.length;
    if (this.#left < 0) throw new RangeError("There is more content than was declared");
    while (bytes.length > 0) {
      const piece = bytes.subarray(0, CHUNK_SIZE - this.#length);
      this.#buffer.set(piece, this.#length);
      this.#length += piece.length;
      bytes = bytes.subarray(piece.length);
      if (!this.#small && this.#length === CHUNK_SIZE) await this.#stage();
    }
  }

  /** The content for an operation, once all of it was written. */
  async source(): Promise<ContentSource> {
    if (this.#small) return { kind: "inline", bytes: this.#buffer.subarray(0, this.#length) };
    if (this.#length > 0) await this.#stage();
    await Promise.all(this.#underWay);
    if (this.#failure !== null) throw this.#failure;
    return { kind: "staged", token: this.#token };
  }

  /** Tells that a committed operation took the content, or dropped it. */
  adopted(): void {
    this.#adopted = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#staged || this.#adopted) return;
    await Promise.allSettled(this.#underWay);
    // A failing discard leaves the content to the sweep at the next start.
    await this.#writer.submit("discard", { token: this.#token }).catch(() => {});
  }

  async #stage(): Promise<void> {
    const bytes = this.#buffer.subarray(0, this.#length);
    this.#buffer = new Uint8Array(CHUNK_SIZE);
    this.#length = 0;
    this.#staged = true;
    const chunk = this.#writer.submit("stage", { token: this.#token, bytes })
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => this.#underWay.delete(chunk));
    this.#underWay.add(chunk);
    if (this.#underWay.size >= CHUNKS_UNDER_WAY) await Promise.race(this.#underWay);
    if (this.#failure !== null) throw this.#failure;
  }
}
