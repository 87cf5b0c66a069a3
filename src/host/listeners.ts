// Those in this process who are told of what changed: by the commit, whoever made the change.

export type ChangeListener<Change> = (change: Change) => void;

export class Listeners<Change> {
  readonly #listeners = new Set<ChangeListener<Change>>();
  readonly #fault: (error: unknown) => void;

  /** `fault` takes what a listener throws; the others are told all the same. */
  constructor(fault: (error: unknown) => void) {
    this.#fault = fault;
  }

  /** Adds a listener; what is given takes it away again. */
  add(listener: ChangeListener<Change>): () => void {
    // The same function may listen twice, and each time ends by itself.
    const own: ChangeListener<Change> = (change) => listener(change);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  tell(change: Change): void {
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        this.#fault(error);
      }
    }
  }
}
