// Searching on a thread of its own, so that no query holds up the one that serves connections.

import type { Address } from "../../wire/mod.ts";
import { StoreError } from "../database.ts";
import { holderWord } from "./indexing.ts";
import { matchExpression } from "./query.ts";
import type { SearchHit } from "./search.ts";
import type { FromSearch, ToSearch } from "./search_worker.ts";

/** There is too much to search at the moment; the message says what to do. */
export class SearchBusy extends Error {
  override readonly name = "SearchBusy";
}

/** Searches that wait for their turn. */
const MOST_WAITING = 64;

/** Of them, of one address: whoever asks for what takes long leaves room for others. */
const MOST_OF_ONE = 4;

/** Milliseconds that somebody waits for an answer, once the thread runs. */
const PATIENCE_MS = 10_000;

interface Waiting {
  readonly key: string;
  readonly timer: ReturnType<typeof setTimeout>;
  readonly resolve: (hits: SearchHit[]) => void;
  readonly reject: (error: Error) => void;
}

/** The thread starts with the first search. */
export class SearchThread implements Disposable {
  readonly #dataDir: string;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | null = null;
  #ready = Promise.withResolvers<Worker>();
  #number = 0;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  /**
   * As `find` of Search, and a SearchBusy when others have to be served first. What nobody waits for any more is searched
   * for all the same: the index cannot be interrupted.
   */
  async find(
    { key }: Address,
    query: string,
    limit: number,
    offset: number,
  ): Promise<SearchHit[]> {
    const match = matchExpression(holderWord(key), query);
    if (this.#worker === null) this.#start();
    const worker = await this.#ready.promise;
    const own = [...this.#waiting.values()].filter((waiting) => waiting.key === key);
    if (this.#waiting.size >= MOST_WAITING || own.length >= MOST_OF_ONE) {
      throw new SearchBusy("Too many searches are under way: try again in a while");
    }
    const number = this.#number++;
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#take(number)?.reject(
          new SearchBusy("The search takes too long: use fewer words, or some that are rarer"),
        );
      }, PATIENCE_MS);
      this.#waiting.set(number, { key, timer, resolve, reject });
      worker.postMessage({ number, match, limit, offset } satisfies ToSearch);
    });
  }

  [Symbol.dispose](): void {
    this.#end("The host stops: try again in a while");
  }

  #start(): void {
    const worker = new Worker(new URL("./search_worker.ts", import.meta.url).href, {
      type: "module",
      name: "fmsg-search",
    });
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<FromSearch>) => {
      if (data === "ready") return this.#ready.resolve(worker);
      const waiting = this.#take(data.number);
      if (typeof data.ids === "string") waiting?.reject(new StoreError(data.ids));
      else waiting?.resolve(data.ids.map((id) => ({ id })));
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.#end(event.message);
    };
    worker.postMessage({ dataDir: this.#dataDir } satisfies ToSearch);
  }

  /** Fails all that wait; the next search starts another thread. */
  #end(why: string): void {
    this.#worker?.terminate();
    this.#worker = null;
    const failure = new StoreError(why);
    // It may be that nobody waits for it.
    this.#ready.promise.catch(() => {});
    this.#ready.reject(failure);
    this.#ready = Promise.withResolvers();
    for (const number of [...this.#waiting.keys()]) this.#take(number)?.reject(failure);
  }

  /** Whoever waits for this answer, who waits no longer. */
  #take(number: number): Waiting | undefined {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    clearTimeout(waiting?.timer);
    return waiting;
  }
}
