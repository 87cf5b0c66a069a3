// The bytes of answers that are in memory until their clients take them, of all connections together.

/** The heap of the executable is small, and a page of a list may have megabytes. */
const MOST = 32 * 1024 * 1024;

/** Answers that are streamed from the store are no matter here: they are read as fast as they are taken. */
export class AnswerMemory {
  #held = 0;

  /** A place for the answer, which disposing of gives back; null when those that wait are too much already. */
  hold(response: Response): Disposable | null {
    const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
    const bytes = isJson ? Number(response.headers.get("content-length") ?? 0) : 0;
    if (this.#held > 0 && bytes > SMALL && this.#held + bytes > MOST) return null;
    this.#held += bytes;
    return { [Symbol.dispose]: () => void (this.#held -= bytes) };
  }
}

/** Refusals and the like, of which any number may wait: connections are bounded. */
const SMALL = 4 * 1024;
