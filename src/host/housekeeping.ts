// What a host does by itself now and then: delete what is older than it may be, and give the space back.

import { type Expire, StoreFailure, type StoreWriter } from "../store/mod.ts";
import type { Config } from "../config.ts";
import type { Log } from "./log.ts";

/** How often, in milliseconds. */
const EVERY_MS = 3600_000;

/** How much is deleted in one operation, so that what others ask of the writer waits for a few milliseconds at most. */
const AT_ONCE = 100;

export class Housekeeping implements AsyncDisposable {
  readonly #writer: StoreWriter;
  readonly #config: () => Config;
  readonly #log: Log;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #working: Promise<void> | null = null;
  #stopped = false;

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
    try {
      const messages = await this.#expire();
      const bytes = await this.#reclaim();
      if (messages > 0) {
        this.#log.info("old messages are deleted, as retention says", {
          messages,
          bytes_given_back: bytes,
        });
      }
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error;
      this.#log.error("old messages could not be deleted", { error: error.message });
    }
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
