// What a host does by itself now and then: delete what is older than it may be, give the space back, index what an earlier
// program left, and clean the index.

import { type Expire, StoreFailure, type StoreWriter } from "../store/mod.ts";
import type { Config } from "../config.ts";
import type { Log } from "./log.ts";

/** How often, in milliseconds. */
const EVERY_MS = 3600_000;

/** How often words of deleted messages are looked for in the index. */
const CLEAN_EVERY_MS = 24 * EVERY_MS;

/** How much is deleted or indexed in one operation, so that what others ask of the writer waits for a few milliseconds at most. */
const AT_ONCE = 100;

export class Housekeeping implements AsyncDisposable {
  readonly #writer: StoreWriter;
  readonly #config: () => Config;
  readonly #log: Log;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #working: Promise<void> | null = null;
  #stopped = false;
  #cleaned = 0;

  constructor(writer: StoreWriter, config: () => Config, log: Log) {
    this.#writer = writer;
    this.#config = config;
    this.#log = log;
  }

  /** Begins at once, also when it was to begin later, and again an hour after it was through. */
  start(): void {
    if (this.#stopped || this.#working !== null) return;
    clearTimeout(this.#timer);
    this.#working = this.#work().finally(() => {
      this.#working = null;
      if (!this.#stopped) this.#timer = setTimeout(() => this.start(), EVERY_MS);
    });
  }

  /** Ends after the operation that is under way; the rest is done when the host runs again. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#working;
  }

  async #work(): Promise<void> {
    let failed = "old messages could not be deleted";
    try {
      const messages = await this.#expire();
      const bytes = await this.#reclaim();
      if (messages > 0) {
        this.#log.info("old messages are deleted, as retention says", {
          messages,
          bytes_given_back: bytes,
        });
      }
      failed = "messages of an earlier program could not be indexed";
      if (await this.#index()) {
        this.#log.info("the messages of an earlier program can be searched for now");
      }
      failed = "words of deleted messages could not be taken out of the index";
      await this.#clean();
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error;
      this.#log.error(failed, { error: error.message });
    }
  }

  /** Whether there was something to index, and all of it is. */
  async #index(): Promise<boolean> {
    for (let worked = false; !this.#stopped; worked = true) {
      if (!await this.#writer.submit("indexOlder", { limit: AT_ONCE })) return worked;
    }
    return false;
  }

  async #expire(): Promise<number> {
    let deleted = 0;
    while (!this.#stopped) {
      const more = await this.#writer.submit("expire", rules(this.#config()));
      if (more === 0) break;
      deleted += more;
    }
    return deleted;
  }

  /** It may mean to write all of the index anew. */
  async #clean(): Promise<void> {
    if (Date.now() - this.#cleaned < CLEAN_EVERY_MS) return;
    while (!this.#stopped && await this.#writer.submit("cleanIndex", null));
    this.#cleaned = Date.now();
  }

  async #reclaim(): Promise<number> {
    let bytes = 0;
    while (!this.#stopped) {
      const { freed, left } = await this.#writer.submit("reclaim", { all: false });
      bytes += freed;
      if (left === 0) break;
    }
    return bytes;
  }
}

function rules({ retention }: Config): Expire {
  return { maxAge: retention.max_age, users: retention.users, limit: AT_ONCE };
}
