// Those in this process who are told of messages: by the commit, whoever made the change.

import type { MessageChange } from "../store/mod.ts";

export type MessageListener = (change: MessageChange) => void;

export class MessageListeners {
  readonly #listeners = new Set<MessageListener>();
  readonly #fault: (error: unknown) => void;

  /** `fault` takes what a listener throws; the others are told all the same. */
  constructor(fault: (error: unknown) => void) {
    this.#fault = fault;
  }

  /** Adds a listener; what is given takes it away again. */
  add(listener: MessageListener): () => void {
    // The same function may listen twice, and each time ends by itself.
    const own: MessageListener = (change) => listener(change);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  tell(change: MessageChange): void {
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        this.#fault(error);
      }
    }
  }
}
