// Whether the server still takes connections, looked at now and then; one that does not is opened anew.

import type { Socket } from "node:net";
import { type Endpoint, hears } from "../../net/mod.ts";

/** How often it is looked, in milliseconds. */
const EVERY_MS = 10_000;

export interface HearingTerms {
  readonly endpoint: () => Endpoint;
  /** Opens the server anew. Never rejects. */
  readonly reopen: () => Promise<void>;
  readonly everyMs?: number;
}

/**
 * A server of the runtime whose accept fails, as when the process is out of file descriptors, never accepts again and
 * says nothing (Deno 2.9). Whoever heard nobody for a while is called.
 */
export class HearingWatch implements AsyncDisposable {
  readonly #terms: HearingTerms;
  /** Local ports of this host's own calls. */
  readonly #calls = new Set<number>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #checking: Promise<void> | null = null;
  /** Connections so far, and at the last look. */
  #accepted = 0;
  #checked = 0;
  #over = false;

  constructor(terms: HearingTerms) {
    this.#terms = terms;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#checking ??= this.#check().finally(() => this.#checking = null);
    }, this.#terms.everyMs ?? EVERY_MS);
  }

  /** Takes note of a connection. True: it is this host's own call, and nobody's else. */
  heard({ remotePort }: Socket): boolean {
    this.#accepted++;
    return remotePort !== undefined && this.#calls.has(remotePort);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    clearInterval(this.#timer);
    await this.#checking;
  }

  async #check(): Promise<void> {
    const before = this.#accepted;
    const isBusy = before !== this.#checked;
    this.#checked = before;
    if (isBusy) return;
    const { endpoint, reopen } = this.#terms;
    const heard = await hears(
      endpoint(),
      () => this.#over || this.#accepted > before,
      this.#calls,
    );
    this.#checked = this.#accepted;
    if (!heard && !this.#over) await reopen();
  }
}
