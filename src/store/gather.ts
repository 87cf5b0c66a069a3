// Gathers operations for a writer: one group is under way, and what arrives meanwhile is the next.

import type { Change, Committed, Operation, OperationName, Operations } from "./operations.ts";

/** Where operations go to: the writer's thread, a writer in this process, or the running host. */
export interface WriterBackend {
  /** Commits a group. Never called again before the earlier call is through. */
  run(operations: readonly Operation[]): Promise<Committed>;
  close(): Promise<void>;
}

/** The store could not carry out an operation: nothing of it was kept. */
export class StoreFailure extends Error {
  override readonly name = "StoreFailure";
}

/** Who is told of commits. */
export interface CommitObserver {
  readonly changed?: (changes: readonly Change[]) => void;
  /** So many operations in one group, which took so long. */
  readonly committed?: (operations: number, ms: number) => void;
}

/** Takes operations from everybody, and resolves each once the commit that holds it is durable. */
export class StoreWriter implements AsyncDisposable {
  readonly #backend: WriterBackend;
  readonly #observer: CommitObserver;
  #waiting: Waiting[] = [];
  #working: Promise<void> | null = null;
  #closed = false;

  constructor(
    backend: WriterBackend,
    observer: CommitObserver = {},
  ) {
    this.#backend = backend;
    this.#observer = observer;
  }

  /** Throws a StoreFailure when the operation was not carried out. */
  submit<Name extends OperationName>(
    name: Name,
    input: Operations[Name]["takes"],
  ): Promise<Operations[Name]["gives"]> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new StoreFailure("The store is closed"));
      // The name ties input and value together; that is more than the checker follows through a list of all kinds.
      const operation = { name, input } as Operation;
      const settle = (value: unknown): void => resolve(value as Operations[Name]["gives"]);
      this.#waiting.push({ operation, settle, reject });
      this.#working ??= this.#work();
    });
  }

  /** Waits for what was submitted, and closes the backend. */
  async [Symbol.asyncDispose](): Promise<void> {
    // Whoever hears of a commit may submit more, before this goes on.
    while (this.#working !== null) await this.#working;
    if (this.#closed) return;
    this.#closed = true;
    await this.#backend.close();
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      const started = performance.now();
      try {
        const { outcomes, changes } = await this.#backend.run(
          group.map(({ operation }) => operation),
        );
        for (const [i, { settle, reject }] of group.entries()) {
          const outcome = outcomes[i];
          if (outcome?.ok === true) settle(outcome.value);
          else reject(new StoreFailure(outcome?.message ?? "The writer gave no answer"));
        }
        this.#tell(changes, group.length, performance.now() - started);
      } catch (error) {
        const failure = new StoreFailure(error instanceof Error ? error.message : String(error), {
          cause: error,
        });
        for (const { reject } of group) reject(failure);
      }
    }
    this.#working = null;
  }

  /** What is committed stays so, whatever the observer makes of it. */
  #tell(changes: readonly Change[], operations: number, ms: number): void {
    try {
      this.#observer.committed?.(operations, ms);
      if (changes.length > 0) this.#observer.changed?.(changes);
    } catch (error) {
      reportError(error);
    }
  }
}

interface Waiting {
  readonly operation: Operation;
  readonly settle: (value: unknown) => void;
  readonly reject: (reason: StoreFailure) => void;
}
