// The content of a message as it streams by: inflated where compressed, counted, and hashed ("Computing Message Hash").

import { pipeline, Readable } from "node:stream";
import { createInflate, type Inflate } from "node:zlib";
import {
  type Bytes,
  type DecodedHeader,
  type MessageHash,
  MessageHasher,
  type Part,
  parts,
} from "../wire/mod.ts";
import { Terminate } from "./terminate.ts";
import { turn } from "./turn.ts";

/**
 * Takes the bytes of content in the order of the wire, in chunks of any size, and gives the message hash. Holds no more
 * than the chunk under way and one window of inflated bytes. A part that does not inflate to exactly its _expanded
 * size_ is a Terminate (3.4), as are bytes behind the end of its stream (own, stricter: they would be content that no
 * hash covers).
 *
 * `layout` tells the parts' sizes where it is not the hashed header itself: a batch's content is stored as its original
 * was sent.
 */
export class ContentDigest implements Disposable {
  readonly #hasher: MessageHasher;
  readonly #parts: readonly Part[];
  #next = 0;
  #left = 0;
  #inflater: Inflater | null = null;

  constructor(hashed: DecodedHeader, layout = hashed.header) {
    this.#hasher = new MessageHasher(hashed.bytes);
    this.#parts = parts(layout);
  }

  async push(bytes: Uint8Array): Promise<void> {
    while (bytes.length > 0) {
      if (this.#left === 0 && !(await this.#begin())) {
        throw new RangeError("More content than the header declares");
      }
      const piece = bytes.subarray(0, this.#left);
      if (this.#inflater === null) this.#hasher.update(piece);
      else await this.#inflater.push(piece);
      this.#left -= piece.length;
      bytes = bytes.subarray(piece.length);
    }
  }

  /** The message hash, once all content was pushed. */
  async finish(): Promise<MessageHash> {
    if (this.#left > 0 || (await this.#begin())) {
      throw new RangeError("Less content than the header declares");
    }
    return this.#hasher.digest();
  }

  [Symbol.dispose](): void {
    this.#inflater?.close();
  }

  /** Ends the part under way and goes on to the next that has bytes; false when there is none. */
  async #begin(): Promise<boolean> {
    for (;;) {
      await this.#inflater?.finish();
      this.#inflater = null;
      const part = this.#parts[this.#next++];
      if (part === undefined) return false;
      this.#left = part.size;
      if (part.expandedSize !== null) {
        this.#inflater = new Inflater(part.size, part.expandedSize, (piece) => {
          this.#hasher.update(piece);
        });
      }
      if (part.size > 0) return true;
    }
  }
}

/**
 * About so many bytes are inflated in one go. The runtime inflates all of what it is given before anybody else has a
 * turn, and 10 KB may hold 10 MB.
 */
const IN_ONE_GO = 64 * 1024;

/** Inflates one zlib stream (RFC 1950) and stops as soon as it holds more than it may. */
class Inflater {
  readonly #stream: Inflate = createInflate();
  readonly #expected: number;
  /** Bytes of the wire that are inflated in one go. */
  readonly #slice: number;
  #fed = 0;
  #produced = 0;
  #ended = false;
  #failure: Terminate | null = null;
  #wake: (() => void) | null = null;

  constructor(size: number, expected: number, output: (piece: Uint8Array) => void) {
    this.#expected = expected;
    this.#slice = Math.ceil(IN_ONE_GO * size / Math.max(size, expected));
    this.#stream.on("data", (piece: Uint8Array) => {
      this.#produced += piece.length;
      if (this.#produced > expected) this.#fail(`more than the ${expected} bytes declared`);
      else output(piece);
    });
    this.#stream.on("error", (error: Error) => this.#fail(error.message));
    // Heard from the start: with bytes behind the end of its data, the stream ends before it is told to.
    this.#stream.on("end", () => {
      this.#ended = true;
      this.#wake?.();
    });
  }

  async push(piece: Uint8Array): Promise<void> {
    this.#fed += piece.length;
    for (let at = 0; at < piece.length; at += this.#slice) {
      const before = this.#produced;
      const slice = piece.subarray(at, at + this.#slice);
      await this.#step((done) => this.#stream.write(slice, done));
      if (this.#produced - before >= IN_ONE_GO / 2) await turn();
    }
  }

  async finish(): Promise<void> {
    if (!this.#ended) await this.#step(() => this.#stream.end());
    if (this.#produced !== this.#expected) {
      throw wrong(`${this.#produced} bytes where ${this.#expected} are declared`);
    }
    if (this.#stream.bytesWritten !== this.#fed) throw wrong("bytes after the end of the stream");
    this.close();
  }

  close(): void {
    this.#stream.destroy();
  }

  async #step(start: (done: () => void) => void): Promise<void> {
    if (this.#failure === null) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        start(resolve);
      });
      this.#wake = null;
    }
    if (this.#failure !== null) throw this.#failure;
  }

  #fail(detail: string): void {
    this.#failure ??= wrong(detail);
    this.#stream.destroy();
    this.#wake?.();
  }
}

function wrong(detail: string): Terminate {
  return new Terminate("bad compressed data", detail);
}

/** Stored content of a compressed part, inflated again for reading. It was checked when it was stored. */
export async function* inflated(wire: Iterable<Uint8Array>): AsyncGenerator<Bytes, void> {
  const inflate = createInflate({ chunkSize: 64 * 1024 });
  // Unlike `pipe`, this hands an error of `wire` to the reader below; nobody hearing it would end the process.
  pipeline(Readable.from(wire), inflate, () => {});
  for await (const piece of inflate) yield new Uint8Array(piece);
}
