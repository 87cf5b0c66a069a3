// Work that is done in its order and off the path of whoever adds it, in short slices between which others have their turn.

import { setImmediate } from "node:timers";

/** Milliseconds of work at a stretch: exchanges with other hosts run on the same thread. */
const SLICE_MS = 4;

export class Feed<Item> implements AsyncDisposable {
  #items: Item[] = [];
  #stopped = false;
  #working: Promise<void> | null = null;

  /** `work` throws nothing. */
  constructor(private readonly work: (item: Item) => void) {}

  add(item: Item): void {
    if (this.#stopped) return;
    this.#items.push(item);
    this.#working ??= this.#run();
  }

  /** Throws away what is not done. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.#working;
  }

  async #run(): Promise<void> {
    await turn();
    while (this.#items.length > 0) {
      const items = this.#items;
      this.#items = [];
      let until = performance.now() + SLICE_MS;
      for (const item of items) {
        if (this.#stopped) return;
        this.work(item);
        if (performance.now() < until) continue;
        await turn();
        until = performance.now() + SLICE_MS;
      }
    }
    // In the same turn as the last look: what is added from here on begins anew.
    this.#working = null;
  }
}

/** Until others had their turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
